"""Stacks of label maps, written page by page with their axes: OME-TIFF, plain TIFF, OME-Zarr."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.grid import Grid, ome_metadata
from nuriwake.io.label_zarr import atomic_folder, label_multiscale, new_array
from nuriwake.io.tiff import TIFF_SUFFIXES
from nuriwake.io.units import METRES
from nuriwake.io.zarr import ZARR_SUFFIX
from nuriwake.raster import LabelMap


def write_label_stack(path: Path, pages: Iterable[LabelMap], max_label: int, grid: Grid) -> None:
    """Write label maps as one file, without loss.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.tif`` or ``.tiff``, which becomes an OME-TIFF where the axes are named, or in
        ``.zarr``.
    pages : iterable of ndarray of int32, shape (height, width)
        Written as they come, so that only one is held.
    max_label : int
        The largest label that may come.
    grid : Grid
        Its last two axes are those of a page.

    Raises
    ------
    UsageError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (*TIFF_SUFFIXES, ZARR_SUFFIX):
        expected = "a name that ends in .tif, .tiff or .zarr"
        raise UsageError(out_of_range("-o", expected, str(path)))
    dtype = np.min_scalar_type(max_label)
    compact = (labels.astype(dtype) for labels in pages)
    if suffix == ZARR_SUFFIX:
        _write_zarr(path, compact, dtype, grid)
    else:
        _write_tiff(path, compact, dtype, grid)


def _write_tiff(
    path: Path, pages: Iterable[NDArray[Any]], dtype: np.dtype[Any], grid: Grid
) -> None:
    import tifffile

    with atomic_path(path) as temporary:
        if not grid.is_named:
            with tifffile.TiffWriter(temporary, bigtiff=True) as writer:
                for page in pages:
                    writer.write(
                        page,
                        contiguous=False,
                        compression="zlib",
                        photometric="minisblack",
                        metadata=None,
                    )
            return
        with tifffile.TiffWriter(temporary, bigtiff=True, ome=True) as writer:
            writer.write(
                iter(pages),
                shape=grid.shape,
                dtype=dtype,
                compression="zlib",
                photometric="minisblack",
                metadata=ome_metadata(grid),
            )


def _write_zarr(
    path: Path, pages: Iterable[NDArray[Any]], dtype: np.dtype[Any], grid: Grid
) -> None:
    # Pages of unknown meaning are planes in depth to a format that knows nothing else.
    names = grid.axes.replace("I", "Z").lower()
    with atomic_folder(path) as (group, _):
        level = new_array(group, "0", grid.shape, dtype)
        leading = grid.shape[:-2]
        for number, page in enumerate(pages):
            at = np.unravel_index(number, leading) if leading else ()
            level[tuple(map(int, at))] = page
        unit = grid.unit if grid.unit in METRES else ""
        group.attrs.update(label_multiscale(names, unit, [(grid.spacing, (0.0,) * len(names))]))
