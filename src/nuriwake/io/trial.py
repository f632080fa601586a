"""Open a file in another process first, where a library may never come back from a damaged one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from nuriwake.errors import InputError

#: How an HDF5 file begins, and with it a netCDF-4.
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
#: Seconds of the processor, and of the clock.
_MAX_CPU, _MAX_WAIT = 4, 60
#: Where Python looks for modules it finds rasterio, but not in the folder that it runs in.
_OPEN = """
import sys
sys.path[:] = [place for place in sys.path if place]
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass  # not on Windows: the clock remains
import rasterio
rasterio.open(sys.argv[1]).close()
"""


def try_hdf5(path: Path, max_cpu: int = _MAX_CPU) -> None:
    """Refuse an HDF5 file whose structure makes GDAL's library run in a circle, or crash.

    What else is wrong with it is left to the reader. It costs the start of a process.

    Parameters
    ----------
    path : pathlib.Path
        Any other file passes.
    max_cpu : int
        Seconds of the processor that it may take to open.

    Raises
    ------
    InputError
        If so.
    """
    with path.open("rb") as stream:
        if stream.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
            return
    command = [sys.executable, "-c", _OPEN, str(path), str(max_cpu)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_MAX_WAIT)
        is_sound = done.returncode >= 0
    except subprocess.TimeoutExpired:
        is_sound = False
    if not is_sound:
        raise InputError(
            f"{path}: cannot be read (HDF5 does not come to an end with it: it is damaged)."
        )
