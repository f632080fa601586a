"""What the five algorithms have in common: one call of the command line."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsMapLayer,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from . import child
from .commands import Cut, Option
from .description import Description
from .faults import CancelledError, PluginError
from .home import Home
from .parameters import AUTOMATIC, RECIPE
from .styling import Painter, largest_id

Parameters = dict[str, Any]


class NuriwakeAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that calls the program.

    Parameters
    ----------
    home : Home
    description : Description
        What its form is made from.
    icon : QIcon
    """

    NAME = ""
    TITLE = ""
    HELP = ""

    def __init__(self, home: Home, description: Description, icon: QIcon) -> None:
        super().__init__()
        self.home = home
        self.description = description
        self._icon = icon

    def form(self) -> list[QgsProcessingParameterDefinition]:
        """List the parameters, in the order of the form."""
        raise NotImplementedError

    def work(self, read: Reader) -> Parameters:
        """Run, and name what was written."""
        raise NotImplementedError

    # What QGIS calls.

    def createInstance(self) -> NuriwakeAlgorithm:  # noqa: N802
        """Return another one."""
        return type(self)(self.home, self.description, self._icon)

    def name(self) -> str:
        """Return the id."""
        return self.NAME

    def displayName(self) -> str:  # noqa: N802
        """Return the title."""
        return self.TITLE

    def shortHelpString(self) -> str:  # noqa: N802
        """Say what it does, and what the recipes are."""
        if self.parameterDefinition(RECIPE.upper()) is None:
            return self.HELP
        recipes = "\n".join(f"{r.name}: {r.summary}." for r in self.description.recipes)
        return f"{self.HELP}\n\nRecipes\n{recipes}"

    def icon(self) -> QIcon:
        """Return the icon."""
        return self._icon

    def initAlgorithm(self, configuration: Parameters | None = None) -> None:  # noqa: ARG002, N802
        """Make the form."""
        for parameter in self.form():
            self.addParameter(parameter)

    def canExecute(self) -> tuple[bool, str]:  # noqa: N802
        """Say where the program is missing."""
        try:
            self.home.program()
        except PluginError as error:
            return False, str(error)
        return True, ""

    def processAlgorithm(  # noqa: N802
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Parameters:
        """Run the program."""
        try:
            return self.work(Reader(self, parameters, context, feedback))
        except CancelledError:
            return {}
        except PluginError as error:
            raise QgsProcessingException(str(error)) from None


class Reader:
    """The values of one run, read from the form, and the way to run with them."""

    def __init__(
        self,
        algorithm: NuriwakeAlgorithm,
        parameters: Parameters,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> None:
        self._algorithm = algorithm
        self._parameters = parameters
        self._context = context
        self._feedback = feedback

    @property
    def source(self) -> str:
        """The file of the raster layer."""
        layer = self._algorithm.parameterAsRasterLayer(self._parameters, "INPUT", self._context)
        return source_of(layer)

    @property
    def sources(self) -> list[str]:
        """The files of several raster layers."""
        layers = self._algorithm.parameterAsLayerList(self._parameters, "INPUTS", self._context)
        return [source_of(layer) for layer in layers]

    @property
    def bands(self) -> list[int]:
        """The numbers of the bands."""
        return list(self._algorithm.parameterAsInts(self._parameters, "BANDS", self._context))

    def text(self, name: str) -> str:
        """Read a text, or the name of a file."""
        return str(self._algorithm.parameterAsString(self._parameters, name, self._context) or "")

    def choice(self, name: str) -> str:
        """Read a choice, or what is chosen where nothing is said."""
        algorithm = self._algorithm
        return str(algorithm.parameterAsEnumString(self._parameters, name, self._context))

    def number(self, name: str) -> float | None:
        """Read a number; None where it was left out."""
        if self._parameters.get(name) is None:
            return None
        return float(self._algorithm.parameterAsDouble(self._parameters, name, self._context))

    def whole(self, name: str) -> int | None:
        """Read a whole number; None where it was left out."""
        value = self.number(name)
        return None if value is None else int(value)

    def file(self, name: str) -> str:
        """Read where to write a file; empty where it is not wanted."""
        if self._parameters.get(name) is None:
            return ""
        return str(self._algorithm.parameterAsFileOutput(self._parameters, name, self._context))

    def output(self, name: str) -> str:
        """Read where to write a layer; empty where it is not wanted."""
        if self._parameters.get(name) is None:
            return ""
        return str(self._algorithm.parameterAsOutputLayer(self._parameters, name, self._context))

    @property
    def cut(self) -> Cut:
        """Which regions are wanted."""
        detail = self.choice("DETAIL")
        return Cut(
            regions=self.whole("REGIONS"),
            detail=None if detail in ("", AUTOMATIC) else detail,
            labels=self.whole("LABELS"),
            altitude=self.number("ALTITUDE"),
        )

    @property
    def settings(self) -> dict[str, Option]:
        """The recipe, and the settings that were given."""
        found: dict[str, Option] = {RECIPE: self.choice(RECIPE.upper())}
        for setting in self._algorithm.description.settings:
            name = setting.name.upper()
            if setting.name == RECIPE or self._parameters.get(name) is None:
                continue
            if setting.type == "int":
                found[setting.name] = self.whole(name)
            elif setting.type == "float":
                found[setting.name] = self.number(name)
            elif setting.type == "text":
                found[setting.name] = self.text(name)
            else:
                found[setting.name] = self.choice(name)
        return found

    def run(self, command: list[str]) -> None:
        """Run a command, and show what it says.

        Raises
        ------
        PluginError
            If it fails.
        CancelledError
            If the user ends it.
        """
        self._feedback.pushCommandInfo(child.shown(command))
        environment = self._algorithm.home.child_environment
        child.run(command, environment, self._hear, self._feedback.isCanceled)

    def paint(self, path: str, noun: str = "region", is_map: bool = True) -> None:
        """See to it that a layer is painted where QGIS loads it."""
        if not self._context.willLoadLayerOnCompletion(path):
            return
        palette = self._algorithm.description.palette
        painter = Painter(palette, noun, largest_id(path) if is_map else 0)
        self._algorithm.home.waiting.append(painter)
        self._context.layerToLoadOnCompletionDetails(path).setPostProcessor(painter)

    def _hear(self, heard: child.Progress | str) -> None:
        if isinstance(heard, str):
            self._feedback.pushInfo(heard)
            return
        self._feedback.setProgress(heard.percent)
        self._feedback.setProgressText(f"{heard.title}: {heard.done} of {heard.total} {heard.note}")


def source_of(layer: QgsMapLayer | None) -> str:
    """Name the file of a raster layer, or its address.

    Raises
    ------
    PluginError
        If it is a layer of no file.
    """
    if not isinstance(layer, QgsRasterLayer):
        raise PluginError("there is no such raster layer: choose one that QGIS can open.")
    source = str(layer.source()).split("|")[0]
    kind = "memory" if source.startswith(("/vsimem/", "<VRT")) else layer.providerType()
    if kind != "gdal":
        raise PluginError(
            f"{layer.name()} is no file but of the kind {kind}, which QGIS alone can read: save it "
            "as a GeoTIFF first (right click, Export, Save As)."
        )
    return source
