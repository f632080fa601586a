"""Histograms of the colours of regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled

Floats = NDArray[np.float64]
#: Ranges of the histograms of L, a and b: what photographs fill.
_LAB_LOW, _LAB_HIGH = (0.0, -40.0, -50.0), (100.0, 50.0, 60.0)
#: Places of a histogram.
_TONES = 12


def toned(colours: NDArray[np.float32]) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Channels whose histograms are taken, and the ranges of these histograms.

    Parameters
    ----------
    colours : ndarray of float32, shape (height, width, bands)
        From :func:`nuriwake.learn.view.perceptual_colours`.

    Returns
    -------
    channels : ndarray of float32, shape (height, width, C)
        At most three; many bands as the means of neighbouring ones.
    low, high : ndarray of float64, shape (C,)

    Examples
    --------
    >>> toned(np.zeros((1, 1, 3), np.float32))[1]
    array([  0., -40., -50.])
    """
    n_bands = colours.shape[-1]
    if n_bands == 3:
        return colours, np.array(_LAB_LOW), np.array(_LAB_HIGH)
    # Bands are sorted by wavelength as a rule: neighbours stand for each other.
    groups = np.array_split(np.arange(n_bands), min(n_bands, 3))
    channels = np.empty((*colours.shape[:-1], len(groups)), np.float32)
    for k, group in enumerate(groups):
        np.divide(sum(colours[..., band] for band in group), group.size, out=channels[..., k])
    return channels, np.zeros(len(groups)), np.full(len(groups), 100.0 / np.sqrt(n_bands))


@compiled
def sum_tones(
    base: NDArray[np.int32],
    n_regions: int,
    channels: NDArray[np.float32],
    weights: NDArray[np.float32],
    low: Floats,
    high: Floats,
) -> Floats:
    """Sum the histograms of some channels over each region.

    Parameters
    ----------
    base : ndarray of int32, shape (n_pixels,)
        Region ids 1..n; 0 = no data.
    n_regions : int
    channels : ndarray of float32, shape (n_pixels, C)
    weights : ndarray of float32, shape (n_pixels,)
        How much each pixel counts, over all channels. Empty: 1.
    low, high : ndarray of float64, shape (C,)
        Where the first place of the histogram stands, and the last one; a value between two
        places counts for both.

    Returns
    -------
    ndarray of float64, shape (n_regions, 12 C)
    """
    n_channels = channels.shape[1]
    sums = np.zeros((n_regions, n_channels * _TONES))
    for i in range(base.size):
        region = base[i] - 1
        if region < 0:
            continue
        count = weights[i] / n_channels if weights.size else 1.0 / n_channels
        for k in range(n_channels):
            place = (channels[i, k] - low[k]) / (high[k] - low[k]) * (_TONES - 1)
            place = min(max(place, 0.0), _TONES - 1.0)
            left = min(int(place), _TONES - 2)
            share = (place - left) * count
            sums[region, k * _TONES + left] += count - share
            sums[region, k * _TONES + left + 1] += share
    return sums
