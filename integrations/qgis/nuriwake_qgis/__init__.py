"""nuriwake in QGIS: a Processing provider that calls the command line in its own environment.

The modules that import nothing of QGIS are tested without it. All of them run in Python 3.9, and
none imports nuriwake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .plugin import NuriwakePlugin


def classFactory(iface: QgisInterface | None) -> NuriwakePlugin:  # noqa: N802 - QGIS asks for it
    """Make the plugin; QGIS calls this."""
    from .plugin import NuriwakePlugin

    return NuriwakePlugin(iface)
