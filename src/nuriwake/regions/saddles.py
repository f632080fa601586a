"""Where two leaves of a tree meet."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Merges(Protocol):
    """The merges of a tree; see :class:`.tree.MergeTree`."""

    @property
    def merges(self) -> NDArray[np.int32]:
        """Which two nodes each merge joins, shape (n - 1, 2)."""

    @property
    def altitudes(self) -> NDArray[np.float64]:
        """What each merge costs, shape (n - 1,)."""

    @property
    def n_leaves(self) -> int:
        """How many leaves there are, n."""


class Saddles:
    """Altitudes at which two leaves meet, for many pairs at once.

    With the leaves in the order of the drawn tree, two leaves meet at the highest of the merges
    that lie between them: a range maximum, answered from a table of powers of two.

    Parameters
    ----------
    tree : Merges
    """

    def __init__(self, tree: Merges) -> None:
        self._place, heights = _in_drawing_order(tree)
        self._table = [heights]
        step = 1
        while 2 * step <= heights.size:
            last = self._table[-1]
            self._table.append(np.maximum(last[:-step], last[step:]))
            step *= 2

    def between(self, one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float64]:
        """Altitude where leaves ``one[i]`` and ``other[i]`` (from 0, different) meet."""
        places = np.sort(np.stack([self._place[one], self._place[other]]), axis=0)
        level = np.log2(places[1] - places[0]).astype(np.int64)
        result = np.empty(places.shape[1])
        for i in np.unique(level):
            here = level == i
            start, end = places[0, here], places[1, here]
            result[here] = np.maximum(self._table[i][start], self._table[i][end - 2**i])
        return result


def _in_drawing_order(tree: Merges) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Place of each leaf when no branches cross, and the altitude between neighbours there."""
    n = tree.n_leaves
    merges = tree.merges.tolist()
    size = [1] * n
    for left, right in merges:
        size.append(size[left] + size[right])
    place = [0] * len(size)
    heights = np.zeros(max(n - 1, 0))
    for k in range(n - 2, -1, -1):
        left, right = merges[k]
        place[left] = place[n + k]
        place[right] = place[n + k] + size[left]
        heights[place[right] - 1] = tree.altitudes[k]
    return np.array(place[:n]), heights
