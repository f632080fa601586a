"""Which module reads which file: the registry by suffix, and what folders and globs stand for."""

from __future__ import annotations

import glob
import struct
from collections.abc import Sequence
from pathlib import Path

from nuriwake.errors import InputError, UsageError
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import IMAGE_SUFFIXES, TIFF_SUFFIXES, header_size, read_image, tiff_size
from nuriwake.io.zarr import ZARR_SUFFIX
from nuriwake.raster import Raster

#: Suffixes of what can be read: files, and folders that hold one image.
INPUT_SUFFIXES = (*IMAGE_SUFFIXES, ZARR_SUFFIX)
#: Pixel scale, tie points, transform, geo keys, GDAL's nodata value.
_GEO_TAGS = frozenset((33550, 33922, 34264, 34735, 42113))


def read_raster(path: Path, bands: Sequence[int] = ()) -> Raster:
    """Read a file of any known format.

    Parameters
    ----------
    path : pathlib.Path
    bands : sequence of int, optional
        Bands to keep, in this order, numbered from 1; empty for all.

    Returns
    -------
    Raster

    Raises
    ------
    InputError
        If the file is missing, damaged or of an unknown format.
    UsageError
        If a band does not exist.
    """
    check_suffix(path)
    if is_geotiff(path):
        return read_geotiff(path, bands)
    raster = read_image(path)
    return raster.select_bands(bands) if bands else raster


def picture_size(path: Path) -> tuple[tuple[int, int], int]:
    """Read how large a picture is, without its pixels.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    shape : tuple of int
        Height and width.
    n_bands : int

    Raises
    ------
    InputError
        If the file is missing, damaged or of an unknown format.
    """
    check_suffix(path)
    return tiff_size(path) if path.suffix.lower() in TIFF_SUFFIXES else header_size(path)


def check_suffix(path: Path) -> None:
    """Refuse a file that is of no known format, or is not there.

    Raises
    ------
    InputError
        If so.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        known = ", ".join(IMAGE_SUFFIXES)
        found = "no such file" if not path.exists() else "unknown format"
        raise InputError(f"{path}: {found}. Known suffixes: {known}.")


def is_geotiff(path: Path) -> bool:
    """Tell whether a TIFF says where it lies, or which value means no data.

    Examples
    --------
    >>> is_geotiff(Path("photo.jpg"))
    False
    """
    if path.suffix.lower() not in TIFF_SUFFIXES or not path.is_file():
        return False
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            return not _GEO_TAGS.isdisjoint(tag.code for tag in file.pages.first.tags)
    except (tifffile.TiffFileError, OSError, ValueError, struct.error):
        # Not a TIFF at all: the reader says what is wrong with it.
        return False


def expand_inputs(inputs: Sequence[str]) -> list[Path]:
    """Turn files, folders and globs into a list of files.

    A folder stands for the pictures in it, sorted by name. Files that do not exist are kept: each
    becomes its own error when its turn comes, and the others are done.

    Raises
    ------
    InputError
        If a folder holds no picture.
    UsageError
        If a pattern matches nothing.
    """
    files: list[Path] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir() and path.suffix.lower() not in INPUT_SUFFIXES:
            files += _pictures_in(path)
        elif glob.has_magic(text) and not path.exists():
            found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - patterns may be absolute
            if not found:
                raise UsageError(f"{text}: no file matches this pattern.")
            files += map(Path, found)
        else:
            files.append(path)
    return files


def _pictures_in(folder: Path) -> list[Path]:
    pictures = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in INPUT_SUFFIXES and not path.name.startswith(".")
    )
    if not pictures:
        known = ", ".join(INPUT_SUFFIXES)
        raise InputError(f"{folder}: the folder holds no picture ({known}).")
    return pictures
