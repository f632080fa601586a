"""Pixel values of any dtype -> float32 in [0, 1].

The statistics are apart from their use: a big raster computes them once from a sample and applies
them to every tile, and a saved model carries them to other images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.raster import BoolMap

#: Percentiles of the valid values that become 0 and 1 where the dtype does not fix the range.
STRETCH_PERCENTILES = (0.5, 99.5)
#: Rows that are computed in float64 at once.
_ROWS = 64


@dataclass(frozen=True)
class BandStatistics:
    """The value range of each band: ``low`` becomes 0 and ``high`` becomes 1.

    Parameters
    ----------
    low, high : tuple of float, one per band
        In the units of the raster.

    Examples
    --------
    >>> BandStatistics(low=(0.0,), high=(255.0,)).n_bands
    1
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return len(self.low)


def band_statistics(array: NDArray[np.generic], valid: BoolMap) -> BandStatistics:
    """Find the value range of each band.

    8-bit images use their whole range 0..255 and floats that lie in [0, 1] stay as they are, as the
    papers have it. Any other raster is stretched, each band for itself, between the 0.5th and the
    99.5th percentile of its valid values, because 12-bit or reflectance data fill a small part of
    their dtype's range.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
        At least one pixel must be valid.

    Returns
    -------
    BandStatistics

    References
    ----------
    Kanezaki, "Unsupervised Image Segmentation by Backpropagation", ICASSP 2018, section 3
    (pixel values normalised to [0, 1]).

    Examples
    --------
    >>> band_statistics(np.zeros((1, 1, 2), np.uint8), np.ones((1, 1), bool))
    BandStatistics(low=(0.0, 0.0), high=(255.0, 255.0))
    """
    n_bands = array.shape[2]
    if array.dtype == np.uint8:
        return BandStatistics((0.0,) * n_bands, (255.0,) * n_bands)
    values = array[valid].astype(np.float64)
    is_unit = array.dtype.kind in "fb" and values.min() >= 0.0 and values.max() <= 1.0
    if is_unit:
        return BandStatistics((0.0,) * n_bands, (1.0,) * n_bands)
    low, high = np.percentile(values, STRETCH_PERCENTILES, axis=0)
    return BandStatistics(tuple(low.tolist()), tuple(high.tolist()))


def pooled_statistics(
    images: Sequence[tuple[NDArray[np.generic], BoolMap]],
) -> BandStatistics:
    """Find the value range of each band over several images.

    Parameters
    ----------
    images : sequence of (array, valid) pairs
        As of :func:`band_statistics`; all of one dtype and with the same number of bands.

    Returns
    -------
    BandStatistics

    Raises
    ------
    InputError
        If the dtypes or the numbers of bands differ.

    Examples
    --------
    >>> grey = np.zeros((1, 2, 1), np.uint8), np.ones((1, 2), bool)
    >>> pooled_statistics([grey, grey])
    BandStatistics(low=(0.0,), high=(255.0,))
    """
    kinds = {(array.dtype.name, array.shape[2]) for array, _ in images}
    if len(kinds) > 1:
        found = ", ".join(f"{n_bands} bands of {name}" for name, n_bands in sorted(kinds))
        raise InputError(f"the images must have the same bands and dtype; got {found}.")
    rows = np.concatenate([array[valid] for array, valid in images])
    return band_statistics(rows[:, np.newaxis], np.ones((len(rows), 1), bool))


def normalise(
    array: NDArray[np.generic], valid: BoolMap, statistics: BandStatistics
) -> NDArray[np.float32]:
    """Map each band to [0, 1] and set invalid pixels to 0.

    Values beyond ``low`` and ``high`` are clipped; a band whose range is empty becomes 0.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
    statistics : BandStatistics

    Returns
    -------
    ndarray of float32, shape (height, width, bands), in [0, 1]

    Raises
    ------
    InputError
        If the number of bands differs from that of the statistics.

    Examples
    --------
    >>> array = np.array([[[0], [51], [255]]], np.uint8)
    >>> normalise(array, np.ones((1, 3), bool), BandStatistics((0.0,), (255.0,)))[0, :, 0]
    array([0. , 0.2, 1. ], dtype=float32)
    """
    if array.shape[2] != statistics.n_bands:
        raise InputError(
            f"the image has {array.shape[2]} bands where the model was trained on "
            f"{statistics.n_bands}. Choose the same bands with --bands."
        )
    low, high = np.asarray(statistics.low), np.asarray(statistics.high)
    if not valid.all():
        # Invalid pixels may hold infinities: they are replaced before any arithmetic.
        array = np.where(valid[:, :, np.newaxis], array, array.dtype.type(0))
    unit, width = _above(array, low, high)
    # Whole rows at once: an axis of three or four bands is too short for the vector unit.
    rows = unit.reshape(len(unit), -1)
    rows /= np.tile(np.where(width > 0, width, np.float32(np.inf)), unit.shape[1])
    np.clip(rows, 0.0, 1.0, out=rows)
    if not valid.all():
        unit[~valid] = 0.0
    return unit


def _above(
    array: NDArray[np.generic], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Subtract the low end of each band from its values and from its high end.

    Dtypes of more digits than float32 lose them after the subtraction only, where they are few.
    """
    is_wide = array.dtype.itemsize > (4 if array.dtype.kind == "f" else 2)
    if not is_wide:
        unit: NDArray[np.float32] = array.astype(np.float32, order="C")
        rows, start = unit.reshape(len(unit), -1), low.astype(np.float32)
        rows -= np.tile(start, unit.shape[1])
        return unit, high.astype(np.float32) - start
    unit = np.empty(array.shape, np.float32)
    for row in range(0, len(array), _ROWS):
        unit[row : row + _ROWS] = array[row : row + _ROWS].astype(np.float64) - low
    return unit, (high - low).astype(np.float32)
