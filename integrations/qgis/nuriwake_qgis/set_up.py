"""The button that makes an environment of its own for the program, after asking."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from qgis.core import Qgis, QgsApplication, QgsMessageLog, QgsTask
from qgis.gui import QgisInterface
from qgis.PyQt.QtWidgets import QMessageBox

from . import child, own_environment
from .faults import CancelledError, PluginError
from .home import Home
from .provider import NuriwakeProvider


class SetUp:
    """Asks, makes the environment in the background, and tells how it went."""

    def __init__(self, iface: QgisInterface, provider: NuriwakeProvider) -> None:
        self._iface = iface
        self._provider = provider
        self._task: Installation | None = None

    def ask(self) -> None:
        """Ask, and begin where the answer is yes."""
        if self._task is not None and self._task.isActive():
            self._say("nuriwake is being set up; the task manager shows it.", Qgis.Info)
            return
        answer = QMessageBox.question(
            self._iface.mainWindow(), "Set up nuriwake", self.question(self._provider.home)
        )
        if answer != QMessageBox.StandardButton.Yes:
            return
        self._task = Installation(self._provider.home)
        self._task.taskCompleted.connect(self._finish)
        self._task.taskTerminated.connect(self._fail)
        QgsApplication.taskManager().addTask(self._task)

    @staticmethod
    def question(home: Home) -> str:
        """Say what will be done, and what is there already."""
        try:
            there = f"nuriwake is at {home.program()} already. Install it here as well?"
        except PluginError:
            there = "Go on?"
        return (
            f"This makes a Python environment of its own in {home.environment_folder} and installs "
            "nuriwake and PyTorch for the CPU there, some 1.7 GB, from the package indexes of "
            f"Python and PyTorch. The Python of QGIS is left as it is.\n\n{there}"
        )

    def _finish(self) -> None:
        self._provider.refreshAlgorithms()
        self._say("nuriwake is ready: look into the Processing toolbox.", Qgis.Success)

    def _fail(self) -> None:
        reason = self._task.reason if self._task is not None else ""
        self._say(reason or "nuriwake was not set up.", Qgis.Warning)

    def _say(self, text: str, level: Qgis.MessageLevel) -> None:
        self._iface.messageBar().pushMessage("nuriwake", text, level)


class Installation(QgsTask):
    """Runs the steps in the background.

    Parameters
    ----------
    home : Home

    Attributes
    ----------
    reason : str
        Why it failed.
    """

    def __init__(self, home: Home) -> None:
        super().__init__("Setting up nuriwake", QgsTask.CanCancel)
        self._home = home
        self._environment = home.child_environment
        self._folder = home.environment_folder
        self.reason = ""

    def run(self) -> bool:
        """Find a Python, make the environment, install."""
        try:
            package = self._home.package()
            python = own_environment.find_python(os.environ, self._fits)
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            own_environment.check_room(self._folder, shutil.disk_usage(self._folder.parent).free)
            steps = own_environment.steps(python, self._folder, package)
            own_environment.make(steps, self._folder, self._run)
        except CancelledError:
            return False
        except (PluginError, OSError) as error:
            self.reason = str(error)
            return False
        return True

    def _fits(self, command: Sequence[str]) -> bool:
        try:
            child.ask(command, self._environment)
        except PluginError:
            return False
        return True

    def _run(self, command: Sequence[str]) -> None:
        try:
            child.run(command, self._environment, self._log, self.isCanceled)
        except PluginError as error:
            raise PluginError(own_environment.reason(str(error))) from error

    def _log(self, heard: child.Progress | str) -> None:
        QgsMessageLog.logMessage(str(heard), "nuriwake", Qgis.Info)
