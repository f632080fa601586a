"""Two ways to lay a 3x3 convolution on a grid of cells out as matrix products, in float32.

What has 36 matrices is of the one, what has a single one of the other: that is how the passes of
:mod:`nuriwake.engine.grid_passes` tell them apart, which do the products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np

from nuriwake.engine.grid_loops import FloatMap
from nuriwake.engine.strips import BAND, POINTS, TILE
from nuriwake.engine.winograd import filter_matrix

#: Takes the nine taps of a kernel to its 36 points.
FILTER = filter_matrix().astype(np.float32)
#: Fewer channels than this, in or out, are not worth Winograd's transform.
_MIN_CHANNELS = 16


def zeros_together(shapes: Sequence[tuple[int, ...]]) -> Iterator[FloatMap]:
    """Return arrays of zeros out of one block: the larger it is, the larger its pages may be.

    Examples
    --------
    >>> [array.shape for array in zeros_together([(2, 3), (4,)])]
    [(2, 3), (4,)]
    """
    sizes = [prod(shape) for shape in shapes]
    # Each begins with a cache line.
    places = np.cumsum([0, *(-(-size // 16) * 16 for size in sizes)])
    block = np.zeros(places[-1], np.float32)
    for place, size, shape in zip(places[:-1], sizes, shapes, strict=True):
        yield block[place : place + size].reshape(shape)


class GridMethod(Protocol):
    """One way to compute the products of a convolution.

    Attributes
    ----------
    transform : ndarray of float32, shape (9, 36) or (1, 1)
        Takes what is summed up for the gradient of a kernel to its taps.
    """

    transform: FloatMap

    def laid(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band that is laid out."""

    def kernel(self, n_inputs: int, n_outputs: int) -> tuple[int, int, int]:
        """Return the shape of a kernel that is laid out."""


class Copied:
    """The neighbours of each pixel copied out."""

    transform = np.ones((1, 1), np.float32)

    def laid(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band that is laid out."""
        return 1, BAND * width, 9 * n_channels

    def kernel(self, n_inputs: int, n_outputs: int) -> tuple[int, int, int]:
        """Return the shape of a kernel that is laid out."""
        return 1, 9 * n_inputs, n_outputs


class Transformed:
    """The points of tiles of 4x4 pixels, see :mod:`nuriwake.engine.winograd`."""

    transform = np.ascontiguousarray(FILTER.T)

    def laid(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band that is laid out."""
        return POINTS, BAND // TILE * -(-width // TILE), n_channels

    def kernel(self, n_inputs: int, n_outputs: int) -> tuple[int, int, int]:
        """Return the shape of a kernel that is laid out."""
        return POINTS, n_inputs, n_outputs


def choose_grid_method(n_inputs: int, n_outputs: int) -> GridMethod:
    """Return the fastest way to convolve between so many channels."""
    return Transformed() if min(n_inputs, n_outputs) >= _MIN_CHANNELS else Copied()
