"""What a convolution meets, and misses, at the border of an image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined

# Which taps of a kernel are inside: at no border, above, below, at both.
_INSIDE = np.array([[1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0]], np.float64)
_INSIDE_BOTH = np.kron(_INSIDE, _INSIDE)


def border_biases(bias: NDArray[np.float64], outside: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a convolution's bias for every way to lie at the image's border.

    Parameters
    ----------
    bias : ndarray of float64, shape (C',)
    outside : ndarray of float64, shape (9, C')
        What a constant input adds through each tap, where the tap's neighbour is inside.

    Returns
    -------
    ndarray of float32, shape (4, 4, C')
        The first index says whether the border is at no side, above, below or both; the second
        in the same way to the left and right.

    Examples
    --------
    >>> border_biases(np.zeros(1), np.ones((9, 1)))[:, :, 0].astype(int)
    array([[9, 6, 6, 3],
           [6, 4, 4, 2],
           [6, 4, 4, 2],
           [3, 2, 2, 1]])
    """
    biases: NDArray[np.float32] = (bias + _INSIDE_BOTH @ outside).astype(np.float32)
    return biases.reshape(4, 4, -1)


@compiled
def inside_sums(gradient: NDArray[np.float32], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each tap of a 3x3 kernel, sum a gradient over the pixels whose neighbour is inside.

    Parameters
    ----------
    gradient : ndarray of float32, shape (H + 2, W + 2, C)
        With a border that does not count.
    total : ndarray of float64, shape (C,)
        Its sum over all pixels.

    Returns
    -------
    ndarray of float64, shape (9, C)

    Examples
    --------
    >>> inside_sums(np.ones((4, 5, 1), np.float32), np.array([6.0])).reshape(3, 3).astype(int)
    array([[2, 3, 2],
           [4, 6, 4],
           [2, 3, 2]])
    """
    height, width = gradient.shape[0] - 2, gradient.shape[1] - 2
    sums = np.empty((3, 3, total.size))
    for tap in range(9):
        for c in range(total.size):
            sums[tap // 3, tap % 3, c] = total[c]
    for side in range(2):
        row, column = np.zeros(total.size), np.zeros(total.size)
        i, j = 1 + side * (height - 1), 1 + side * (width - 1)
        for k in range(1, width + 1):
            _add(gradient[i, k], row)
        for k in range(1, height + 1):
            _add(gradient[k, j], column)
        for tap in range(3):
            for c in range(total.size):
                sums[2 * side, tap, c] -= row[c]
                sums[tap, 2 * side, c] -= column[c]
        # A corner was taken out twice: by its row and by its column.
        _add(gradient[i, 1], sums[2 * side, 0])
        _add(gradient[i, width], sums[2 * side, 2])
    return sums.reshape(9, -1)


@inlined
def _add(part: Any, total: Any) -> None:
    for c in range(total.size):
        total[c] += part[c]
