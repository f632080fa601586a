"""The algebra of :mod:`nuriwake.engine.folding` on kernels of a grid, as compiled loops.

A kernel is stored tap by tap, (9, C', C): a row of it lies as the channels of a map do. Between two
passes over the grid one thread computes and the others wait; numpy would take ten times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.engine.grid_loops import FloatMap
from nuriwake.engine.products import multiply

Matrix = NDArray[np.float64]


@compiled
def fold_taps(
    weight: FloatMap, scale: Matrix, shift: Matrix, points: FloatMap, kernel: FloatMap
) -> Matrix:
    """Lay a kernel out for a normalised input, x = scale a + shift, whose a is convolved.

    Parameters
    ----------
    weight : ndarray of float32, shape (9, C', C)
    scale, shift : ndarrays of float64, shape (C,)
    points : ndarray of float32, shape (36, 9)
        Takes taps to points.
    kernel : ndarray of float32, shape (36, C, C') or (1, 9 C, C')
        Written: the points or the taps.

    Returns
    -------
    ndarray of float64, shape (9, C')
        What the shift adds through each tap.
    """
    n_outputs, n_inputs = weight.shape[1:]
    outside, is_copied = np.zeros((9, n_outputs)), len(kernel) == 1
    taps = np.empty((9, n_inputs, n_outputs), np.float32)
    if is_copied:
        taps = kernel.reshape(taps.shape)
    for t in range(9):
        for o in range(n_outputs):
            row, through = weight[t, o], 0.0
            for i in range(n_inputs):
                taps[t, i, o] = np.float32(row[i] * scale[i])
            for i in range(n_inputs):
                through += row[i] * shift[i]
            outside[t, o] = through
    if not is_copied:
        multiply(points, taps.reshape(9, -1), kernel.reshape(len(points), -1))
    return outside


@compiled
def turn_taps(weight: FloatMap, scale: Matrix, points: FloatMap, kernel: FloatMap) -> None:
    """Lay the kernel of the convolution backwards out; parameters as those of :func:`fold_taps`.

    ``kernel`` has the shape (36, C', C) or (1, 9 C', C).
    """
    is_copied = len(kernel) == 1
    taps = kernel.reshape(weight.shape) if is_copied else np.empty_like(weight)
    for t in range(9):
        for o in range(weight.shape[1]):
            row, turned = weight[t, o], taps[8 - t, o]
            for i in range(row.size):
                turned[i] = np.float32(row[i] * scale[i])
    if not is_copied:
        multiply(points, taps.reshape(9, -1), kernel.reshape(len(points), -1))


@compiled
def differentiate_taps(
    weight: FloatMap,
    products: FloatMap,
    inside: Matrix,
    scale: Matrix,
    shift: Matrix,
    gradient: FloatMap,
) -> Matrix:
    """Differentiate a convolution of a normalisation's output.

    Parameters
    ----------
    weight : ndarray of float32, shape (9, C', C)
    products : ndarray of float32, shape (strips, 9, C' C) or (strips, 1, C' 9 C)
        Sums over pixels of the output's gradient x the neighbourhood in a.
    inside : ndarray of float64, shape (9, C')
        Sum of the output's gradient over the pixels whose neighbour is inside the image.
    scale, shift : ndarrays of float64, shape (C,)
    gradient : ndarray of float32, shape (9, C', C)
        Written: that of the weight.

    Returns
    -------
    ndarray of float64, shape (2, C)
        Sums over all pixels of dx and of dx a, for :meth:`.folding.Normalisation.backward`. Both
        are linear in the gradient, so that they need no pass.
    """
    n_outputs, n = weight.shape[1:]
    sums, total = np.zeros((2, n)), np.empty(n)
    parts = products.reshape(len(products), -1)
    for t in range(9):
        for o in range(n_outputs):
            start = (t * n_outputs + o if products.shape[1] == 9 else o * 9 + t) * n
            total[:] = 0
            for k in range(len(parts)):
                part = parts[k, start : start + n]
                for i in range(n):
                    total[i] += part[i]
            slopes, row, constant = gradient[t, o], weight[t, o], inside[t, o]
            for i in range(n):
                slopes[i] = np.float32(total[i] * scale[i] + constant * shift[i])
            for i in range(n):
                sums[0, i] += row[i] * constant
                sums[1, i] += row[i] * total[i]
    return sums
