"""The plugin: the provider, and the entry "Set up" of the menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsApplication
from qgis.PyQt.QtWidgets import QAction

from .provider import NuriwakeProvider

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .set_up import SetUp

_MENU = "nuriwake"


class NuriwakePlugin:
    """What QGIS loads.

    Parameters
    ----------
    iface : QgisInterface or None
        None in qgis_process.
    """

    def __init__(self, iface: QgisInterface | None) -> None:
        self._iface = iface
        self._provider: NuriwakeProvider | None = None
        self._action: QAction | None = None
        self._set_up: SetUp | None = None

    def initProcessing(self) -> None:  # noqa: N802 - QGIS calls it
        """Add the provider; qgis_process calls this alone."""
        self._provider = NuriwakeProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:  # noqa: N802
        """Add the provider and the menu's entry."""
        self.initProcessing()
        if self._iface is None or self._provider is None:
            return
        self._action = QAction(self._provider.icon(), "Set up", self._iface.mainWindow())
        self._action.triggered.connect(self._ask)
        self._iface.addPluginToMenu(_MENU, self._action)

    def unload(self) -> None:
        """Take all away."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
        if self._iface is not None and self._action is not None:
            self._iface.removePluginMenu(_MENU, self._action)

    def _ask(self) -> None:
        from .set_up import SetUp

        if self._iface is None or self._provider is None:
            return
        if self._set_up is None:
            self._set_up = SetUp(self._iface, self._provider)
        self._set_up.ask()
