"""Layers in our colours: an id has the same colour here as in the program's own pictures."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsField,
    QgsFillSymbol,
    QgsMapLayer,
    QgsPalettedRasterRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant
from qgis.PyQt.QtGui import QColor

Palette = Sequence[tuple[int, int, int]]
#: Beyond so many ids a legend of all of them would keep QGIS busy for long.
MOST_CLASSES = 10_000
_OPACITY = 0.6


def largest_id(path: str) -> int:
    """Read the largest id of a label map."""
    layer = QgsRasterLayer(path, "")
    if not layer.isValid():
        return 0
    found = layer.dataProvider().bandStatistics(1, QgsRasterBandStats.Max)
    return int(found.maximumValue)


def paint_map(layer: QgsRasterLayer, palette: Palette, largest: int, noun: str) -> None:
    """Give every id of a label map its colour; 0, no data, has none."""
    classes = [
        QgsPalettedRasterRenderer.Class(i, QColor(*palette[(i - 1) % len(palette)]), f"{noun} {i}")
        for i in range(1, largest + 1)
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    layer.triggerRepaint()


def paint_polygons(layer: QgsVectorLayer, palette: Palette) -> None:
    """Give every polygon the colour of its region; show standard deviations beside variances."""
    largest = layer.maximumValue(layer.fields().lookupField("region"))
    n_regions = int(largest) if isinstance(largest, (int, float)) else 0
    n_colours = min(len(palette), n_regions)
    categories = []
    for i in range(1, n_colours + 1):
        colour = "{},{},{}".format(*palette[i - 1])
        symbol = QgsFillSymbol.createSimple(
            {"color": colour, "outline_color": "white", "outline_width": "0.2"}
        )
        more = n_regions > len(palette)
        label = f"region {i}, {i + len(palette)}, ..." if more else f"region {i}"
        categories.append(QgsRendererCategory(i, symbol, label))
    # With more regions than colours these come again, as they do in the map.
    which = f'("region" - 1) % {len(palette)} + 1' if n_regions > len(palette) else "region"
    layer.setRenderer(QgsCategorizedSymbolRenderer(which, categories))
    layer.setOpacity(_OPACITY)
    for field in layer.fields().names():
        if field.startswith("var_"):
            shown = QgsField(field.replace("var_", "std_"), QVariant.Double)
            layer.addExpressionField(f'sqrt("{field}")', shown)
    layer.triggerRepaint()


class Painter(QgsProcessingLayerPostProcessorInterface):
    """Paints a layer when QGIS loads it.

    Parameters
    ----------
    palette : sequence of RGB
    noun : str
        What the ids of a map are called.
    largest : int
        The largest id of a map.
    """

    def __init__(self, palette: Palette, noun: str = "region", largest: int = 0) -> None:
        super().__init__()
        self._palette = palette
        self._noun = noun
        self._largest = largest

    def postProcessLayer(  # noqa: N802 - QGIS calls it
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,  # noqa: ARG002
        feedback: QgsProcessingFeedback,
    ) -> None:
        """Paint it."""
        if isinstance(layer, QgsVectorLayer):
            paint_polygons(layer, self._palette)
        elif self._largest > MOST_CLASSES:
            feedback.pushInfo(
                f"{self._largest} ids: too many for a legend, so that the map stays grey."
            )
        else:
            paint_map(layer, self._palette, self._largest, self._noun)
