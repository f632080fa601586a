"""Writers of results that are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.atomic import atomic_path
from nuriwake.io.geotiff import write_label_geotiff
from nuriwake.io.image import write_labels
from nuriwake.jobs.kinds import TIFF, ZARR
from nuriwake.raster import Georeference, LabelMap, Window
from nuriwake.segmentation import Partition, Segmentation

if TYPE_CHECKING:
    from nuriwake.io.moments import MapTile

#: Pixels whose polygons are traced at once: some hundred bytes each are needed for that.
_STRIP_PIXELS = 1 << 22


def write_region_polygons(path: Path, partition: Partition) -> None:
    """Write the regions as polygons, each with the label that most of its pixels have.

    Parameters
    ----------
    path : pathlib.Path
        ``.gpkg``, ``.geojson`` or ``.fgb``.
    partition : Partition
        Where it knows its raster, the bands' means and variances are attributes.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from nuriwake.io.vector import write_polygons

    regions = partition.regions
    bands = np.empty((*regions.shape, 0), np.uint8)
    if isinstance(partition, Segmentation):
        bands = partition.raster.array
    tiles = _strips(regions, majority_labels(regions, partition.labels), bands)
    write_polygons(path, tiles, regions.shape, partition.georeference)


def _strips(
    regions: LabelMap, label_of: NDArray[np.int32], bands: NDArray[np.generic]
) -> Iterator[MapTile]:
    """Cut a map into strips of whole rows, so that little of it is worked on at a time."""
    from nuriwake.io.moments import MapTile, last_tiles

    strips = _row_slices(regions.shape)
    last = last_tiles((regions[rows] for rows in strips), len(label_of) - 1)
    for index, rows in enumerate(strips):
        part = regions[rows]
        window = Window(rows.start, 0, *part.shape)
        yield MapTile(window, part, label_of[part], bands[rows], last > index)


def _row_slices(shape: tuple[int, int]) -> list[slice]:
    height, width = shape
    n_rows = max(1, _STRIP_PIXELS // width)
    return [slice(row, min(height, row + n_rows)) for row in range(0, height, n_rows)]


def majority_labels(regions: LabelMap, labels: LabelMap) -> NDArray[np.int32]:
    """Find the label that most of the pixels of each region have; a tie goes to the smallest.

    Parameters
    ----------
    regions, labels : ndarray of int32, shape (height, width)
        0 = no data.

    Returns
    -------
    ndarray of int32, shape (n_regions + 1,)
        The first is that of no data: 0.

    Examples
    --------
    >>> majority_labels(np.array([[1, 1, 1, 2, 0]]), np.array([[4, 4, 7, 7, 0]])).tolist()
    [0, 4, 7]
    """
    # One number for each pair: those are sorted much faster than pairs.
    base = int(labels.max(initial=0)) + 1
    counted = [
        np.unique(regions[rows].ravel() * np.int64(base) + labels[rows].ravel(), return_counts=True)
        for rows in _row_slices(regions.shape)
    ]
    codes, place = np.unique(np.concatenate([code for code, _ in counted]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([count for _, count in counted]))
    pairs = np.stack(np.divmod(codes, base))
    winner = np.zeros(int(regions.max(initial=0)) + 1, np.int32)
    # The most frequent label is written last; among equals the smallest.
    order = np.lexsort((-pairs[1], counts))
    winner[pairs[0, order]] = pairs[1, order]
    winner[0] = 0
    return winner


def write_label_map(path: Path, labels: LabelMap, georeference: Georeference | None) -> None:
    """Write a map of ids as PNG, TIFF, OME-TIFF, GeoTIFF or OME-Zarr.

    Raises
    ------
    OutputError
        If the file cannot be written.
    UsageError
        If a PNG cannot hold so many ids.
    """
    top = int(labels.max(initial=0))
    blocks = [(Window.full(labels.shape), labels)]
    if path.suffix.lower() == ZARR:
        from nuriwake.io.label_zarr import write_label_zarr

        write_label_zarr(path, labels.shape, blocks, max_label=top, georeference=georeference)
    elif georeference is not None and georeference.unit and path.suffix.lower() in TIFF:
        from nuriwake.io.grid import grid_of
        from nuriwake.io.label_stack import write_label_stack

        write_label_stack(path, [labels], top, grid_of(georeference, labels.shape))
    elif georeference is not None and path.suffix.lower() in TIFF:
        write_label_geotiff(path, labels.shape, blocks, max_label=top, georeference=georeference)
    else:
        write_labels(path, labels)


def finite(altitudes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Replace infinite altitudes by twice the largest finite one, for viewers.

    Examples
    --------
    >>> finite(np.array([0.0, 1.5, np.inf]))
    array([0. , 1.5, 3. ], dtype=float32)
    """
    top = altitudes[np.isfinite(altitudes)].max(initial=0.0)
    return np.where(np.isfinite(altitudes), altitudes, 2 * top).astype(np.float32)


def write_float_map(path: Path, values: NDArray[np.float32]) -> None:
    """Write a map of float32 as TIFF.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import tifffile

    with atomic_path(path) as temporary:
        tifffile.imwrite(temporary, values, compression="zlib", photometric="minisblack")
