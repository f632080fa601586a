"""The five algorithms."""

from __future__ import annotations

from qgis.core import (
    QgsProcessing,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from . import commands
from .algorithm import NuriwakeAlgorithm, Parameters, Reader
from .faults import PluginError
from .parameters import (
    altitude_parameter,
    cut_parameters,
    map_parameter,
    setting_parameters,
    source_parameters,
)

_NUMBERS = "One id per pixel, 0 = no data; place and reference system are those of the raster."


class SegmentRaster(NuriwakeAlgorithm):
    """Segment a raster layer."""

    NAME = "segment"
    TITLE = "Segment raster"
    HELP = (
        "Segments a raster with no labels: a tiny network is trained on the raster itself, and a "
        f"tree of regions is cut at the detail or the number that you ask for. {_NUMBERS} Save the "
        "result too, and 'Cut saved result' reads another number of regions without training."
    )

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters."""
        result = QgsProcessingParameterFileDestination(
            "RESULT", "Result, to cut again", "Results (*.npz)", None, True, False
        )
        return [
            *source_parameters(),
            *cut_parameters(self.description),
            *setting_parameters(self.description, "fast"),
            map_parameter(),
            QgsProcessingParameterRasterDestination("OUTPUT", "Map"),
            result,
        ]

    def work(self, read: Reader) -> Parameters:
        """Segment; where the result is wanted too, the map is cut from it."""
        program, target, result = self.home.program(), read.output("OUTPUT"), read.file("RESULT")
        what, cut = read.choice("MAP"), read.cut
        first, save = (result, "result") if result else (target, what)
        read.run(
            commands.segment(program, read.source, first, save, cut, read.settings, read.bands)
        )
        if result:
            read.run(commands.cut_result(program, result, target, what, cut))
        read.paint(target, what.rstrip("s"))
        return {"OUTPUT": target, **({"RESULT": result} if result else {})}


class CutResult(NuriwakeAlgorithm):
    """Cut a saved result."""

    NAME = "cut"
    TITLE = "Cut saved result"
    HELP = f"Reads another number of regions from a saved result, with no training. {_NUMBERS}"

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters."""
        return [
            QgsProcessingParameterFile("RESULT", "Result", extension="npz"),
            *cut_parameters(self.description),
            altitude_parameter(),
            map_parameter(),
            QgsProcessingParameterRasterDestination("OUTPUT", "Map", None, True),
            QgsProcessingParameterVectorDestination(
                "POLYGONS", "Polygons", QgsProcessing.TypeVectorPolygon, None, True, False
            ),
        ]

    def work(self, read: Reader) -> Parameters:
        """Cut into a map, polygons, or both."""
        program, result, cut = self.home.program(), read.text("RESULT"), read.cut
        what, target, polygons = read.choice("MAP"), read.output("OUTPUT"), read.output("POLYGONS")
        if not target and not polygons:
            raise PluginError("nothing is asked for: name a file for the map or for the polygons.")
        if target:
            read.run(commands.cut_result(program, result, target, what, cut))
            read.paint(target, what.rstrip("s"))
        if polygons:
            read.run(commands.cut_result(program, result, polygons, "polygons", cut))
            read.paint(polygons, is_map=False)
        written = {"OUTPUT": target, "POLYGONS": polygons}
        return {name: path for name, path in written.items() if path}


class TrainModel(NuriwakeAlgorithm):
    """Train a model."""

    NAME = "train"
    TITLE = "Train model"
    HELP = (
        "Trains one model on one or several rasters with the same bands. 'Apply model' labels "
        "others with it: a label then means the same, and has the same colour, in all of them."
    )

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters."""
        return [
            QgsProcessingParameterMultipleLayers(
                "INPUTS", "Raster layers", QgsProcessing.TypeRaster
            ),
            QgsProcessingParameterString(
                "BANDS", "Bands, such as 4,3,2 (all unless given)", None, False, True
            ),
            *setting_parameters(self.description, "tip2020"),
            QgsProcessingParameterFileDestination("MODEL", "Model", "Models (*.safetensors)"),
        ]

    def work(self, read: Reader) -> Parameters:
        """Train."""
        model = read.file("MODEL")
        read.run(
            commands.fit(
                self.home.program(), read.sources, model, read.settings, read.text("BANDS")
            )
        )
        return {"MODEL": model}


class ApplyModel(NuriwakeAlgorithm):
    """Apply a model."""

    NAME = "apply"
    TITLE = "Apply model"
    HELP = f"Labels a raster of any size with a model, the same as in one piece. {_NUMBERS}"

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters."""
        return [
            QgsProcessingParameterFile("MODEL", "Model", extension="safetensors"),
            *source_parameters(),
            QgsProcessingParameterString(
                "MIN_AREA",
                "Join smaller regions to a neighbour: pixels, or 500m2, 2ha, 1km2",
                "1",
            ),
            QgsProcessingParameterRasterDestination("OUTPUT", "Labels"),
        ]

    def work(self, read: Reader) -> Parameters:
        """Label."""
        target = read.output("OUTPUT")
        read.run(
            commands.apply(
                self.home.program(), read.text("MODEL"), read.source, target, "labels",
                read.bands, read.text("MIN_AREA"),
            )
        )  # fmt: skip
        read.paint(target, "label")
        return {"OUTPUT": target}


class PolygonsWithStatistics(NuriwakeAlgorithm):
    """Segment into polygons."""

    NAME = "polygons"
    TITLE = "Polygons with statistics"
    HELP = (
        "Segments a raster into polygons that share their borders exactly. Their attributes are "
        "region, label, pixels, area_m2 (where the reference system tells), and of each band "
        "mean_1, var_1 (the variance), ...; layers that QGIS loads show std_1, ... too."
    )

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters."""
        return [
            *source_parameters(),
            *cut_parameters(self.description),
            *setting_parameters(self.description, "fast"),
            QgsProcessingParameterVectorDestination(
                "OUTPUT", "Polygons", QgsProcessing.TypeVectorPolygon
            ),
        ]

    def work(self, read: Reader) -> Parameters:
        """Segment."""
        target = read.output("OUTPUT")
        read.run(
            commands.segment(
                self.home.program(), read.source, target, "polygons", read.cut,
                read.settings, read.bands,
            )
        )  # fmt: skip
        read.paint(target, is_map=False)
        return {"OUTPUT": target}


ALGORITHMS = (SegmentRaster, CutResult, TrainModel, ApplyModel, PolygonsWithStatistics)
