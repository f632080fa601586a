"""The heap against a dictionary that looks at every pair; groups that must not meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles_regions
from nuriwake.regions.components import connected_components
from nuriwake.regions.graph import region_graph
from nuriwake.regions.merging import Evidence, Linkage, merge_regions


def random_case(seed, n_textons=3, n_labels=5):
    rng = np.random.default_rng(seed)
    graph = region_graph(connected_components(rng.integers(0, n_labels, (7, 8))))
    textons = rng.random((graph.n_regions, n_textons))
    evidence = Evidence(
        border=rng.random(graph.n_edges),
        colours=rng.random((graph.n_regions, 2)),
        textons=textons / textons.sum(axis=1, keepdims=True),
    )
    return graph, evidence


def leaf_sets(n, merges):
    sets = [frozenset([i]) for i in range(n)]
    for one, other in merges.tolist():
        sets.append(sets[one] | sets[other])
    return sets[n:]


@given(
    st.integers(0, 10_000),
    st.sampled_from([0, 3]),
    st.floats(0, 1),
    st.floats(0, 3),
    st.integers(0, 2),
)
def test_the_heap_equals_the_dictionary(seed, n_textons, size_power, border_power, n_groups):
    graph, evidence = random_case(seed, n_textons)
    linkage = Linkage(size_power, 0.1, border_power, 2.0)
    groups = np.random.default_rng(seed).integers(0, n_groups + 1, graph.n_regions)
    merges, altitudes = merge_regions(graph, evidence, linkage, groups)
    expected, costs = oracles_regions.merge_by_dictionary(
        graph.areas / graph.areas.sum(), graph.pairs, graph.lengths, evidence, linkage, groups
    )
    n_finite = int(np.isfinite(altitudes).sum())
    assert leaf_sets(graph.n_regions, merges)[:n_finite] == expected
    np.testing.assert_allclose(altitudes[:n_finite], np.maximum.accumulate(costs), rtol=1e-9)
    assert merges.shape == (graph.n_regions - 1, 2)


def test_the_input_is_left_alone():
    graph, evidence = random_case(3)
    before = [array.copy() for array in (evidence.border, evidence.colours, evidence.textons)]
    merge_regions(graph, evidence, Linkage(0.3, 0.1, 2.0, 1.0))
    for array, old in zip(
        (evidence.border, evidence.colours, evidence.textons), before, strict=True
    ):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize(
    ("border", "expected"),
    [([1.0, 1.0, 1.0], [0, 1]), ([9.0, 9.0, 1.0], [2, 3])],
    ids=["the closest colours", "the weakest border"],
)
def test_what_merges_first(border, expected):
    graph = region_graph(np.array([[1, 2, 3, 4]], np.int32))
    colours = np.array([[0.0], [1.0], [3.0], [5.0]])
    evidence = Evidence(np.array(border), colours, np.zeros((4, 0)))
    merges, _ = merge_regions(graph, evidence, Linkage(0.0, 0.0, 2.0, 0.0))
    assert merges[0].tolist() == expected


def test_different_groups_meet_at_infinity_only():
    graph = region_graph(np.array([[1, 2, 3, 4]], np.int32))
    evidence = Evidence(np.ones(3), np.zeros((4, 1)), np.zeros((4, 0)))
    merges, altitudes = merge_regions(
        graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0), np.array([7, 0, 0, 2])
    )
    assert np.isinf(altitudes).tolist() == [False, False, True]
    sides = leaf_sets(4, merges)[:2]
    assert not any({0, 3} <= side for side in sides)
