"""Inside QGIS: outputs open with their place, layers are painted, a run is ended, the button asks.

Run by ``check/run.py``, with the Python of QGIS, in a folder where the algorithms have run.
"""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QMessageBox

sys.path[:0] = [str(Path(__file__).parents[1]), f"{sys.argv[1]}/plugins"]
FOLDER = Path(sys.argv[2])
PICTURE = Path(sys.argv[3])
SCENE = FOLDER / "scene.tif"


class Window:
    """As much of the window of QGIS as the plugin uses."""

    def __init__(self) -> None:
        self.entries: list = []
        self.messages: list[str] = []

    def mainWindow(self):
        return None

    def messageBar(self):
        return self

    def pushMessage(self, _title, text, _level):
        self.messages.append(text)

    def addPluginToMenu(self, menu, action):
        self.entries.append((menu, action))

    def removePluginMenu(self, menu, action):
        self.entries.remove((menu, action))


def check_outputs() -> None:
    scene = QgsRasterLayer(str(SCENE), "scene")
    for name in ("segment", "cut", "apply"):
        layer = QgsRasterLayer(str(FOLDER / f"{name}.tif"), name)
        assert layer.isValid(), name
        assert layer.crs().authid() == "EPSG:32654", name
        assert layer.extent() == scene.extent(), name
        assert (layer.width(), layer.height()) == (scene.width(), scene.height()), name
        provider = layer.dataProvider()
        assert provider.sourceNoDataValue(1) == 0, name
        block = provider.block(1, layer.extent(), layer.width(), layer.height())
        assert block.isNoData(0, 0), name  # the corner without data
        assert block.value(layer.height() - 1, layer.width() - 1) >= 1, name
    for name in ("cut", "polygons"):
        layer = QgsVectorLayer(str(FOLDER / f"{name}.gpkg"), name)
        assert layer.isValid(), name
        assert layer.crs().authid() == "EPSG:32654", name
        assert layer.featureCount() == 6, name
        assert all(feature.geometry().isGeosValid() for feature in layer.getFeatures()), name
        fields = layer.fields().names()
        assert {"region", "label", "pixels", "area_m2"} <= set(fields), fields
    assert {"mean_1", "var_1", "mean_4", "var_4"} <= set(fields), fields
    pixels = sum(feature["pixels"] for feature in layer.getFeatures())
    area = sum(feature["area_m2"] for feature in layer.getFeatures())
    assert pixels == scene.width() * scene.height() - 60 * 61 // 2
    assert abs(area / pixels - 100) < 0.5  # the projection stretches by some 0.1 %


def run(name: str, parameters: dict, feedback=None) -> list:
    """Run an algorithm as its dialog does, and return the layers that QGIS would load, painted."""
    import processing

    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    feedback = feedback or QgsProcessingFeedback()
    loaded = {}
    for key, value in parameters.items():
        if key in ("OUTPUT", "POLYGONS"):
            loaded[value] = QgsProcessingContext.LayerDetails(key, QgsProject.instance(), key)
    context.setLayersToLoadOnCompletion(loaded)
    processing.run(name, parameters, context=context, feedback=feedback)
    layers = []
    for path, details in context.layersToLoadOnCompletion().items():
        layer = QgsVectorLayer(path) if path.endswith("gpkg") else QgsRasterLayer(path)
        assert details.postProcessor() is not None, path
        details.postProcessor().postProcessLayer(layer, context, feedback)
        layers.append(layer)
    return layers


def check_colours() -> list:
    cut = {"RESULT": str(FOLDER / "segment.npz"), "REGIONS": 6}
    cut |= {"OUTPUT": str(FOLDER / "seen.tif"), "POLYGONS": str(FOLDER / "seen.gpkg")}
    layers = {type(layer): layer for layer in run("nuriwake:cut", cut)}
    classes = layers[QgsRasterLayer].renderer().classes()
    assert [c.label for c in classes] == [f"region {i}" for i in range(1, 7)]
    assert classes[0].color == QColor(230, 159, 0)
    categories = layers[QgsVectorLayer].renderer().categories()
    assert [c.value() for c in categories] == list(range(1, 7))
    assert categories[0].symbol().color() == QColor(230, 159, 0)
    polygons = {"INPUT": str(SCENE), "REGIONS": 200, "OUTPUT": str(FOLDER / "many.gpkg")}
    (many,) = run("nuriwake:polygons", polygons)
    assert len(many.renderer().categories()) == 84
    spread = next(many.getFeatures())
    assert abs(spread["std_1"] ** 2 - spread["var_1"]) < 1e-6
    return [layers[QgsVectorLayer], QgsRasterLayer(str(SCENE), "scene")]


def check_cancel() -> None:
    feedback = QgsProcessingFeedback()
    feedback.progressChanged.connect(lambda _percent: feedback.cancel())
    model = FOLDER / "never.safetensors"
    parameters = {"INPUTS": [str(SCENE)], "MODEL": str(model), "MAX_ITER": 100_000}
    import processing

    processing.run("nuriwake:train", parameters | {"MIN_LABELS": 1}, feedback=feedback)
    assert not list(FOLDER.glob("*never*")), "something half done is left"


def check_memory() -> None:
    import processing
    from osgeo import gdal

    scene = gdal.Open(str(SCENE))
    gdal.GetDriverByName("GTiff").CreateCopy("/vsimem/scene.tif", scene)
    layer = QgsRasterLayer("/vsimem/scene.tif", "kept")
    parameters = {"INPUT": layer, "OUTPUT": str(FOLDER / "never.tif")}
    said = ""
    try:
        processing.run("nuriwake:segment", parameters)
    except QgsProcessingException as error:
        said = str(error)
    assert said.startswith("kept is no file but of the kind memory"), said


def check_window(plugin, window: Window) -> None:
    from nuriwake_qgis import own_environment, set_up

    ((menu, action),) = window.entries
    assert (menu, action.text()) == ("nuriwake", "Set up")
    asked = []

    def refuse(_parent, _title, text):
        asked.append(text)
        return QMessageBox.StandardButton.No

    set_up.QMessageBox.question = refuse
    action.trigger()
    home = plugin._provider.home
    assert str(home.environment_folder) in asked[0]
    assert "already" in asked[0]
    assert not home.environment_folder.exists(), "made without asking"
    # The steps themselves, with a package that needs no network.
    all_steps = own_environment.steps
    own_environment.steps = lambda *about: all_steps(*about, system="none")
    install(home, _tiny_wheel())
    assert home.program() == home.environment_folder / "bin" / "nuriwake"
    broken = FOLDER / "nuriwake-8-py3-none-any.whl"
    broken.write_bytes(b"no zip")
    assert re.fullmatch(r"nuriwake was not set up \(.*\): .*", install(home, broken))
    assert home.program().is_file(), "an environment that worked is lost"


def install(home, wheel: Path) -> str:
    """Set up from a wheel, and return why it failed."""
    from processing.core.ProcessingConfig import ProcessingConfig

    from nuriwake_qgis.home import WHEEL_OPTION
    from nuriwake_qgis.set_up import Installation

    ProcessingConfig.setSettingValue(WHEEL_OPTION, str(wheel))
    task = Installation(home)
    assert task.run() == (not task.reason)
    return task.reason


def _tiny_wheel() -> Path:
    wheel = FOLDER / "nuriwake-9-py3-none-any.whl"
    about = "nuriwake-9.dist-info/"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "def main():\n    print('tiny')\n")
        file.writestr(about + "METADATA", "Metadata-Version: 2.1\nName: nuriwake\nVersion: 9\n")
        file.writestr(about + "WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(about + "entry_points.txt", "[console_scripts]\nnuriwake = tiny:main\n")
        file.writestr(about + "RECORD", "")
    return wheel


def main() -> None:
    application = QgsApplication([], True)
    application.initQgis()
    from picture import draw, stand_in

    stand_in()
    from processing.core.Processing import Processing

    Processing.initialize()
    import nuriwake_qgis

    window = Window()
    plugin = nuriwake_qgis.classFactory(window)
    plugin.initGui()
    check_outputs()
    print("outputs open in QGIS with their place, nodata and attributes")
    layers = check_colours()
    draw(layers, PICTURE)
    print(f"layers are painted: {PICTURE}")
    check_cancel()
    print("a run that is ended leaves nothing")
    check_memory()
    print("a layer of no file is refused in one sentence")
    check_window(plugin, window)
    print(
        "the button asks, makes an environment of its own, and keeps the old one where that fails"
    )
    plugin.unload()
    assert window.entries == []
    sys.stdout.flush()
    # Without the window of QGIS, its libraries and Python disagree about who clears up last.
    os._exit(0)


if __name__ == "__main__":
    main()
