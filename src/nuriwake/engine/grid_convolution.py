"""3x3 convolutions of a strip of a grid as matrix products of numpy, in float32.

First a strip is laid out for the products, then it is multiplied: forwards by the kernel, and for
the gradient of the kernel by the slopes of the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.engine.grid_loops import FloatMap, copy_neighbours
from nuriwake.engine.strips import POINTS
from nuriwake.engine.winograd import (
    filter_matrix,
    input_points,
    output_pixels,
    points_shape,
    slope_points,
)

#: Fewer channels than this, in or out, are not worth Winograd's transform.
_MIN_CHANNELS = 16


class Room:
    """Memory that one thread uses again and again: fresh pages would cost more than the loops.

    Examples
    --------
    >>> Room().take("points", (2, 3))
    array([[0., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """

    def __init__(self) -> None:
        self._buffers: dict[str, FloatMap] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> FloatMap:
        """Return an array that holds what was last written under this name, at first zeros."""
        size = int(np.prod(shape))
        if self._buffers.get(name, np.empty(0)).size < size:
            self._buffers[name] = np.zeros(size, np.float32)
        return self._buffers[name][:size].reshape(shape)


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
    """One way to compute the products of a convolution."""

    name: str

    def shape(self, n_rows: int, width: int, n_channels: int) -> tuple[int, ...]:
        """Return the shape of a strip that is laid out."""

    def lay_out(self, surroundings: FloatMap, laid: FloatMap) -> None:
        """Lay a strip, (rows + 2, W + 2, C), out; what is not written must hold zeros."""

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Lay a kernel of shape (C', C, 3, 3) out."""

    def multiply(self, laid: FloatMap, kernel: FloatMap, output: FloatMap, room: Room) -> None:
        """Write the convolution into (rows, W + 2, C'), whose first and last column stay 0."""

    def correlate(self, laid: FloatMap, slopes: FloatMap, room: Room) -> FloatMap:
        """Sum slopes, (rows + 2, W + 2, C') with a border of zeros, x neighbourhood."""

    def gradient(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take such sums to the gradient of a kernel, (C', C, 3, 3)."""


class Copied:
    """The neighbours of each pixel copied out."""

    name = "copied"

    def shape(self, n_rows: int, width: int, n_channels: int) -> tuple[int, ...]:
        """Return the shape of a strip that is laid out."""
        return n_rows, width + 2, 9 * n_channels

    def lay_out(self, surroundings: FloatMap, laid: FloatMap) -> None:
        """Copy the neighbours out."""
        copy_neighbours(surroundings, laid)

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Lay the weights out as the neighbours are, (9 C, C')."""
        taps = weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
        return np.ascontiguousarray(taps, np.float32)

    def multiply(self, laid: FloatMap, kernel: FloatMap, output: FloatMap, room: Room) -> None:  # noqa: ARG002
        """Multiply each pixel's neighbours by the weights."""
        np.dot(_pixels(laid), kernel, out=_pixels(output))

    def correlate(self, laid: FloatMap, slopes: FloatMap, room: Room) -> FloatMap:  # noqa: ARG002
        """Sum over the pixels, (C', 9 C)."""
        sums: FloatMap = _pixels(slopes[1:-1]).T @ _pixels(laid)
        return sums

    def gradient(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the sums to the gradient of a kernel."""
        return sums.reshape(len(sums), 3, 3, -1).transpose(0, 3, 1, 2)


class Transformed:
    """The points of tiles of 4x4 pixels, see :mod:`nuriwake.engine.winograd`."""

    name = "points"

    def __init__(self) -> None:
        self._filter = filter_matrix().astype(np.float32)

    def shape(self, n_rows: int, width: int, n_channels: int) -> tuple[int, ...]:
        """Return the shape of a strip that is laid out."""
        return points_shape(n_rows, width, n_channels)

    def lay_out(self, surroundings: FloatMap, laid: FloatMap) -> None:
        """Transform the tiles."""
        input_points(surroundings, laid)

    def prepare(self, weight: NDArray[np.float64]) -> FloatMap:
        """Transform the weights, to (36, C, C')."""
        n_outputs, n_inputs = weight.shape[:2]
        taps = weight.transpose(2, 3, 1, 0).astype(np.float32, order="C").reshape(9, -1)
        points: FloatMap = self._filter @ taps
        return points.reshape(POINTS, n_inputs, n_outputs)

    def multiply(self, laid: FloatMap, kernel: FloatMap, output: FloatMap, room: Room) -> None:
        """Multiply point by point and transform back."""
        n_outputs = kernel.shape[2]
        products = room.take("products", (*laid.shape[:2], n_outputs))
        np.matmul(laid, kernel, out=products)
        output_pixels(products, np.zeros(0, np.float32), output, 1)

    def correlate(self, laid: FloatMap, slopes: FloatMap, room: Room) -> FloatMap:
        """Sum over the tiles, point by point; return the taps, (9, C', C)."""
        points = room.take("products", (*laid.shape[:2], slopes.shape[2]))
        slope_points(slopes, points)
        sums = room.take("sums", (POINTS, slopes.shape[2], laid.shape[2]))
        np.matmul(points.transpose(0, 2, 1), laid, out=sums)
        taps: FloatMap = self._filter.T @ sums.reshape(POINTS, -1)
        return taps.reshape(9, *sums.shape[1:])

    def gradient(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring the taps into the order of a kernel."""
        kernel = sums.reshape(3, 3, *sums.shape[1:]).transpose(2, 3, 0, 1)
        return np.ascontiguousarray(kernel)


def choose_grid_method(n_inputs: int, n_outputs: int) -> GridMethod:
    """Return the fastest way to convolve between so many channels."""
    return Transformed() if min(n_inputs, n_outputs) >= _MIN_CHANNELS else Copied()


def _pixels(strip: FloatMap) -> FloatMap:
    """Return a view with one row for each pixel."""
    return strip.reshape(-1, strip.shape[2])
