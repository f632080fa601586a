"""What the algorithms share: where the program is, what it can do, and the child's environment."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import Qgis, QgsApplication, QgsMessageLog

from . import child
from .description import Description, remembered, shipped
from .environment import child_environment, find_program
from .faults import PluginError
from .own_environment import requirement

if TYPE_CHECKING:
    from qgis.core import QgsProcessingLayerPostProcessorInterface

PROGRAM_OPTION = "NURIWAKE_PROGRAM"
WHEEL_OPTION = "NURIWAKE_WHEEL"
#: Painters of layers that QGIS has yet to load: it does not hold them itself.
_N_WAITING = 100


class Home:
    """One for the provider, passed to every algorithm."""

    def __init__(self) -> None:
        self.waiting: deque[QgsProcessingLayerPostProcessorInterface] = deque(maxlen=_N_WAITING)

    @property
    def folder(self) -> Path:
        """Where the plugin keeps its own things, in the user's profile."""
        return Path(QgsApplication.qgisSettingsDirPath()) / "nuriwake"

    @property
    def environment_folder(self) -> Path:
        """The virtual environment that "Set up" makes."""
        return self.folder / "environment"

    @property
    def child_environment(self) -> dict[str, str]:
        """The variables that the program runs with."""
        return child_environment(os.environ)

    def program(self) -> Path:
        """Find the program.

        Raises
        ------
        PluginError
            If there is none.
        """
        return find_program(_option(PROGRAM_OPTION), self.environment_folder, os.environ)

    def package(self) -> str:
        """Say what "Set up" installs.

        Raises
        ------
        PluginError
            If the user has named a wheel that is not there.
        """
        return requirement(_option(WHEEL_OPTION))

    def describe(self) -> Description:
        """Tell what the program can do; while there is none, what that of our version can."""
        try:
            program = self.program()
        except PluginError:
            return shipped()  # whoever runs an algorithm is told
        try:
            return remembered(program, self.folder / "description.json", self._ask)
        except (PluginError, OSError) as error:
            QgsMessageLog.logMessage(str(error), "nuriwake", Qgis.Info)
            return shipped()

    def _ask(self, program: Path) -> str:
        return child.ask([str(program), "recipes", "--json"], self.child_environment)


def _option(name: str) -> str:
    from processing.core.ProcessingConfig import ProcessingConfig

    return str(ProcessingConfig.getSetting(name) or "").strip()
