"""The picture of the documentation: the form of an algorithm beside the layers that it gave."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import MagicMock

import qgis.utils
from qgis.core import QgsApplication, QgsMapRendererParallelJob, QgsMapSettings, QgsProject
from qgis.gui import QgsBrowserGuiModel, QgsGui, QgsMapCanvas, QgsMessageBar
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage, QPainter
from qgis.PyQt.QtWidgets import QMainWindow

_FORM, _MAP, _GAP = QSize(820, 560), QSize(760, 560), 16


def draw(layers: list, target: Path) -> None:
    """Draw the form of "Segment raster" and a map of the layers, the first on top."""
    QgsProject.instance().addMapLayer(layers[-1])
    picture = QImage(_FORM.width() + _GAP + _MAP.width(), _MAP.height(), QImage.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    painter.drawImage(0, 0, _form())
    painter.drawImage(_FORM.width() + _GAP, 0, _map(layers))
    painter.end()
    target.parent.mkdir(parents=True, exist_ok=True)
    assert picture.save(str(target))


def _map(layers: list) -> QImage:
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setExtent(layers[-1].extent())
    settings.setOutputSize(_MAP)
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def stand_in() -> None:
    """Give forms as much of the window of QGIS as they ask for; before Processing is imported."""
    window, canvas, browser, bar = (
        QMainWindow(), QgsMapCanvas(), QgsBrowserGuiModel(), QgsMessageBar(),
    )  # fmt: skip
    iface = MagicMock()
    iface.mainWindow.return_value = window
    iface.mapCanvas.return_value = canvas
    iface.browserModel.return_value = browser
    iface.messageBar.return_value = bar
    iface.cadDockWidget.return_value = iface.activeLayer.return_value = None
    qgis.utils.iface = iface
    QgsGui.editorWidgetRegistry().initEditors(canvas)


def _form() -> QImage:
    import processing

    dialog = processing.createAlgorithmDialog("nuriwake:segment", {"DETAIL": "medium"})
    dialog.resize(_FORM)
    dialog.show()
    for _ in range(20):
        QgsApplication.processEvents()
    image = dialog.grab().toImage()
    dialog.close()
    return image
