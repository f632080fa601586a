"""Open a file in another process first, where a library may never come back from a damaged one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from nuriwake.errors import InputError

#: How an HDF5 file begins, and with it a netCDF-4.
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
#: Seconds of the processor, and of the clock; bytes of a file that give it one more of each.
_MAX_CPU, _MAX_WAIT, _BYTES_A_SECOND = 4, 60, 8 << 20
#: Where Python looks for modules it finds the library, but not in the folder that it runs in.
_BOUNDS = """
import sys
sys.path[:] = [place for place in sys.path if place]
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass  # not on Windows: the clock remains
"""
_WITH_GDAL = """
import rasterio
with rasterio.open(sys.argv[1]) as file:
    if file.count:
        file.read(1, window=((0, 1), (0, 1)))
"""
#: Everything that the reader asks of a file: links, attributes, and where the pixels lie.
_WITH_H5PY = """
import h5py
def look(name, place):
    for key in place.attrs:
        try:
            place.attrs[key]
        except Exception:
            pass  # the reader says what is wrong
    if isinstance(place, h5py.Dataset) and place.size:
        place[(slice(None),) * place.ndim if place.nbytes < 1 << 24 else (0,) * place.ndim]
with h5py.File(sys.argv[1], "r") as file:
    file.visititems(look)
"""
Library = Literal["rasterio", "h5py"]
_TRIALS = MappingProxyType({"rasterio": _WITH_GDAL, "h5py": _WITH_H5PY})


def try_hdf5(path: Path, library: Library = "rasterio", max_cpu: int = _MAX_CPU) -> None:
    """Refuse an HDF5 file whose structure makes a library run in a circle, or crash.

    What else is wrong with it is left to the reader. It costs the start of a process.

    Parameters
    ----------
    path : pathlib.Path
        Any other file passes.
    library : {"rasterio", "h5py"}
        That reads it afterwards.
    max_cpu : int
        Seconds of the processor that it may take to open; large files may take longer.

    Raises
    ------
    InputError
        If so.
    """
    with path.open("rb") as stream:
        if stream.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
            return
    more = path.stat().st_size // _BYTES_A_SECOND
    command = [sys.executable, "-c", _BOUNDS + _TRIALS[library], str(path), str(max_cpu + more)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_MAX_WAIT + more)
        is_sound = done.returncode >= 0
    except subprocess.TimeoutExpired:
        is_sound = False
    if not is_sound:
        raise InputError(
            f"{path}: cannot be read (HDF5 does not come to an end with it: it is damaged)."
        )
