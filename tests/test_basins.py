"""Basins are connected, cover what is valid, and meet on the crests."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles_regions
from nuriwake.regions.basins import catchment_basins

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)


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
    around = np.pad(edges, 1, constant_values=edges.max() + 1)
    lowest = np.minimum.reduce(
        [around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]]
    )
    assert sorted(basins[edges < lowest]) == list(range(1, basins.max() + 1))


def test_a_flat_map_is_one_basin():
    assert catchment_basins(np.ones((5, 7), np.float32), np.ones((5, 7), bool)).max() == 1


def test_a_crest_divides():
    edges = np.zeros((6, 9), np.float32)
    edges[:, 4] = 3
    basins = catchment_basins(edges, np.ones((6, 9), bool))
    assert basins.max() == 2
    assert (basins[:, :4] == 1).all()
    assert (basins[:, 5:] == 2).all()
