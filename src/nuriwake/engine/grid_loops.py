"""The loops over the cells of a grid between its matrix products, in float32.

They are parts of the passes of :mod:`nuriwake.engine.grid_passes`. A map is stored as
(H + 2, W + 2, C) with a border of zeros, or without it. Of both, loops are given whole rows, so
that the compiler sees that they lie in one piece.
"""

from __future__ import annotations

from math import factorial, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined
from nuriwake.engine.lanes import Lanes, lanewise

FloatMap = NDArray[np.float32]

# Not plain numbers: those would make the compiled loops compute in float64.
_ZERO, _ONE, _HALF = np.float32(0), np.float32(1), np.float32(0.5)
_LOG2E = 1.4426950408889634
#: Of 2^x on [-1/2, 1/2]: the powers of log 2 over the factorials.
_E1, _E2, _E3, _E4, _E5, _E6 = (log(2) ** k / factorial(k) for k in range(1, 7))
#: Softer than this, a label's share of a cell is nothing beside that of the first.
_LEAST = -126.0


@lanewise
def add_to(total: Lanes, part: Lanes) -> tuple[Lanes]:
    """Add to sums."""
    return (total + part,)


@lanewise
def _activate(
    y: Lanes, shift: Lanes, guess: Lanes, weight: Lanes, total: Lanes, squares: Lanes
) -> tuple[Lanes, ...]:
    active = (y + shift).at_least(0.0)
    deviation = (active - guess) * weight
    return active, deviation, total + deviation, squares + deviation * deviation


@lanewise
def _gate(
    y: Lanes, active: Lanes, slopes: Lanes, offset: Lanes, weight: Lanes, total: Lanes
) -> tuple[Lanes, ...]:
    x = (y + (active * slopes + offset) * weight).if_positive(active)
    return x, x, total + x


@lanewise
def _soften(response: Lanes, largest: Lanes) -> tuple[Lanes]:
    """Take e to the power of what a response lacks."""
    power, x = ((response - largest) * _LOG2E).at_least(_LEAST).split()
    high = _E3 + x * (_E4 + x * (_E5 + x * _E6))
    return (power * (1.0 + x * (_E1 + x * (_E2 + x * high))),)


@lanewise
def _scale(row: Lanes, factor: Lanes) -> tuple[Lanes]:
    return (row * factor,)


@compiled
def copy_neighbours(surroundings: FloatMap, copied: FloatMap) -> None:
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
                row, near = copied[i * (width - 2) + j], surroundings[i + k, j : j + 3].reshape(n)
                for c in range(n):
                    row[k * n + c] = near[c]


@compiled
def activate(
    products: FloatMap,
    start: int,
    bias: FloatMap,
    valid: NDArray[np.bool_],
    guess: FloatMap,
    active: FloatMap,
    sums: NDArray[np.float64],
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
            above, aside = (
                (row == 0) + 2 * (row == len(valid) - 1),
                (j == 0) + 2 * (j == n_columns - 1),
            )
            y, a, shift = products[i, j], active[margin + row, margin + j], bias[above, aside]
            weight = _ONE if valid[row, j] else _ZERO
            _activate((y, shift, guess, weight, total, squares), (a, y, total, squares))
        for c in range(total.size):
            sums[0, c] += total[c]
            sums[1, c] += squares[c]


@inlined
def respond(responses: Any, bias: Any, labels: Any) -> None:
    """Add the bias, find the first maximum, and turn the responses into the softmax.

    Parameters
    ----------
    responses : ndarray of float32, shape (N, q)
        Changed in place.
    bias : ndarray of float32, shape (q,)
    labels : ndarray of int64, shape (N,)
        Written, in [0, q).
    """
    q = responses.shape[1]
    for i in range(responses.shape[0]):
        row = responses[i]
        add_to((row, bias), (row,))
        largest = row[0]
        for c in range(q):
            largest = max(largest, row[c])
        label = np.int32(q)
        for c in range(q):
            label = min(label, np.int32(c) if row[c] == largest else np.int32(q))
        labels[i] = label
        # It is at least 1 but for responses that are no numbers, which who reads them refuses.
        _soften((row, largest), (row,))
        total = _ZERO
        for c in range(q):
            total += row[c]
        _scale((row, _ONE / max(total, _HALF)), (row,))


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


@compiled
def gate(
    products: FloatMap,
    start: int,
    slopes: FloatMap,
    offset: FloatMap,
    valid: NDArray[np.bool_],
    active: FloatMap,
    gradient: FloatMap,
    sums: NDArray[np.float64],
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
            _gate((y, a, slopes, offset, weight, total), (y, g, total))
        for c in range(total.size):
            sums[c] += total[c]


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
