"""Which module reads which file: the registry by suffix, and what folders and globs stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from nuriwake.errors import InputError, UsageError
from nuriwake.io.faults import shortened
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import IMAGE_SUFFIXES, image_size, read_image
from nuriwake.io.tiff import TIFF_SUFFIXES, opened_tiff
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
    return image_size(path)


def check_suffix(path: Path) -> None:
    """Refuse a file that is of no known format, or is not there.

    Raises
    ------
    InputError
        If so.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        known = ", ".join(IMAGE_SUFFIXES)
        if path.is_dir():
            raise InputError(f"{path}: the folder holds no picture ({known}).")
        found = "no such file" if not os.path.lexists(path) else "unknown format"
        raise InputError(f"{shortened(path)}: {found}. Known suffixes: {known}.")


def is_geotiff(path: Path) -> bool:
    """Tell whether a TIFF says where it lies, or which value means no data.

    Raises
    ------
    InputError
        If the file is missing or damaged.

    Examples
    --------
    >>> is_geotiff(Path("photo.jpg"))
    False
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return False
    with opened_tiff(path) as file:
        return not _GEO_TAGS.isdisjoint(tag.code for tag in file.pages.first.tags)


def expand_inputs(inputs: Sequence[str]) -> list[Path]:
    """Turn files, folders and globs into a list of files.

    A folder stands for the pictures in it, sorted by name. Files that do not exist are kept: each
    becomes its own error when its turn comes, and the others are done; and so are folders without
    a picture.

    Raises
    ------
    UsageError
        If a pattern matches nothing.
    """
    files: list[Path] = []
    for text in inputs:
        path = Path(text)
        # The functions of os.path, unlike a Path's, take names that no system allows.
        if os.path.isdir(text) and path.suffix.lower() not in INPUT_SUFFIXES:  # noqa: PTH112
            files += _pictures_in(path) or [path]
        elif glob.has_magic(text) and not os.path.lexists(text):
            found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207 - patterns may be absolute
            if not found:
                raise UsageError(f"{text}: no file matches this pattern.")
            files += map(Path, found)
        else:
            files.append(path)
    return files


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in INPUT_SUFFIXES and not path.name.startswith(".")
    )
