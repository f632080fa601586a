"""Gaussian smoothing whose time does not grow with its width.

The map is halved, axis by axis, with the binomial kernel [1, 4, 6, 4, 1] / 16, which lets next to
nothing of what would fold pass, as long as the Gaussian is wide against the distance of the samples
that are left. Halving is smoothing too: its variance is taken off the Gaussian's. From the few
samples every pixel is then smoothed anew, so that nothing is interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float32]
#: Samples in a standard deviation, at least.
_SAMPLES = 3.0
#: Standard deviations on either hand of a pixel that take part.
_REACH = 5.0


def smooth(values: Floats, sigmas: Sequence[float]) -> Floats:
    """Smooth a map with a Gaussian, mirrored at its rim.

    Parameters
    ----------
    values : ndarray of float32, of any number of dimensions
    sigmas : sequence of float
        Standard deviation along each axis, in its pixels.

    Returns
    -------
    ndarray of float32, of the same shape
        Exact where the standard deviations are below 6 pixels; else to 1e-3 of what is left of
        white noise.

    References
    ----------
    Burt, "Fast filter transforms for image processing", Computer Graphics and Image Processing
    1981; Getreuer, "A survey of Gaussian convolution algorithms", IPOL 2013.

    Examples
    --------
    >>> line = np.zeros(101, np.float32)
    >>> line[50] = 1.0
    >>> smooth(line, [12.0])[[50, 62]].round(4)
    array([0.0332, 0.0202], dtype=float32)
    """
    from scipy.ndimage import gaussian_filter

    levels = [max(0, int(np.log2(sigma / _SAMPLES))) for sigma in sigmas]
    if not any(levels):
        plain: Floats = gaussian_filter(values, sigmas)
        return plain
    reduced = values
    for axis, (sigma, level) in enumerate(zip(sigmas, levels, strict=True)):
        reduced = _halved(reduced, axis, level, _n_around(sigma, level))
    # The first axis last: what is long in memory is worked on at full length only once.
    for axis in reversed(range(values.ndim)):
        weights = _weights(values.shape[axis], sigmas[axis], levels[axis])
        rows = np.moveaxis(reduced, axis, 0)
        smoothed = weights @ np.ascontiguousarray(rows).reshape(len(rows), -1)
        reduced = np.moveaxis(smoothed.reshape(-1, *rows.shape[1:]), 0, axis)
    return np.ascontiguousarray(reduced)


def _n_around(sigma: float, level: int) -> int:
    """How many samples on either hand take part."""
    return int(np.ceil(_REACH * sigma / 2**level))


def _halved(values: Floats, axis: int, level: int, n_around: int) -> Floats:
    """Halve an axis so often; so many mirrored samples come before it, and as many after it."""
    step = 2**level
    size = values.shape[axis]
    # Every halving takes two rows off either hand; such a start lies on an even place before each.
    before = (n_around + 3) * step - 2
    after = before + 4 + -size % step
    widths = [(before, after) if a == axis else (0, 0) for a in range(values.ndim)]
    rows = np.moveaxis(np.pad(values, widths, "symmetric"), axis, 0)
    for _ in range(level):
        rows = _halve(rows)
    return np.moveaxis(rows[1 : 1 + -(-size // step) + 2 * n_around], 0, axis)


def _halve(rows: Floats) -> Floats:
    """Keep every other row, smoothed, from the third one to the last but two."""
    even, odd = rows[0::2], rows[1::2]
    n = len(even) - 2
    total = np.float32(6) * even[1 : n + 1]
    total += even[:n]
    total += even[2 : n + 2]
    total += np.float32(4) * (odd[:n] + odd[1 : n + 1])
    total /= np.float32(16)
    return total


def _weights(size: int, sigma: float, level: int) -> csr_array:
    """Weights of the samples around each pixel, rows of a sparse matrix; they sum to 1."""
    from scipy.sparse import csr_array

    step, n_around = 2**level, _n_around(sigma, level)
    taps = np.arange(2 * n_around + 1)
    distances = (taps - n_around) * step - np.arange(step)[:, np.newaxis]
    # The binomial kernel has variance 1, in pixels that are twice as wide at every level.
    bell = np.exp(-0.5 * distances**2 / (sigma**2 - (4**level - 1) / 3))
    bell = (bell / bell.sum(axis=1, keepdims=True)).astype(np.float32)
    own, phase = np.divmod(np.arange(size), step)
    columns = (own[:, np.newaxis] + taps).astype(np.int32)
    starts = np.arange(size + 1, dtype=np.int32) * np.int32(taps.size)
    shape = size, -(-size // step) + 2 * n_around
    return csr_array((bell[phase].ravel(), columns.ravel(), starts), shape=shape)
