from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.errors import UsageError
from nuriwake.scale.overlaps import join_regions, match_over_seam
from nuriwake.scale.tile_components import label_components
from nuriwake.scale.tiles import TilePlan, plan_tiles
from oracles_scale import flood_components


def joined_map(plan: TilePlan, partitions: list[np.ndarray]) -> np.ndarray:
    matches = [
        (
            seam.first,
            seam.second,
            match_over_seam(plan, seam, partitions[seam.first], partitions[seam.second]),
        )
        for seam in plan.seams()
    ]
    joined = join_regions([int(partition.max()) for partition in partitions], matches)
    result = np.zeros(plan.shape, np.int32)
    for tile in plan:
        result[tile.core.slices] = joined.of_core(plan, tile.index, partitions[tile.index])
    return result


@given(
    st.tuples(st.integers(2, 30), st.integers(2, 30)),
    st.tuples(st.integers(2, 20), st.integers(2, 20)),
    st.integers(1, 6),
    st.integers(2, 6),
)
def test_regions_that_both_sides_see_alike_become_one(shape, tile_shape, halo, size) -> None:
    # Squares of a chess board: each is convex, so that no tile sees one in two pieces.
    rows, cols = (np.arange(n) // size for n in shape)
    board = (rows[:, None] * 1000 + cols[None, :] + 1).astype(np.int32)
    board[0, 0] = 0
    plan = plan_tiles(shape, tile_shape, halo)
    partitions = [label_components(board[tile.read.slices]) for tile in plan]
    found = joined_map(plan, partitions)
    np.testing.assert_array_equal(flood_components(found), flood_components(board))
    np.testing.assert_array_equal(label_components(found), flood_components(board))


def two_tiles(left: list[int], right: list[int]) -> np.ndarray:
    """One row of 8 pixels, cut in the middle, with a halo of 2: tiles see 0..5 and 2..7."""
    plan = TilePlan((1, 8), (1, 4), halo=2)
    return joined_map(plan, [np.array([left], np.int32), np.array([right], np.int32)])[0]


def test_half_of_the_smaller_is_enough() -> None:
    # In the overlap, pixels 2 to 5, the left region has 4 pixels, the right one 2, both shared.
    assert two_tiles([1, 1, 1, 1, 1, 1], [1, 1, 2, 2, 2, 2]).tolist() == [1] * 8


def test_less_than_half_is_not() -> None:
    # Region 2 of the left has 3 pixels there, region 2 of the right 3, of which 1 is common.
    plan = TilePlan((2, 8), (2, 4), halo=2)
    left = np.array([[1, 1, 1, 2, 3, 3], [1, 1, 2, 2, 3, 3]], np.int32)
    right = np.array([[1, 1, 2, 2, 3, 3], [1, 1, 1, 2, 3, 3]], np.int32)
    found = joined_map(plan, [left, right])
    assert found[0, 3] != found[0, 4]


def test_a_region_in_the_halo_only_joins_nothing() -> None:
    # The left tile sees one region right of the seam where the right tile sees two.
    found = two_tiles([1, 1, 1, 1, 2, 2], [1, 1, 2, 3, 3, 3])
    assert found.tolist() == [1, 1, 1, 1, *found[4:]]
    assert len({found[3], found[4], found[5]}) == 3


def test_tiles_without_halo() -> None:
    with pytest.raises(UsageError, match="`halo` must be an int of at least 1; got 0"):
        joined_map(TilePlan((2, 4), (2, 2), 0), [np.ones((2, 2), np.int32)] * 2)
