"""Connected components against a flood; small regions go to the closest neighbour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles_regions
from nuriwake.errors import UsageError
from nuriwake.regions.components import (
    absorb_small_regions,
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


@given(MAPS, st.integers(1, 6))
def test_what_stays_small_has_no_neighbour(labels, min_pixels):
    regions = connected_components(labels)
    rng = np.random.default_rng(0)
    kept = absorb_small_regions(regions, rng.random((*labels.shape, 2)), min_pixels)
    np.testing.assert_array_equal(kept == 0, labels == 0)
    np.testing.assert_array_equal(kept, oracles_regions.flood_components(kept))
    touching = {k for pair in oracles_regions.borders_by_pixel(kept, kept) for k in pair}
    sizes = np.bincount(kept.ravel())[1:]
    assert all(sizes[k] >= min_pixels for k in touching)


def test_a_speck_goes_to_the_closest_colour():
    regions = np.array([[1, 1, 1, 2, 3, 3, 3]], np.int32)
    image = np.array([0, 0, 0, 0.6, 1, 1, 1])[np.newaxis, :, np.newaxis]
    assert absorb_small_regions(regions, image, 2).tolist() == [[1, 1, 1, 2, 2, 2, 2]]


def test_min_pixels_is_checked():
    with pytest.raises(UsageError, match="`min_pixels` must be an int of at least 1; got 0"):
        absorb_small_regions(np.ones((2, 2), np.int32), np.zeros((2, 2, 1)), 0)
