"""What GDAL reports, as errors of ours; the one place that knows rasterio's private names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from nuriwake.errors import InputError, NuriwakeError, OutputError, require
from nuriwake.io.faults import DAMAGED, reason_of
from nuriwake.io.places import RemotePath

#: How GDAL is set up: what it may keep of a file in megabytes, where its own default is a share of
#: the machine's memory; no code in virtual rasters; servers that do not answer are left.
OPTIONS: Mapping[str, str | int] = MappingProxyType(
    {
        "GDAL_CACHEMAX": 64,
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "GDAL_HTTP_CONNECTTIMEOUT": 10,
        "GDAL_HTTP_TIMEOUT": 60,
        "GDAL_HTTP_MAX_RETRY": 2,
    }
)
#: Of another server only what is named is asked for, not what may lie beside it.
REMOTE_OPTIONS: Mapping[str, str] = MappingProxyType({"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"})
#: Module and name of GDAL's own reports, which rasterio lets through beside its documented errors.
PRIVATE_ERROR = ("rasterio._err", "CPLE_BaseError")


def gdal_name(path: Path) -> str:
    """Return what GDAL calls a file or an address.

    Examples
    --------
    >>> gdal_name(RemotePath("s3://bucket/a.tif"))
    '/vsis3/bucket/a.tif'
    """
    return path.gdal_name if isinstance(path, RemotePath) else str(path)


def gdal_exceptions() -> tuple[type[Exception], ...]:
    """Return the exceptions by which rasterio says that GDAL failed.

    A version of rasterio without :data:`PRIVATE_ERROR` has its documented ones only.
    """
    rasterio = require("rasterio", extra="geo")
    module, name = PRIVATE_ERROR
    documented = (rasterio.errors.RasterioError, SystemError)
    try:
        return (*documented, getattr(import_module(module), name))
    except (ImportError, AttributeError):
        return documented


@contextmanager
def gdal_errors(path: Path, error_type: type[InputError | OutputError]) -> Iterator[None]:
    """Turn whatever GDAL reports inside the block into one line of ours.

    Parameters
    ----------
    path : pathlib.Path
        The file to name.
    error_type : type
        ``InputError`` or ``OutputError``.
    """
    rasterio = require("rasterio", extra="geo")
    # While a file is read, whatever is raised comes from damaged bytes.
    verb, damaged = ("read", DAMAGED) if error_type is InputError else ("written", ())
    try:
        remote = REMOTE_OPTIONS if isinstance(path, RemotePath) else {}
        with rasterio.Env(**OPTIONS, **remote), warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            yield
    except NuriwakeError:
        raise
    except (*gdal_exceptions(), *damaged) as error:
        reason = reason_of(error.__cause__ or error, path)
        raise error_type(f"{path}: cannot be {verb} ({reason}).") from error
