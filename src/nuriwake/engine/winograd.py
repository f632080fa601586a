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

from nuriwake.compiled import compiled, inlined
from nuriwake.engine.lanes import Lanes, lanewise
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
_LOW, _HIGH = 0.5**0.5, 2**0.5


def filter_matrix() -> NDArray[np.float64]:
    """Return G in both directions, (36, 9): the nine taps of a kernel to its 36 points."""
    one = np.array(_FILTER)
    return np.kron(one, one)


def points_shape(height: int, width: int, n_channels: int) -> tuple[int, int, int]:
    """Return the shape of the points of an image's tiles.

    Examples
    --------
    >>> points_shape(8, 9, n_channels=5)
    (36, 6, 5)
    """
    return POINTS, -(-height // TILE) * -(-width // TILE), n_channels


@lanewise
def _from_pixels(
    d0: Lanes, d1: Lanes, d2: Lanes, d3: Lanes, d4: Lanes, d5: Lanes
) -> tuple[Lanes, ...]:
    """Apply B^T to six runs of pixels."""
    a, b = d4 - 2.0 * d2, _LOW * (d3 - 2.0 * d1)
    c, d = d4 - 0.5 * d2, _HIGH * (d3 - 0.5 * d1)
    return d0 - 2.5 * d2 + d4, a + b, a - b, c + d, c - d, d1 - 2.5 * d3 + d5


@lanewise
def _from_slopes(d0: Lanes, d1: Lanes, d2: Lanes, d3: Lanes) -> tuple[Lanes, ...]:
    """Apply A to four runs of slopes."""
    a, b = d0 + 0.5 * d2, _LOW * (d1 + 0.5 * d3)
    c, d = d0 + 2.0 * d2, _HIGH * (d1 + 2.0 * d3)
    return d0, a + b, a - b, c + d, c - d, d3


@lanewise
def _to_pixels(
    p0: Lanes, p1: Lanes, p2: Lanes, p3: Lanes, p4: Lanes, p5: Lanes
) -> tuple[Lanes, ...]:
    """Apply A^T to six runs of products."""
    a, b, c, d = p1 + p2, _LOW * (p1 - p2), p3 + p4, _HIGH * (p3 - p4)
    return p0 + a + c, b + d, 0.5 * a + 2.0 * c, 0.5 * b + 2.0 * d + p5


@inlined
def _rows_at(pixels: Any, row: int, room: Any) -> Any:
    """Return some rows of pixels, as runs; zeros stand for those below the last.

    ``room`` is for these, and gives the number of rows.
    """
    here = pixels[row : row + room.shape[0]]
    if here.shape[0] == room.shape[0]:
        return here.reshape(room.shape)
    room[:] = 0
    for i in range(here.shape[0]):
        line, part = room[i], here[i].reshape(room.shape[1])
        for c in range(line.size):
            line[c] = part[c]
    return room


def scratch_size(width: int, n_channels: int) -> int:
    """Return how many float32 the functions below need for what lies between pixels and points.

    Parameters
    ----------
    width : int
        Columns of the image, without a border.
    n_channels : int
    """
    return 12 * (4 * -(-width // TILE) + 2) * n_channels


@compiled
def input_points(
    surroundings: NDArray[np.float32], points: NDArray[np.float32], scratch: NDArray[np.float32]
) -> None:
    """Take pixels to the points of their tiles.

    Parameters
    ----------
    surroundings : ndarray of float32, shape (rows + 2, columns + 2, C)
        With the border that a convolution without padding needs.
    points : ndarray of float32, shape (36, tiles or more, C)
        Written.
    scratch : ndarray of float32
        Of :func:`scratch_size`.
    """
    width, n = surroundings.shape[1:]
    run, n_columns = width * n, (width + 1) // 4
    end, p = (4 * n_columns + 2) * n, points
    room, half = (
        scratch[: 6 * run].reshape(6, run),
        scratch[6 * run : 6 * (run + end)].reshape(6, end),
    )
    half[:, run:] = 0
    for row in range((surroundings.shape[0] + 1) // 4):
        d, h = _rows_at(surroundings, 4 * row, room), half
        _from_pixels(
            (d[0], d[1], d[2], d[3], d[4], d[5]),
            (h[0, :run], h[1, :run], h[2, :run], h[3, :run], h[4, :run], h[5, :run]),
        )
        for i in range(6):
            for column in range(n_columns):
                d = half[i, 4 * column * n : (4 * column + 6) * n].reshape(6, n)
                k, t = 6 * i, row * n_columns + column
                _from_pixels(
                    (d[0], d[1], d[2], d[3], d[4], d[5]),
                    (p[k, t], p[k + 1, t], p[k + 2, t], p[k + 3, t], p[k + 4, t], p[k + 5, t]),
                )


@compiled
def slope_points(
    surroundings: NDArray[np.float32], points: NDArray[np.float32], scratch: NDArray[np.float32]
) -> None:
    """Take slopes with respect to a convolution's output to the points of their tiles.

    Parameters
    ----------
    surroundings : ndarray of float32, shape (rows + 2, columns + 2, C')
        Of which the border does not count.
    points : ndarray of float32, shape (36, tiles or more, C')
        Written.
    scratch : ndarray of float32
        Of :func:`scratch_size`.
    """
    width, n = surroundings.shape[1:]
    run, n_columns = (width - 2) * n, (width + 1) // 4
    a, end, stop, p = 4 * width * n, 4 * n_columns * n, n + run, points
    room, half = scratch[:a].reshape(4, -1), scratch[a : a + 6 * end].reshape(6, end)
    half[:, run:] = 0
    for row in range((surroundings.shape[0] + 1) // 4):
        d, h = _rows_at(surroundings[1:-1], 4 * row, room), half
        _from_slopes(
            (d[0, n:stop], d[1, n:stop], d[2, n:stop], d[3, n:stop]),
            (h[0, :run], h[1, :run], h[2, :run], h[3, :run], h[4, :run], h[5, :run]),
        )
        for i in range(6):
            for column in range(n_columns):
                d = half[i, 4 * column * n : (4 * column + 4) * n].reshape(4, n)
                k, t = 6 * i, row * n_columns + column
                _from_slopes(
                    (d[0], d[1], d[2], d[3]),
                    (p[k, t], p[k + 1, t], p[k + 2, t], p[k + 3, t], p[k + 4, t], p[k + 5, t]),
                )


@compiled
def output_pixels(
    points: NDArray[np.float32], output: NDArray[np.float32], scratch: NDArray[np.float32]
) -> None:
    """Take products to the convolution's output.

    Parameters
    ----------
    points : ndarray of float32, shape (36, tiles or more, C')
    output : ndarray of float32, shape (rows, columns, C')
        Written.
    scratch : ndarray of float32
        Of :func:`scratch_size`.
    """
    n, n_columns = points.shape[2], (output.shape[1] + 3) // 4
    run, p = n_columns * n, points.reshape(36, -1)
    half, room = scratch[: 24 * run].reshape(4, 6, run), scratch[24 * run :]
    for row in range((output.shape[0] + 3) // 4):
        a, b = row * run, row * run + run
        for j in range(6):
            _to_pixels(
                (
                    p[j, a:b], p[j + 6, a:b], p[j + 12, a:b],
                    p[j + 18, a:b], p[j + 24, a:b], p[j + 30, a:b],
                ),
                (half[0, j], half[1, j], half[2, j], half[3, j]),
            )  # fmt: skip
        for i in range(min(4, output.shape[0] - 4 * row)):
            for column in range(n_columns):
                tile = output[4 * row + i, 4 * column : 4 * column + 4].reshape(-1)
                y, h, a, b = (
                    tile if len(tile) == 4 * n else room,
                    half[i],
                    column * n,
                    column * n + n,
                )
                _to_pixels(
                    (h[0, a:b], h[1, a:b], h[2, a:b], h[3, a:b], h[4, a:b], h[5, a:b]),
                    (y[:n], y[n : 2 * n], y[2 * n : 3 * n], y[3 * n : 4 * n]),
                )
                if len(tile) < 4 * n:
                    for c in range(tile.size):
                        tile[c] = room[c]
