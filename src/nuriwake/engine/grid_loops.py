"""The loops over the cells of a grid between its matrix products, in float32.

They are parts of the passes of :mod:`nuriwake.engine.grid_passes`. A map is stored as
(H + 2, W + 2, C) with a border of zeros, or without it. Of both, loops are given whole rows, so
that the compiler sees that they lie in one piece.

Loops over channels write one or two arrays: what the compiler cannot prove to lie apart it compares
before each loop, and of more than a few it leaves the vector unit idle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined

FloatMap = NDArray[np.float32]

# Not plain numbers: those would make the compiled loops compute in float64.
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
_LOG2E = np.float32(1.4426950408889634)
#: Of 2^x on [-1/2, 1/2]: the powers of log 2 over the factorials.
_E1, _E2, _E3 = np.float32(0.6931471806), np.float32(0.2402265070), np.float32(0.0555041087)
_E4, _E5, _E6 = np.float32(0.0096181291), np.float32(0.0013333558), np.float32(0.0001540353)
#: Softer than this, a label's share of a cell is nothing beside that of the first.
_LEAST = np.float32(-126)


@inlined
def copy_neighbours(surroundings: Any, copied: Any) -> None:
    """Copy the 3x3 neighbours of each pixel out.

    Parameters
    ----------
    surroundings : ndarray of float32, shape (rows + 2, W + 2, C)
    copied : ndarray of float32, shape (rows W or more, 9 C)
        Written.
    """
    height, width, n_channels = surroundings.shape
    n = 3 * n_channels
    for i in range(height - 2):
        for j in range(width - 2):
            for k in range(3):
                row = copied[i * (width - 2) + j, k * n : k * n + n]
                row[:] = surroundings[i + k, j : j + 3].reshape(n)


@inlined
def activate(
    products: Any, start: int, bias: Any, valid: Any, guess: Any, active: Any, sums: Any
) -> None:
    """Add the bias, apply the ReLU, and take the statistics of the result.

    Parameters
    ----------
    products : ndarray of float32, shape (rows, W, C)
        Becomes the result's deviation from the guess, 0 for pixels that do not count.
    start : int
        Row of the image that is the first of these.
    bias : ndarray of float32, shape (4, 4, C)
        Of a pixel with the image's border above (1), below (2), at neither (0) or both (3), and
        in the same way to its left and right.
    valid : ndarray of bool, shape (H, W)
        Which pixels count.
    guess : ndarray of float32, shape (C,)
        Near the mean.
    active : ndarray of float32, shape (H, W, C) or (H + 2, W + 2, C)
        Written: the result.
    sums : ndarray of float64, shape (2, C)
        The deviations and their squares are added.
    """
    n_rows, n_columns = products.shape[:2]
    margin = (active.shape[0] - valid.shape[0]) // 2
    total, squares = np.empty_like(guess), np.empty_like(guess)
    for i in range(n_rows):
        row = start + i
        total[:] = 0
        squares[:] = 0
        for j in range(n_columns):
            above, aside = (row == 0) + 2 * (row == len(valid) - 1), (j == 0) + 2 * (j == n_columns - 1)
            y, a, shift = products[i, j], active[margin + row, margin + j], bias[above, aside]
            weight = _ONE if valid[row, j] else _ZERO
            for c in range(a.size):
                a[c] = max(y[c] + shift[c], _ZERO)
            for c in range(a.size):
                y[c] = (a[c] - guess[c]) * weight
            for c in range(a.size):
                total[c] += y[c]
                squares[c] += y[c] * y[c]
        sums[0] += total
        sums[1] += squares


@inlined
def _soften(row: Any, largest: Any, powers: Any) -> Any:
    """Turn responses into e to the power of what they lack; return the sum."""
    factors = powers.view(np.float32)
    total = _ZERO
    for c in range(row.size):
        x = max((row[c] - largest) * _LOG2E, _LEAST)
        whole = np.floor(x + _HALF)
        # A float32 whose exponent is that whole number, and whose other bits are 0.
        powers[c] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        x -= whole
        high = _E3 + x * (_E4 + x * (_E5 + x * _E6))
        row[c] = _ONE + x * (_E1 + x * (_E2 + x * high))
    for c in range(row.size):
        row[c] *= factors[c]
        total += row[c]
    return total


@inlined
def respond(responses: Any, bias: Any, labels: Any, powers: Any) -> None:
    """Add the bias, find the first maximum, and turn the responses into the softmax.

    Parameters
    ----------
    responses : ndarray of float32, shape (N, q)
        Changed in place.
    bias : ndarray of float32, shape (q,)
    labels : ndarray of int64, shape (N,)
        Written, in [0, q).
    powers : ndarray of int32, shape (q,)
        Room.
    """
    q = responses.shape[1]
    for i in range(responses.shape[0]):
        row = responses[i]
        for c in range(q):
            row[c] += bias[c]
        largest = row[0]
        for c in range(q):
            largest = max(largest, row[c])
        label = np.int32(q)
        for c in range(q):
            label = min(label, np.int32(c) if row[c] == largest else np.int32(q))
        labels[i] = label
        # It is at least 1 but for responses that are no numbers, which who reads them refuses.
        inverse = _ONE / max(_soften(row, largest, powers), _HALF)
        for c in range(q):
            row[c] *= inverse


@inlined
def slope(softmax: Any, targets: Any, valid: Any, sums: Any) -> Any:
    """Turn the softmax into slopes, softmax - one-hot, of the pixels that count.

    Parameters
    ----------
    softmax : ndarray of float32, shape (N, q)
        Changed in place.
    targets : ndarray of int64, shape (N,)
    valid : ndarray of bool, shape (N,)
    sums : ndarray of float64, shape (q,)
        The slopes are added.

    Returns
    -------
    float
        The sum of the pixels' cross-entropies.
    """
    loss = 0.0
    for i in range(softmax.shape[0]):
        row = softmax[i]
        if valid[i]:
            likelihood = row[targets[i]]
            loss -= np.log(max(likelihood, np.finfo(np.float32).tiny))
            row[targets[i]] = likelihood - _ONE
            for c in range(row.size):
                sums[c] += row[c]
        else:
            row[:] = 0
    return loss


@inlined
def gate(
    products: Any, start: int, slopes: Any, offset: Any, valid: Any, active: Any, gradient: Any, sums: Any
) -> None:
    """Add what the statistics add, for the pixels that count, and go back through the ReLU.

    Parameters
    ----------
    products : ndarray of float32, shape (rows, W, C)
        The gradient without that part; becomes the result.
    start : int
        Row of the image that is the first of these.
    slopes, offset : ndarrays of float32, shape (C,)
        The part is slopes x active + offset.
    valid : ndarray of bool, shape (H, W)
    active : ndarray of float32, shape (H, W, C) or (H + 2, W + 2, C)
        The ReLU's output.
    gradient : ndarray of float32, shape (H + 2, W + 2, C)
        Written: the result; may be ``active``.
    sums : ndarray of float64, shape (C,)
        The gradient is added.
    """
    n_rows, n_columns = products.shape[:2]
    margin = (active.shape[0] - valid.shape[0]) // 2
    total = np.empty_like(offset)
    for i in range(n_rows):
        row = start + i
        total[:] = 0
        for j in range(n_columns):
            y, a, g = products[i, j], active[margin + row, margin + j], gradient[1 + row, 1 + j]
            weight = _ONE if valid[row, j] else _ZERO
            for c in range(y.size):
                x = y[c] + (a[c] * slopes[c] + offset[c]) * weight
                y[c] = x if a[c] > _ZERO else _ZERO
            for c in range(y.size):
                g[c] = y[c]
                total[c] += y[c]
        sums += total


@compiled
def vote(
    labels: NDArray[np.int64],
    ids: NDArray[np.int32],
    table: NDArray[np.int32],
    targets: NDArray[np.int64],
) -> None:
    """Give every cell the label most frequent in its superpixel; a tie goes to the smallest.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,), in [0, q)
    ids : ndarray of int32, shape (N,)
        Of the superpixels, from 0; cells with a negative id keep their label.
    table : ndarray of int32, shape (superpixels, q)
        Room for the votes.
    targets : ndarray of int64, shape (N,)
        Written.
    """
    table[:] = 0
    for i in range(labels.size):
        if ids[i] >= 0:
            table[ids[i], labels[i]] += 1
    for k in range(table.shape[0]):
        best = 0
        for c in range(table.shape[1]):
            if table[k, c] > table[k, best]:
                best = c
        table[k, 0] = best
    for i in range(labels.size):
        targets[i] = table[ids[i], 0] if ids[i] >= 0 else labels[i]
