"""A priority queue whose items change their costs, for the merge of regions, compiled.

A heap of four children a node: each item has one entry, which moves when its cost changes, so that
no entry of an old cost is left behind.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined

#: A wide heap is flat: what it moves down, it moves past few nodes, whose children lie together.
_CHILDREN = 4


class Queue(NamedTuple):
    """Items 0..n-1, in the heap as long as they have not been taken.

    Parameters
    ----------
    costs : ndarray of float64, shape (n,)
    heap : ndarray of int64, shape (n,)
        Items; none is after its children, of equal costs the smaller item first.
    place : ndarray of int64, shape (n,)
        Where each item is in the heap.
    """

    costs: NDArray[np.float64]
    heap: NDArray[np.int64]
    place: NDArray[np.int64]


@compiled
def queue_of(costs: NDArray[np.float64]) -> Queue:
    """Put an item for each cost into a queue, which keeps the array.

    Examples
    --------
    >>> queue = queue_of(np.array([3.0, 1.0, 2.0]))
    >>> take_first(queue, 3), change_cost(queue, 0, 0.5, 2), take_first(queue, 2)
    (1, None, 0)
    """
    queue = Queue(costs, np.arange(costs.size), np.arange(costs.size))
    for spot in range(costs.size // _CHILDREN, -1, -1):
        if spot < costs.size:
            _sink(queue, spot, costs.size)
    return queue


@compiled
def take_first(queue: Queue, n: int) -> int:
    """Take the item of least cost out of a queue of n items; n - 1 are left."""
    first = queue.heap[0]
    _put(queue, queue.heap[n - 1], 0)
    _sink(queue, 0, n - 1)
    return int(first)


@compiled
def change_cost(queue: Queue, item: int, cost: float, n: int) -> None:
    """Give an item that is in a queue of n items another cost."""
    queue.costs[item] = cost
    spot = queue.place[item]
    while spot > 0:
        above = (spot - 1) // _CHILDREN
        if not _is_before(queue, item, queue.heap[above]):
            break
        _put(queue, queue.heap[above], spot)
        spot = above
    _put(queue, item, spot)
    _sink(queue, spot, n)


@compiled
def _sink(queue: Queue, spot: int, n: int) -> None:
    """Move the item at a spot down, as long as a child of it comes before it."""
    item = queue.heap[spot]
    while True:
        first = _CHILDREN * spot + 1
        least = item
        below = spot
        for child in range(first, min(first + _CHILDREN, n)):
            if _is_before(queue, queue.heap[child], least):
                least, below = queue.heap[child], child
        if below == spot:
            break
        _put(queue, least, spot)
        spot = below
    _put(queue, item, spot)


@inlined
def _is_before(queue: Queue, one: int, other: int) -> bool:
    a, b = queue.costs[one], queue.costs[other]
    return bool(a < b or (a == b and one < other))


@inlined
def _put(queue: Queue, item: int, spot: int) -> None:
    queue.heap[spot] = item
    queue.place[item] = spot
