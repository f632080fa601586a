"""Which family of formats a file is of: one table of suffixes, and a look at the bytes."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from nuriwake.io.picture import PICTURE_SUFFIXES, is_picture
from nuriwake.io.places import DatasetPath, RemotePath
from nuriwake.io.tiff import MAGIC, TIFF_SUFFIXES

Family = Literal["picture", "tiff", "zarr", "raster", "numpy", "nifti", "dicom", "hdf5"]
#: What GDAL reads, the most frequent; its drivers decide, so that any other suffix is tried too.
RASTER_SUFFIXES = (
    ".vrt", ".jp2", ".j2k", ".img", ".nc", ".envi", ".bsq", ".bil", ".bip", ".asc", ".dem", ".hgt",
    ".grb", ".grib2", ".ecw", ".sid", ".ntf", ".kea", ".pix", ".rst", ".sdat", ".gpkg",
)  # fmt: skip
#: The one table: suffix to family, longer suffixes first.
SUFFIXES: Mapping[str, Family] = MappingProxyType(
    {
        ".nii.gz": "nifti",
        ".nii": "nifti",
        ".zarr": "zarr",
        ".npy": "numpy",
        ".npz": "numpy",
        ".dcm": "dicom",
        ".dicom": "dicom",
        ".h5": "hdf5",
        ".hdf5": "hdf5",
        ".hdf": "hdf5",
        **dict.fromkeys(TIFF_SUFFIXES, "tiff"),
        **dict.fromkeys(PICTURE_SUFFIXES, "picture"),
        **dict.fromkeys(RASTER_SUFFIXES, "raster"),
    }
)
#: What a folder of pictures stands for. Archives of arrays, and rasters that name other files, are
#: read when they are named.
FOLDER_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix not in (".npz", ".vrt", ".gpkg"))


def family_of(path: Path) -> Family:
    """Tell the family of a file from its name, and from its first bytes where the name is silent.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    str
        ``raster``, GDAL's, where nothing else is known of it.

    Examples
    --------
    >>> family_of(Path("a.nii.gz")), family_of(Path("b.JPG")), family_of(Path("c.vrt"))
    ('nifti', 'picture', 'raster')
    """
    if isinstance(path, RemotePath):
        return "raster"
    name = path.file.name if isinstance(path, DatasetPath) else path.name
    for suffix, family in SUFFIXES.items():
        if name.lower().endswith(suffix):
            return family
    if not os.path.isfile(path):  # noqa: PTH113 - a Path raises at names that no system allows
        return "raster"
    with path.open("rb") as stream:
        head = stream.read(132)
    # DICOM first: what precedes its mark may be the head of a TIFF.
    if head[128:] == b"DICM":
        return "dicom"
    if head.startswith(MAGIC):
        return "tiff"
    return "picture" if is_picture(head) else "raster"


def has_gdal() -> bool:
    """Tell whether rasterio, which brings GDAL, is installed."""
    return importlib.util.find_spec("rasterio") is not None
