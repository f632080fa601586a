"""Open a raster for windowed reading, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nuriwake.io.geotiff import GeoTiffSource, open_geotiff
from nuriwake.io.zarr import ZARR_SUFFIX, ZarrSource, open_zarr


def open_source(path: Path, bands: Sequence[int] = ()) -> GeoTiffSource | ZarrSource:
    """Open a raster file or an OME-Zarr folder.

    Parameters
    ----------
    path : pathlib.Path
        A folder that ends in ``.zarr``, else anything that GDAL reads.
    bands : sequence of int, optional
        Bands to read, in this order, numbered from 1. Default: all but an alpha band.

    Returns
    -------
    WindowedSource
        It can be sent to other processes.

    Raises
    ------
    InputError
        If it is missing, damaged or of an unknown format.
    UsageError
        If a band does not exist.
    MissingDependencyError
        If the package for this format is not installed.
    """
    opener = open_zarr if path.suffix.lower() == ZARR_SUFFIX else open_geotiff
    return opener(path, bands)
