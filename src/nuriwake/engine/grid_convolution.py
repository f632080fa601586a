"""Two ways to lay a 3x3 convolution on a grid of cells out as matrix products, in float32.

The passes of :mod:`nuriwake.engine.grid_passes` do the products; what stands here is how a kernel
is taken to them, and sums back to its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.engine.grid_loops import FloatMap
from nuriwake.engine.strips import POINTS, TILE
from nuriwake.engine.winograd import filter_matrix

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
        Takes what is summed up for the gradient of a kernel to what :meth:`gradient` takes.
    """

    transform: FloatMap

    def shape(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band, TILE rows of pixels, that is laid out."""

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Lay a kernel of shape (C', C, 3, 3) out."""

    def gradient(self, sums: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Take sums of slopes x neighbourhood to the gradient of a kernel of that shape."""


class Copied:
    """The neighbours of each pixel copied out."""

    transform = np.ones((1, 1), np.float32)

    def shape(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band that is laid out."""
        return 1, TILE * width, 9 * n_channels

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Lay the weights out as the neighbours are, (1, 9 C, C')."""
        taps = weight.transpose(2, 3, 1, 0).reshape(1, -1, len(weight))
        return np.ascontiguousarray(taps, np.float32)

    def gradient(self, sums: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Bring the sums, neighbour by neighbour, into the order of a kernel."""
        return sums.reshape(shape[0], 3, 3, shape[1]).transpose(0, 3, 1, 2)


class Transformed:
    """The points of tiles of 4x4 pixels, see :mod:`nuriwake.engine.winograd`."""

    def __init__(self) -> None:
        self._filter = filter_matrix().astype(np.float32)
        self.transform = np.ascontiguousarray(self._filter.T)

    def shape(self, width: int, n_channels: int) -> tuple[int, int, int]:
        """Return the shape of a band that is laid out."""
        return POINTS, -(-width // TILE), n_channels

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Transform the weights, to (36, C, C')."""
        n_outputs, n_inputs = weight.shape[:2]
        taps = weight.transpose(2, 3, 1, 0).astype(np.float32, order="C").reshape(9, -1)
        points: FloatMap = self._filter @ taps
        return points.reshape(POINTS, n_inputs, n_outputs)

    def gradient(self, sums: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Bring the sums, tap by tap, into the order of a kernel."""
        kernel = sums.reshape(3, 3, *shape[:2]).transpose(2, 3, 0, 1)
        return np.ascontiguousarray(kernel)


def choose_grid_method(n_inputs: int, n_outputs: int) -> GridMethod:
    """Return the fastest way to convolve between so many channels."""
    return Transformed() if min(n_inputs, n_outputs) >= _MIN_CHANNELS else Copied()
