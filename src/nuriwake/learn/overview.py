"""What is learned from of a large picture: its means over small squares.

The grid that the recipe ``fast`` learns on has some ten thousand cells, whatever the picture's
size, so that a reduced picture shows it all there is. Pictures in memory and scenes that are read
tile by tile are reduced by the same arithmetic: what they learn is the same, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod, sqrt

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.normalise import BandStatistics, normalise
from nuriwake.raster import BoolMap

#: A picture of more pixels is learned from means of squares.
VIEW_PIXELS = 1 << 21
#: Rows that are reduced at once.
_ROWS = 512


@dataclass(frozen=True, eq=False)
class Overview:
    """A picture, reduced.

    Parameters
    ----------
    image : ndarray of shape (h, w, bands)
    valid : ndarray of bool, shape (h, w)
        Which squares hold a valid pixel.
    """

    image: NDArray[np.generic]
    valid: BoolMap

    def normalised(self, statistics: BandStatistics) -> Overview:
        """Give the same squares in float32, in [0, 1]."""
        return Overview(normalise(self.image, self.valid, statistics), self.valid)


def square_side(shape: tuple[int, ...], max_pixels: int | None = None) -> int:
    """How many pixels wide the squares are; 1 where a picture is small enough as it is.

    Parameters
    ----------
    shape : tuple of int
        Of the picture.
    max_pixels : int, optional
        Of the overview, about. Default: :data:`VIEW_PIXELS`.

    Examples
    --------
    >>> square_side((1000, 1000)), square_side((10_000, 10_000))
    (1, 7)
    """
    return max(1, ceil(sqrt(prod(shape) / (max_pixels or VIEW_PIXELS))))


def rows_at_once(side: int) -> int:
    """How many rows are reduced at once: whole squares."""
    return max(side, _ROWS // side * side)


def overview(array: NDArray[np.generic], valid: BoolMap, side: int) -> Overview:
    """Reduce a picture that is in memory.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
    side : int
        Of the squares, in pixels.

    Returns
    -------
    Overview
        As :func:`square_means` gives it.
    """
    if side == 1:
        return Overview(array, valid)
    step = rows_at_once(side)
    parts = [
        square_means(array[row : row + step], valid[row : row + step], side)
        for row in range(0, len(array), step)
    ]
    images, valids = [part.image for part in parts], [part.valid for part in parts]
    return Overview(np.concatenate(images), np.concatenate(valids))


def unit_overview(
    array: NDArray[np.generic], valid: BoolMap, statistics: BandStatistics
) -> Overview | None:
    """Reduce a large picture as for learning from it, and normalise what is left.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
    statistics : BandStatistics

    Returns
    -------
    Overview or None
        Of float32 in [0, 1]; None where the picture is small enough as it is.

    Examples
    --------
    >>> pixels = np.full((2000, 1100, 1), 255, np.uint8)
    >>> unit = unit_overview(pixels, pixels[:, :, 0] > 0, BandStatistics((0.0,), (255.0,)))
    >>> unit.image.shape, unit.image.max()
    ((1000, 550, 1), np.float32(1.0))
    """
    side = square_side(valid.shape)
    return overview(array, valid, side).normalised(statistics) if side > 1 else None


def square_means(array: NDArray[np.generic], valid: BoolMap, side: int) -> Overview:
    """Average the valid pixels of squares; those at the lower and right edge may be cut.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
    side : int
        Of the squares, in pixels.

    Returns
    -------
    Overview
        Of the array's dtype: means of integers are rounded.

    Examples
    --------
    >>> array = np.array([[[1], [4], [9]], [[3], [4], [8]]], np.uint8)
    >>> means = square_means(array, array[:, :, 0] > 1, side=2)
    >>> means.image[:, :, 0], means.valid
    (array([[4, 8]], dtype=uint8), array([[ True,  True]]))
    """
    # Dtypes of more digits than float32 keep them.
    is_wide = array.dtype.itemsize > (4 if array.dtype.kind == "f" else 2)
    number: type[np.floating] = np.float64 if is_wide else np.float32
    rows, cols = (np.arange(0, n, side) for n in valid.shape)

    def sums(values: NDArray[np.floating]) -> NDArray[np.floating]:
        total: NDArray[np.floating] = np.add.reduceat(np.add.reduceat(values, rows, 0), cols, 1)
        return total

    counts = sums(valid.astype(np.float32))
    filled: NDArray[np.floating] = np.where(valid[:, :, np.newaxis], array, 0).astype(number)
    means = sums(filled) / np.maximum(counts, 1)[:, :, np.newaxis]
    if array.dtype.kind in "ui":
        means = means.round()
    return Overview(means.astype(array.dtype), counts > 0)
