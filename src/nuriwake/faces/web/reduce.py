"""Pictures too large for the page, seen and segmented at a fraction of their size."""

from __future__ import annotations

import math

import numpy as np

from nuriwake.raster import Raster


def reduction_for(n_pixels: int, most: int) -> int:
    """Return how many pixels, along each side, must become one.

    Examples
    --------
    >>> reduction_for(100, 100), reduction_for(101, 100), reduction_for(901, 100)
    (1, 2, 4)
    """
    return math.isqrt(max(0, n_pixels - 1) // most) + 1 if n_pixels > most else 1


def reduce_raster(raster: Raster, factor: int) -> Raster:
    """Average squares of pixels; a square is valid where all of its pixels are.

    Parameters
    ----------
    raster : Raster
    factor : int
        Side of a square; an incomplete last row or column of squares is left out.

    Returns
    -------
    Raster
        Of the same dtype, without a place on the ground.

    Examples
    --------
    >>> values = np.array([[[1], [3], [9]], [[5], [7], [9]]], np.uint8)
    >>> reduce_raster(Raster(values, np.ones((2, 3), bool)), 2).array.tolist()
    [[[4]]]
    """
    if factor == 1:
        return raster
    height, width = (side // factor for side in raster.shape)
    array = raster.array[: height * factor, : width * factor]
    squares = array.reshape(height, factor, width, factor, raster.n_bands)
    mean = squares.mean(axis=(1, 3), dtype=np.float32)
    if array.dtype.kind in "ui":
        mean = np.rint(mean)
    valid = raster.valid[: height * factor, : width * factor]
    whole = np.logical_and.reduce(valid.reshape(height, factor, width, factor), axis=(1, 3))
    return Raster(mean.astype(array.dtype), whole)
