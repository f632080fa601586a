"""Open an input, whatever its format: as a stack, as a picture by windows, or whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nuriwake.errors import InputError
from nuriwake.io.families import family_of, has_gdal
from nuriwake.io.formats import is_geotiff, read_raster
from nuriwake.io.geotiff import GeoTiffSource, open_geotiff
from nuriwake.io.places import DatasetPath
from nuriwake.io.planes import PlaneSource
from nuriwake.io.selection import ALL, Selection
from nuriwake.io.stack import StackSource, is_stack, open_stack
from nuriwake.io.stored_files import STORED
from nuriwake.io.tiff_axes import TiffPixels
from nuriwake.io.zarr import ZARR_SUFFIX, open_zarr, plane_of_zarr
from nuriwake.raster import Raster, Window, WindowedSource, as_raster


def open_source(path: Path, bands: Sequence[int] = ()) -> GeoTiffSource | PlaneSource:
    """Open a raster file or an OME-Zarr folder for windowed reading.

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


def open_planes(path: Path, selection: Selection = ALL) -> StackSource | PlaneSource | None:
    """Open a file by its axes; None for what has none to choose from.

    Parameters
    ----------
    path : pathlib.Path
    selection : Selection

    Returns
    -------
    StackSource, PlaneSource or None
        A plane where one is left. None for a GeoTIFF of one page, and for any other format.

    Raises
    ------
    InputError
        If the file is missing or damaged, or does not say clearly which axis is which.
    UsageError
        If a band, an axis or a plane does not exist, or the file has no axes to choose from.
    """
    family = family_of(path)
    if family not in STORED:
        selection.refuse_axes(path, "a picture" if family == "picture" else "a raster")
        return None
    # The first page of a GeoTIFF is the raster itself, with its place and its nodata.
    first = selection.page in (None, 1)
    if family == "tiff" and first and is_geotiff(path) and not is_stack(path):
        selection.refuse_axes(path, "a GeoTIFF")
        return None
    stack = open_stack(path, selection)
    if len(stack) > 1:
        return stack
    plane = stack.plane(0)
    if family == "zarr" and not isinstance(path, DatasetPath):
        return plane_of_zarr(path, stack.stored, plane.positions, selection.bands)
    return plane


def open_windows(path: Path, selection: Selection = ALL) -> WindowedSource:
    """Open a picture for reading by windows; what has no windows is read whole, and kept.

    Raises
    ------
    InputError
        If the file is missing, damaged, of an unknown format, or a stack.
    UsageError
        As in :func:`open_planes`.
    """
    source = open_planes(path, selection)
    if isinstance(source, StackSource):
        raise _is_no_picture(source)
    if source is None:
        in_windows = family_of(path) in ("tiff", "raster") and has_gdal()
        return open_geotiff(path, selection.bands) if in_windows else read_input(path, selection)
    pixels, is_plain = source.stored.array, not selection.axes and selection.page is None
    if has_gdal() and isinstance(pixels, TiffPixels) and pixels.is_page and is_plain:
        # GDAL decodes the blocks of a page that are asked for, and no others.
        blocks = open_geotiff(path, selection.bands)
        names = source.file_band_names or blocks.file_band_names
        return replace(blocks, georeference=source.georeference, file_band_names=names)
    return source


def read_input(path: Path, selection: Selection = ALL) -> Raster:
    """Read a picture of any format into memory.

    Raises
    ------
    InputError
        If the file is missing, damaged, of an unknown format, a stack, or without a valid pixel.
    UsageError
        As in :func:`open_planes`.
    """
    source = open_planes(path, selection)
    if source is None:
        return read_raster(path, selection.bands, selection.page)
    if isinstance(source, StackSource):
        raise _is_no_picture(source)
    return as_raster(source.read(Window.full(source.shape)))


def _is_no_picture(stack: StackSource) -> InputError:
    axis = stack.page_axes[-1].lower()
    return InputError(
        f"{stack.path}: a stack of {len(stack)} pages (axes {stack.stored.axes}) is not one "
        f"picture. Choose one, such as --plane {axis}=0."
    )
