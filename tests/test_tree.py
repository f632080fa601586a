"""Cuts are nested, connected and of the exact number; contours are the borders of the cuts."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles_regions
from nuriwake.errors import UsageError
from nuriwake.regions.linkage import Linkage
from nuriwake.regions.merging import merge_regions
from nuriwake.regions.tree import RegionTree
from test_merging import random_case


def random_tree(seed, n_labels=5):
    graph, evidence = random_case(seed, n_labels=n_labels)
    merges, altitudes = merge_regions(graph, evidence, Linkage(0.3, 0.1, 2.0, 1.0))
    return RegionTree(graph.base, merges, altitudes)


@given(st.integers(0, 10_000))
def test_every_count_is_exact_connected_and_nested(seed):
    tree = random_tree(seed)
    n_islands = int(np.isinf(tree.altitudes).sum()) + 1
    finer = None
    for n in range(tree.n_leaves, 0, -1):
        parts = tree.cut(n)
        assert np.array_equal(np.unique(parts[parts > 0]), np.arange(1, n + 1))
        np.testing.assert_array_equal(parts == 0, tree.base == 0)
        if n >= n_islands:
            np.testing.assert_array_equal(parts, oracles_regions.flood_components(parts))
        if finer is not None:
            assert len(np.unique(np.stack([finer, parts])[:, parts > 0], axis=1).T) == n + 1
        finer = parts


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_contours_are_the_borders_of_the_cut(seed, share):
    tree = random_tree(seed)
    finite = tree.altitudes[np.isfinite(tree.altitudes)]
    altitude = float(np.quantile(finite, share)) if finite.size else 0.0
    parts = np.pad(tree.cut(altitude=altitude), ((0, 1), (0, 1)))
    here = parts[:-1, :-1]
    differs = [
        (here != next_) & (here > 0) & (next_ > 0) for next_ in (parts[:-1, 1:], parts[1:, :-1])
    ]
    np.testing.assert_array_equal(tree.contours() > altitude, differs[0] | differs[1])


def test_islands_join_last():
    base = np.array([[1, 2, 0, 3], [1, 2, 0, 3]], np.int32)
    tree = RegionTree(base, np.array([[0, 1], [2, 3]]), np.array([0.5, np.inf]))
    assert tree.count_at(1e9) == 2
    assert tree.cut(1).tolist() == [[1, 1, 0, 1]] * 2


def test_the_automatic_cut_is_at_its_altitude():
    tree = random_tree(5).with_automatic_altitude(0.2)
    np.testing.assert_array_equal(tree.cut(), tree.cut(altitude=0.2))
    assert tree.automatic_n_regions == tree.cut().max()


@pytest.mark.parametrize("n_regions", [0, 4, -1, 2.5, True, "auto", [1]])
def test_numbers_out_of_range(n_regions):
    tree = RegionTree(np.array([[1, 2, 3]]), np.array([[0, 1], [2, 3]]), np.array([1.0, 2.0]))
    with pytest.raises(UsageError, match=r"`n_regions` must be an int in \[1, 3\]; got"):
        tree.cut(n_regions)


def test_scribbles_set_the_least_number():
    tree = RegionTree(
        np.array([[1, 2, 3]]), np.array([[0, 1], [2, 3]]), np.array([1.0, np.inf]), min_regions=2
    )
    assert tree.cut(altitude=np.inf).max() == 2
    with pytest.raises(UsageError, match="scribbles keep 2 apart"):
        tree.cut(1)


def test_count_and_altitude_together_are_refused():
    with pytest.raises(UsageError, match="not both"):
        random_tree(0).cut(2, altitude=1.0)


def test_one_leaf():
    tree = RegionTree(np.array([[1, 0]], np.int32), np.empty((0, 2), np.int32), np.empty(0))
    assert tree.cut(1).tolist() == tree.cut().tolist() == [[1, 0]]
    assert tree.contours().tolist() == [[0, 0]]


def speckled() -> RegionTree:
    """A row of five leaves of 6, 1, 6, 1 and 6 pixels; both specks go with their left neighbour."""
    base = np.repeat(np.arange(1, 6), [6, 1, 6, 1, 6])[np.newaxis].astype(np.int32)
    merges = np.array([[0, 1], [2, 3], [5, 6], [4, 7]])
    return RegionTree(
        base, merges, np.array([2.0, 3.0, 5.0, 9.0]), 1.0, speck_pixels=2.0, detail_unit=1.0
    )


def test_specks_join_in_the_automatic_cut_only():
    tree = speckled()
    # Neither merge costs as little as 1, but each takes in a speck that stands less than 4 high.
    assert tree.count_at(1.0) == 5
    assert tree.automatic_n_regions == 3
    assert tree.cut().tolist() == [[1] * 7 + [2] * 7 + [3] * 6]
    assert tree.cut(altitude=1.0).max() == 5
    assert tree.cut(4).tolist() == [[1] * 7 + [2] * 6 + [3] + [4] * 6]


def test_a_speck_that_stands_out_stays():
    tree = speckled().with_automatic_altitude(0.6)
    assert tree.cut().tolist() == [[1] * 7 + [2] * 6 + [3] + [4] * 6]  # 2 < 4 * 0.6 < 3


@given(st.integers(0, 10_000), st.integers(0, 9))
def test_no_speck_is_left_that_could_have_joined(seed, speck):
    tree = random_tree(seed)
    smaller = RegionTree(tree.base, tree.merges, tree.altitudes, speck_pixels=speck).without_specks
    assert smaller.altitudes.tolist() == sorted(smaller.altitudes)
    assert (smaller.altitudes <= tree.altitudes).all()
    for n in range(1, tree.n_leaves + 1):
        parts = smaller.cut(n)
        assert parts.max() == n
        if n > np.isinf(tree.altitudes).sum():
            np.testing.assert_array_equal(parts, oracles_regions.flood_components(parts))


def test_details_are_nested_and_coarser_in_turn():
    graph, evidence = random_case(3, n_labels=9)
    merges, altitudes = merge_regions(graph, evidence, Linkage(0.3, 0.1, 2.0, 1.0))
    unit = float(np.quantile(altitudes, 0.3))
    tree = RegionTree(graph.base, merges, altitudes, speck_pixels=2.0, detail_unit=unit)
    cuts = [tree.cut(detail=detail) for detail in ("fine", "medium", "coarse")]
    assert [cut.max() for cut in cuts] == [tree.count(d) for d in ("fine", "medium", "coarse")]
    assert cuts[0].max() > cuts[1].max() > cuts[2].max()
    for finer, coarser in itertools.pairwise(cuts):
        inside = tree.base > 0
        pairs = np.unique(np.stack([finer, coarser])[:, inside], axis=1)
        assert pairs.shape[1] == finer.max()


def test_a_detail_beside_a_number_or_of_no_name():
    with pytest.raises(UsageError, match="not two of them"):
        random_tree(0).cut(2, detail="fine")
    for detail in ("all", ["fine"], 1):
        with pytest.raises(UsageError, match="`detail` must be one of fine, medium, coarse; got"):
            random_tree(0).cut(detail=detail)


def test_cutting_needs_no_compiler():
    code = "import sys, nuriwake.regions.tree; print({'numba', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
