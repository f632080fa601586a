"""Which module reads which file: the registry by suffix, and what folders and globs stand for."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from nuriwake.errors import InputError, UsageError
from nuriwake.io.families import FOLDER_SUFFIXES, SUFFIXES, Family, family_of, has_gdal
from nuriwake.io.faults import check_file
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import image_size, read_image
from nuriwake.io.places import RemotePath, as_place
from nuriwake.io.tiff import opened_tiff
from nuriwake.io.zarr import ZARR_SUFFIX
from nuriwake.raster import Raster

#: Pixel scale, tie points, transform, geo keys, GDAL's nodata value.
_GEO_TAGS = frozenset((33550, 33922, 34264, 34735, 42113))


def read_raster(path: Path, bands: Sequence[int] = (), page: int | None = None) -> Raster:
    """Read a file of any known format.

    Parameters
    ----------
    path : pathlib.Path
    bands : sequence of int, optional
        Bands to keep, in this order, numbered from 1; empty for all.
    page : int, optional
        Of a TIFF or an animation, numbered from 1.

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
    family = check_format(path)
    if family == "raster" or (page in (None, 1) and is_geotiff(path)):
        return read_geotiff(path, bands)
    raster = read_image(path, page)
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
    check_format(path)
    return image_size(path)


def check_format(path: Path) -> Family:
    """Tell the family of a file's format; refuse what is not there or cannot be read here.

    Raises
    ------
    InputError
        If so.
    """
    known = ", ".join(SUFFIXES)
    if os.path.isdir(path):  # noqa: PTH112
        raise InputError(f"{path}: the folder holds no picture ({known}).")
    family = family_of(path)
    if family == "raster" and not isinstance(path, RemotePath):
        check_file(path)
        if not has_gdal():
            raise InputError(
                f"{path}: unknown format. Known suffixes: {known}; GDAL reads more: "
                "pip install 'nuriwake[geo]'"
            )
    return family


def is_geotiff(path: Path) -> bool:
    """Tell whether a TIFF says where it lies or which value means no data, or has a mask beside it.

    Raises
    ------
    InputError
        If the file is missing or damaged.

    Examples
    --------
    >>> is_geotiff(Path("photo.jpg"))
    False
    """
    if family_of(path) != "tiff":
        return False
    if Path(f"{os.fspath(path)}.msk").is_file():  # GDAL's place for a mask
        return True
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
        path = as_place(text)
        # The functions of os.path, unlike a Path's, take names that no system allows.
        if os.path.isdir(text) and path.suffix.lower() != ZARR_SUFFIX:  # noqa: PTH112
            files += _pictures_in(path) or [path]
        elif type(path) is type(Path()) and glob.has_magic(text) and not os.path.lexists(text):
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
        if path.name.lower().endswith(FOLDER_SUFFIXES) and not path.name.startswith(".")
    )
