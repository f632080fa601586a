"""What a convolution meets, and misses, at the border of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def border_biases(bias: NDArray[np.float64], outside: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return a convolution's bias for every way to lie at the image's border.

    Parameters
    ----------
    bias : ndarray of float64, shape (C',)
    outside : ndarray of float64, shape (3, 3, C')
        What a constant input adds through each tap, where the tap's neighbour is inside.

    Returns
    -------
    ndarray of float32, shape (4, 4, C')
        The first index says whether the border is at no side, above, below or both; the second
        in the same way to the left and right.

    Examples
    --------
    >>> border_biases(np.zeros(1), np.ones((3, 3, 1)))[:, :, 0].astype(int)
    array([[9, 6, 6, 3],
           [6, 4, 4, 2],
           [6, 4, 4, 2],
           [3, 2, 2, 1]])
    """
    # Which taps of a kernel are inside: at no border, above, below, at both.
    inside = np.array([[1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0]], np.float64)
    through = np.einsum("ak,bl,klo->abo", inside, inside, outside)
    biases: NDArray[np.float32] = (bias + through).astype(np.float32)
    return biases


def inside_sums(gradient: NDArray[np.float32], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each tap of a 3x3 kernel, sum a gradient over the pixels whose neighbour is inside.

    Parameters
    ----------
    gradient : ndarray of float32, shape (H, W, C)
    total : ndarray of float64, shape (C,)
        Its sum over all pixels.

    Returns
    -------
    ndarray of float64, shape (3, 3, C)

    Examples
    --------
    >>> inside_sums(np.ones((2, 3, 1), np.float32), np.array([6.0]))[:, :, 0].astype(int)
    array([[2, 3, 2],
           [4, 6, 4],
           [2, 3, 2]])
    """
    edges = gradient[[0, -1]].astype(np.float64), gradient[:, [0, -1]].astype(np.float64)
    sums = np.tile(total, (3, 3, 1))
    sums[::2] -= edges[0].sum(axis=1)[:, np.newaxis]
    sums[:, ::2] -= edges[1].sum(axis=0)
    # A corner was taken out twice: by its row and by its column.
    sums[::2, ::2] += edges[0][:, [0, -1]]
    return sums
