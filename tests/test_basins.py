"""Basins are connected, cover what is valid, and meet on the crests."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles_regions
from nuriwake.regions.basins import catchment_basins

SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, max_side=9)


@given(st.data())
def test_basins_are_connected_and_cover_what_is_valid(data):
    shape = data.draw(SHAPES)
    edges = data.draw(hnp.arrays(np.float32, shape, elements=st.integers(0, 4)))
    valid = data.draw(hnp.arrays(bool, shape))
    basins = catchment_basins(edges, valid)
    np.testing.assert_array_equal(basins > 0, valid)
    np.testing.assert_array_equal(basins, oracles_regions.flood_components(basins))


@given(SHAPES, st.integers(0, 10_000))
def test_every_low_has_its_own_basin(shape, seed):
    edges = np.random.default_rng(seed).permutation(np.prod(shape)).reshape(shape)
    basins = catchment_basins(edges.astype(np.float32), np.ones(shape, bool))
    lows = [
        place
        for place in np.ndindex(shape)
        if all(edges[place] < edges[n] for n in oracles_regions.neighbours(place, shape))
    ]
    assert sorted(basins[place] for place in lows) == list(range(1, basins.max() + 1))


@given(SHAPES, st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (1.0, 2.0, 0.5)]))
def test_water_takes_the_steepest_way(shape, steps):
    steps = steps[: len(shape)]
    edges = np.random.default_rng(7).random(shape).astype(np.float32)
    basins = catchment_basins(edges, np.ones(shape, bool), steps)
    low = oracles_regions.basins_by_walking(edges.astype(float), steps)
    for place, end in low.items():
        assert basins[place] == basins[end]
    assert basins.max() == len(set(low.values()))


def test_a_long_way_down_is_no_steep_one():
    # The slice above is lower than the pixel to the right, and three times as far away.
    edges = np.array([[[0.0, 2.0, 9.0]], [[9.0, 3.0, 1.9]]], np.float32)
    ways = [catchment_basins(edges, np.ones((2, 1, 3), bool), (dz, 1, 1)) for dz in (1, 3)]
    assert ways[0][1, 0, 1] == ways[0][1, 0, 2]
    assert ways[1][1, 0, 1] == ways[1][1, 0, 2]
    edges[1, 0, 2] = 2.5
    near, far = (catchment_basins(edges, np.ones((2, 1, 3), bool), (dz, 1, 1)) for dz in (1, 3))
    assert near[1, 0, 1] == near[0, 0, 1]
    assert far[1, 0, 1] == far[1, 0, 2]


def test_a_flat_map_is_one_basin():
    assert catchment_basins(np.ones((5, 7), np.float32), np.ones((5, 7), bool)).max() == 1


def test_a_crest_divides():
    edges = np.zeros((6, 9), np.float32)
    edges[:, 4] = 3
    basins = catchment_basins(edges, np.ones((6, 9), bool))
    assert basins.max() == 2
    assert (basins[:, :4] == 1).all()
    assert (basins[:, 5:] == 2).all()
