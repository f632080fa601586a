"""The queue of the merge against a plain search for the least cost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.regions.queue import change_cost, queue_of, take_first

#: Few different ones, so that many are equal.
COSTS = st.integers(0, 5).map(float)


@given(st.lists(COSTS, max_size=40), st.lists(st.tuples(st.integers(0, 39), COSTS)))
def test_items_come_in_the_order_of_their_costs_of_now(costs, changes):
    queue, left = queue_of(np.array(costs, np.float64)), dict(enumerate(costs))
    while left:
        for item, cost in changes[: len(changes) // 2 + 1]:
            if item in left:
                left[item] = cost
                change_cost(queue, item, cost, len(left))
        changes = changes[len(changes) // 2 + 1 :]
        first = take_first(queue, len(left))
        assert first == min(left, key=lambda item: (left[item], item))
        del left[first]
