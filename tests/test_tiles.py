from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.errors import UsageError
from nuriwake.raster import Window
from nuriwake.scale.tiles import TilePlan, choose_tile_shape, plan_tiles

sides = st.tuples(st.integers(1, 40), st.integers(1, 40))
plans = st.builds(plan_tiles, sides, sides, st.integers(0, 6), sides)


def numbered(shape: tuple[int, int]) -> np.ndarray:
    return np.arange(shape[0] * shape[1]).reshape(shape)


@given(plans)
def test_cutting_and_reassembling_is_the_identity(plan: TilePlan) -> None:
    image = numbered(plan.shape)
    rebuilt = np.full(plan.shape, -1)
    for tile in plan:
        assert (rebuilt[tile.core.slices] == -1).all(), "cores overlap"
        rebuilt[tile.core.slices] = image[tile.read.slices][tile.core_in_read.slices]
    np.testing.assert_array_equal(rebuilt, image)


@given(plans)
def test_what_is_read_holds_every_neighbour_within_the_halo(plan: TilePlan) -> None:
    for tile in plan:
        assert tile.read == tile.core.expand(plan.halo, within=plan.shape)
        missing_above = tile.core.row - tile.read.row
        assert missing_above == min(plan.halo, tile.core.row)


@given(plans)
def test_the_seams_are_exactly_the_neighbour_pairs_of_different_tiles(plan: TilePlan) -> None:
    owner = np.zeros(plan.shape, int)
    for tile in plan:
        owner[tile.core.slices] = tile.index
    pixels = numbered(plan.shape)
    expected = set()
    for a, b in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        cut = owner[a] != owner[b]
        expected |= set(zip(pixels[a][cut].tolist(), pixels[b][cut].tolist(), strict=True))
    found = []
    for seam in plan.seams():
        assert (owner[seam.before.slices] == seam.first).all()
        assert (owner[seam.after.slices] == seam.second).all()
        before, after = (pixels[w.slices].ravel().tolist() for w in (seam.before, seam.after))
        found += zip(before, after, strict=True)
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(sides, sides, sides)
def test_cores_start_where_blocks_start(shape, tile_shape, block_shape) -> None:
    plan = plan_tiles(shape, tile_shape, 0, block_shape)
    for axis in (0, 1):
        assert plan.tile_shape[axis] <= tile_shape[axis]
        if block_shape[axis] <= tile_shape[axis] and plan.grid[axis] > 1:
            assert plan.tile_shape[axis] % block_shape[axis] == 0


def test_a_plan_by_hand() -> None:
    plan = plan_tiles((5, 7), (3, 4), halo=1)
    assert [tile.core for tile in plan] == [
        Window(0, 0, 3, 4),
        Window(0, 4, 3, 3),
        Window(3, 0, 2, 4),
        Window(3, 4, 2, 3),
    ]
    assert plan[3].read == Window(2, 3, 3, 4)
    assert [(s.first, s.second, s.is_horizontal) for s in plan.seams()] == [
        (0, 1, False),
        (0, 2, True),
        (1, 3, True),
        (2, 3, False),
    ]
    with pytest.raises(IndexError, match="4 tiles"):
        plan[4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 3), (2, 2), 1), "`shape` must be two ints of at least 1"),
        (((3, 3), (2, 0), 1), "`tile_shape` must be two ints"),
        (((3, 3), (2, 2), -1), "`halo` must be an int of at least 0; got -1"),
    ],
)
def test_impossible_plans(arguments, message) -> None:
    with pytest.raises(UsageError, match=message):
        plan_tiles(*arguments)


@given(st.integers(1, 5000), sides, sides)
def test_a_chosen_tile_has_at_most_the_pixels_allowed(n_pixels, shape, block_shape) -> None:
    height, width = choose_tile_shape(n_pixels, shape, block_shape)
    assert 1 <= height * width <= n_pixels
    assert height <= shape[0]
    assert width <= shape[1]
