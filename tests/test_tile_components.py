"""Connected components against a flood."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles_regions
from nuriwake.regions.components import (
    connected_components,
    number_by_appearance,
)

MAPS = hnp.arrays(
    np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)
)


@given(MAPS)
def test_components_equal_the_flood(labels):
    found = connected_components(labels)
    np.testing.assert_array_equal(found, oracles_regions.flood_components(labels))


@given(MAPS)
def test_numbers_appear_in_order(labels):
    numbered = number_by_appearance(labels)
    first = [np.flatnonzero(numbered == k)[0] for k in range(1, numbered.max(initial=0) + 1)]
    assert first == sorted(first)
    np.testing.assert_array_equal(numbered == 0, labels == 0)
