"""Altitudes that mean the same in pictures of every kind and scenes of every size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.recipes.growing import calibrated, grow_tree, spread
from nuriwake.regions.graph import RegionGraph, region_graph
from nuriwake.regions.linkage import Evidence
from nuriwake.settings import Settings


def test_full_adaptation_leaves_the_same_number_in_every_image():
    rng = np.random.default_rng(0)
    for contrast in (0.1, 30.0):
        altitudes = calibrated(np.sort(rng.random(400)) * contrast, adaptation=1.0)
        assert np.count_nonzero(altitudes > 1.0) == 99  # so 100 regions
    np.testing.assert_array_equal(calibrated(altitudes, adaptation=0.0), altitudes)
    assert calibrated(np.zeros(5), adaptation=0.5).tolist() == [0.0] * 5
    assert calibrated(np.empty(0), adaptation=0.5).size == 0


@given(
    st.lists(st.floats(0, 1e6) | st.just(np.inf), max_size=30),
    st.just(0.0) | st.floats(1e-6, 1e3),
    st.floats(0, 1),
    st.integers(1, 60),
)
def test_the_spread_keeps_the_order_and_the_automatic_cut(
    altitudes, automatic, exponent, n_typical
):
    before = np.sort(altitudes)
    after = spread(before, automatic, exponent, n_typical)
    is_patch = before <= automatic
    np.testing.assert_array_equal(after[is_patch], before[is_patch])
    assert (after[~is_patch] > automatic).all()
    assert (np.diff(after[np.isfinite(after)]) >= 0).all()
    np.testing.assert_array_equal(np.isinf(after), np.isinf(before))


def test_a_picture_that_shows_more_keeps_more():
    steps = np.array([0.5, 1.5, 3.0, 6.0])
    few, typical, many = (spread(steps, 1.0, 0.5, n) for n in (16, 4, 1))
    np.testing.assert_allclose(typical, steps)
    np.testing.assert_allclose(few[1:], steps[1:] ** 0.5)
    np.testing.assert_allclose(many[1:], steps[1:] ** 2)


def fields(n_copies: int) -> tuple[RegionGraph, Evidence]:
    """So many copies of one picture of 400 fields, side by side, with no data between them."""
    grey = np.random.default_rng(3).random(400)
    one = np.kron(np.arange(1, 401).reshape(20, 20), np.ones((4, 4), int))
    copies = [np.pad(one + 400 * k, ((0, 0), (0, 1))) for k in range(n_copies)]
    graph = region_graph(np.concatenate(copies, axis=1).astype(np.int32))
    colours = np.tile(grey, n_copies)[:, np.newaxis]
    none, jumps = np.zeros((colours.size, 0)), np.zeros((graph.n_edges, 0))
    borders = np.ones(graph.n_edges), np.zeros(graph.n_edges), jumps, jumps
    return graph, Evidence(colours, none, none, np.zeros(colours.size), *borders)


def test_what_is_larger_than_a_scene_is_cut_as_so_many_scenes() -> None:
    settings = Settings(recipe="fast", speck_size=500.0, adaptation=0.5, altitude=0.15)
    one, four = (
        grow_tree(*fields(n), settings, scene_pixels=6400.0) for n in (1, 4)
    )  # fmt: skip
    assert four.speck_pixels == one.speck_pixels > 0
    for detail in (None, "fine", "medium"):
        assert 1 < one.count(detail) < 400
        assert four.count(detail) == 4 * one.count(detail)
    as_one = grow_tree(*fields(4), settings, scene_pixels=np.inf)
    assert as_one.count("fine") < 3 * one.count("fine")


def textured(n_copies: int) -> tuple[RegionGraph, Evidence]:
    """The same fields, of three textons."""
    graph, evidence = fields(n_copies)
    rng = np.random.default_rng(8)
    textons = np.tile(rng.dirichlet([0.3] * 3, 400), (n_copies, 1))
    border = rng.random(graph.n_edges)
    return graph, replace(evidence, textons=textons, texton_border=border, border=1 - border)


@pytest.mark.parametrize("n_scenes", [1, 4])
@pytest.mark.parametrize("is_scribbled", [False, True])
def test_things_are_what_lies_above_the_automatic_altitude(n_scenes, is_scribbled):
    graph, evidence = textured(n_scenes)
    groups = np.zeros(graph.n_regions, int)
    groups[[3, 250]] = (1, 2) if is_scribbled else 0
    patches, things = (
        grow_tree(
            graph,
            evidence,
            Settings(
                recipe="fast",
                altitude=0.72,
                thing_textons=textons,
                thing_tones=tones,
                thing_size_power=size_power,
                thing_difference_power=power,
            ),
            groups,
            scene_pixels=6400.0,
        )
        for textons, tones, size_power, power in ((1.0, 1.0, 0.15, 0.5), (3.0, 3.0, 0.5, 0.8))
    )
    assert 2 < patches.count(None) < 100 * n_scenes
    for altitude in (0.4, 0.6, 0.72):
        np.testing.assert_array_equal(things.cut(altitude=altitude), patches.cut(altitude=altitude))
    n = patches.count(None) // 2
    assert not np.array_equal(things.cut(n), patches.cut(n))
    bare = grow_tree(
        graph, evidence, Settings(recipe="fast"), groups, scene_pixels=6400.0, has_things=False
    )
    np.testing.assert_array_equal(bare.merges, patches.merges)
