"""Where the program is, and the environment that it runs in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from .faults import PluginError

#: What QGIS sets for its own Python, PROJ and GDAL leads another Python to wrong libraries.
_OF_QGIS = re.compile(r"PYTHON.*|VIRTUAL_ENV|PROJ_.*|GDAL_.*|OGR_.*|GEOTIFF_CSV", re.IGNORECASE)
WAY_OUT = (
    "choose Plugins > nuriwake > Set up, or name its program in Settings > Options > Processing > "
    "Providers > nuriwake"
)


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return a copy without what QGIS has set for itself; texts are UTF-8.

    Examples
    --------
    >>> child_environment({"HOME": "/h", "PYTHONHOME": "/q", "PROJ_LIB": "/q", "GDAL_DATA": "/q"})
    {'HOME': '/h', 'PYTHONUTF8': '1'}
    """
    kept = {name: value for name, value in own.items() if not _OF_QGIS.fullmatch(name)}
    return {**kept, "PYTHONUTF8": "1"}


def program_in(folder: Path, windows: bool = os.name == "nt") -> Path:
    """Name the program of a virtual environment.

    Examples
    --------
    >>> program_in(Path("env"), windows=False).as_posix()
    'env/bin/nuriwake'
    """
    return folder / ("Scripts/nuriwake.exe" if windows else "bin/nuriwake")


def find_program(configured: str, own_folder: Path, environment: Mapping[str, str]) -> Path:
    """Find the program: as configured, in our own environment, on PATH, where uv and pipx put it.

    Parameters
    ----------
    configured : str
        From the options of Processing; empty where the user has named none.
    own_folder : pathlib.Path
        The virtual environment that the plugin makes.
    environment : Mapping
        Variables of the process.

    Raises
    ------
    PluginError
        If there is none.
    """
    if configured:
        if Path(configured).is_file():
            return Path(configured)
        raise PluginError(f"nuriwake is not at {configured}: {WAY_OUT}.")
    own = program_in(own_folder)
    if own.is_file():
        return own
    # Programs that are started from a menu seldom have the user's own folder on PATH.
    places = [environment.get("PATH", ""), str(Path.home() / ".local" / "bin")]
    found = shutil.which("nuriwake", path=os.pathsep.join(filter(None, places)))
    if found is None:
        raise PluginError(f"nuriwake is not found: {WAY_OUT}.")
    return Path(found)
