"""3x3 convolutions in float32 with a quarter of the multiplications: Winograd's F(4x4, 3x3).

A tile of 4x4 pixels and its surroundings, 6x6 pixels, are taken to 36 numbers in which a
convolution is a plain product, channel by channel; so are the weights, and so, for the gradient of
the weights, the 4x4 slopes of the output. What remains are 36 matrix products over all tiles of a
strip. Processors that multiply bfloat16 quickly need none of this.

References
----------
Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section 4.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.engine.strips import POINTS, TILE

#: G, which takes the three taps of a kernel to the points 0, +-sqrt(1/2), +-sqrt(2) and infinity.
#: The points 0, +-1, +-2 of the paper would double the rounding error.
_FILTER = (
    (1, 0, 0),
    (-2 / 3, -(2**0.5) / 3, -1 / 3),
    (-2 / 3, 2**0.5 / 3, -1 / 3),
    (1 / 6, 2**0.5 / 6, 1 / 3),
    (1 / 6, -(2**0.5) / 6, 1 / 3),
    (0, 0, 1),
)
# Not plain numbers: those would make the compiled loops compute in float64.
_HALF, _TWO, _BOTH = np.float32(0.5), np.float32(2), np.float32(2.5)
_LOW, _HIGH = np.float32(0.5**0.5), np.float32(2**0.5)


def filter_matrix() -> NDArray[np.float64]:
    """Return G in both directions, (36, 9): the nine taps of a kernel to its 36 points."""
    one = np.array(_FILTER)
    return np.kron(one, one)


def transform_filter(weight: NDArray[np.float64]) -> NDArray[np.float32]:
    """Take a kernel (C', C, 3, 3) to its points, (36, C, C')."""
    n_outputs, n_inputs = weight.shape[:2]
    taps = weight.transpose(2, 3, 1, 0).reshape(9, -1)
    return (filter_matrix() @ taps).astype(np.float32).reshape(POINTS, n_inputs, n_outputs)


def filter_gradient(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the sums over tiles of slopes x inputs, (36, C', C), to those of a kernel's weights.

    Returns
    -------
    ndarray of float64, shape (C', C, 3, 3)
    """
    taps = filter_matrix().T @ products.reshape(POINTS, -1)
    return taps.reshape(3, 3, *products.shape[1:]).transpose(2, 3, 0, 1)


def points_shape(height: int, width: int, n_channels: int) -> tuple[int, int, int]:
    """Return the shape of the points of an image's tiles.

    Examples
    --------
    >>> points_shape(8, 9, n_channels=5)
    (36, 6, 5)
    """
    return POINTS, -(-height // TILE) * -(-width // TILE), n_channels


@compiled
def _from_pixels(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> Any:
    """Apply B^T to six pixels in a row."""
    a, b = d4 - _TWO * d2, _LOW * (d3 - _TWO * d1)
    c, d = d4 - _HALF * d2, _HIGH * (d3 - _HALF * d1)
    return d0 - _BOTH * d2 + d4, a + b, a - b, c + d, c - d, d1 - _BOTH * d3 + d5


@compiled
def _from_slopes(d0: Any, d1: Any, d2: Any, d3: Any) -> Any:
    """Apply A to four slopes in a row."""
    a, b = d0 + _HALF * d2, _LOW * (d1 + _HALF * d3)
    c, d = d0 + _TWO * d2, _HIGH * (d1 + _TWO * d3)
    return d0, a + b, a - b, c + d, c - d, d3


@compiled
def _to_pixels(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> Any:
    """Apply A^T to six products in a row."""
    a, b, c, d = d1 + d2, _LOW * (d1 - d2), d3 + d4, _HIGH * (d3 - d4)
    return d0 + a + c, b + d, _HALF * a + _TWO * c, _HALF * b + _TWO * d + d5


@compiled
def _tile_at(pixels: Any, row: int, column: int, room: Any) -> Any:
    """Return a view of a tile's pixels; at the edge, where some are missing, zeros stand for them.

    ``room`` is for those tiles and one pixel larger, so that both views are of one kind.
    """
    size = room.shape[0] - 1
    tile = pixels[row : row + size, column : column + size]
    if tile.shape[0] == size and tile.shape[1] == size:
        return tile
    room[:] = 0
    room[: tile.shape[0], : tile.shape[1]] = tile
    return room[:size, :size]


@compiled
def input_points(surroundings: NDArray[np.float32], points: NDArray[np.float32]) -> None:
    """Take pixels to the points of their tiles.

    Parameters
    ----------
    surroundings : ndarray of float32, shape (rows + 2, columns + 2, C)
        With the border that a convolution without padding needs.
    points : ndarray of float32, shape (36, tiles, C)
        Written.
    """
    n_columns, n_channels = (surroundings.shape[1] + 1) // 4, surroundings.shape[2]
    room = np.zeros((7, 7, n_channels), np.float32)
    half = np.empty((6, 6, n_channels), np.float32)
    for t in range(points.shape[1]):
        row, column = 4 * (t // n_columns), 4 * (t % n_columns)
        tile = _tile_at(surroundings, row, column, room)
        for j in range(6):
            h = half[:, j]
            d = tile[:, j]
            for c in range(n_channels):
                h[0, c], h[1, c], h[2, c], h[3, c], h[4, c], h[5, c] = _from_pixels(
                    d[0, c], d[1, c], d[2, c], d[3, c], d[4, c], d[5, c]
                )
        for i in range(6):
            p = points[6 * i : 6 * i + 6, t]
            h = half[i]
            for c in range(n_channels):
                p[0, c], p[1, c], p[2, c], p[3, c], p[4, c], p[5, c] = _from_pixels(
                    h[0, c], h[1, c], h[2, c], h[3, c], h[4, c], h[5, c]
                )


@compiled
def slope_points(surroundings: NDArray[np.float32], points: NDArray[np.float32]) -> None:
    """Take slopes with respect to a convolution's output to the points of their tiles.

    Parameters
    ----------
    surroundings : ndarray of float32, shape (rows + 2, columns + 2, C')
        Of which the border does not count.
    points : ndarray of float32, shape (36, tiles, C')
        Written.
    """
    rows = surroundings[1:-1, 1:-1]
    n_columns, n_channels = (rows.shape[1] + 3) // 4, rows.shape[2]
    room = np.zeros((5, 5, n_channels), np.float32)
    half = np.empty((6, 4, n_channels), np.float32)
    for t in range(points.shape[1]):
        row, column = 4 * (t // n_columns), 4 * (t % n_columns)
        tile = _tile_at(rows, row, column, room)
        for j in range(4):
            h = half[:, j]
            d = tile[:, j]
            for c in range(n_channels):
                h[0, c], h[1, c], h[2, c], h[3, c], h[4, c], h[5, c] = _from_slopes(
                    d[0, c], d[1, c], d[2, c], d[3, c]
                )
        for i in range(6):
            p = points[6 * i : 6 * i + 6, t]
            h = half[i]
            for c in range(n_channels):
                p[0, c], p[1, c], p[2, c], p[3, c], p[4, c], p[5, c] = _from_slopes(
                    h[0, c], h[1, c], h[2, c], h[3, c]
                )


@compiled
def output_pixels(
    points: NDArray[np.float32],
    bias: NDArray[np.float32],
    output: NDArray[np.float32],
) -> None:
    """Take products to the convolution's output.

    Parameters
    ----------
    points : ndarray of float32, shape (36, tiles, C')
    bias : ndarray of float32, shape (C',)
    output : ndarray of float32, shape (rows, columns, C')
        Written.
    """
    n_columns, n_channels = (output.shape[1] + 3) // 4, output.shape[2]
    room = np.empty((4, 4, n_channels), np.float32)
    half = np.empty((4, 6, n_channels), np.float32)
    for t in range(points.shape[1]):
        row, column = 4 * (t // n_columns), 4 * (t % n_columns)
        for j in range(6):
            p = points[j::6, t]
            h = half[:, j]
            for c in range(n_channels):
                h[0, c], h[1, c], h[2, c], h[3, c] = _to_pixels(
                    p[0, c], p[1, c], p[2, c], p[3, c], p[4, c], p[5, c]
                )
        for i in range(4):
            h = half[i]
            for c in range(n_channels):
                y0, y1, y2, y3 = _to_pixels(h[0, c], h[1, c], h[2, c], h[3, c], h[4, c], h[5, c])
                b = bias[c]
                r = room[i]
                r[0, c], r[1, c], r[2, c], r[3, c] = y0 + b, y1 + b, y2 + b, y3 + b
        tile = output[row : row + 4, column : column + 4]
        tile[:] = room[: tile.shape[0], : tile.shape[1]]
