"""Altitudes that mean the same in pictures of every kind and scenes of every size."""

from __future__ import annotations

import numpy as np

from nuriwake.recipes.growing import calibrated, grow_tree
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
