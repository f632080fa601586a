"""The provider of Processing: the algorithms, and the options that name the program."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms import ALGORITHMS
from .home import PROGRAM_OPTION, WHEEL_OPTION, Home

_OPTIONS = {
    PROGRAM_OPTION: "Program nuriwake (found by itself where this is empty)",
    WHEEL_OPTION: "Wheel that 'Set up' installs (from the package index where this is empty)",
}
_ICON = Path(__file__).with_name("icon.svg")


class NuriwakeProvider(QgsProcessingProvider):
    """Brings the algorithms."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Home()

    def id(self) -> str:
        """Return the first part of the algorithms' ids."""
        return "nuriwake"

    def name(self) -> str:
        """Return the name that is shown."""
        return "nuriwake"

    def icon(self) -> QIcon:
        """Return the icon."""
        return QIcon(str(_ICON))

    def load(self) -> bool:
        """Add the options, then the algorithms."""
        from processing.core.ProcessingConfig import ProcessingConfig, Setting

        ProcessingConfig.settingIcons[self.name()] = self.icon()
        for option, label in _OPTIONS.items():
            setting = Setting(self.name(), option, label, "", valuetype=Setting.FILE)
            ProcessingConfig.addSetting(setting)
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self) -> None:
        """Take the options away."""
        from processing.core.ProcessingConfig import ProcessingConfig

        for option in _OPTIONS:
            ProcessingConfig.removeSetting(option)

    def loadAlgorithms(self) -> None:  # noqa: N802 - QGIS calls it
        """Make the algorithms from what the program says of itself."""
        description = self.home.describe()
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm(self.home, description, self.icon()))

    def supportedOutputRasterLayerExtensions(self) -> list[str]:  # noqa: N802
        """List the formats of label maps that keep their place."""
        return ["tif"]

    def supportedOutputVectorLayerExtensions(self) -> list[str]:  # noqa: N802
        """List the formats of polygons."""
        return ["gpkg", "geojson", "fgb"]

    def supportsNonFileBasedOutput(self) -> bool:  # noqa: N802
        """Say that outputs are files."""
        return False
