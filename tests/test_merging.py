"""The heap against a dictionary that looks at every pair; groups that must not meet."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles_regions
from nuriwake.regions.components import connected_components
from nuriwake.regions.graph import region_graph
from nuriwake.regions.linkage import Evidence, Linkage, Things
from nuriwake.regions.merging import merge_regions

#: Number of regions, altitude, adaptation, gains of the textons and of the tones, powers of the
#: size and of the difference.
THINGS = (
    st.integers(2, 60),
    st.floats(0.1, 2),
    st.floats(0, 1),
    st.floats(0, 3),
    st.floats(0.3, 3),
    st.floats(0, 1),
    st.floats(0.5, 1),
)


def random_case(seed, n_textons=3, n_labels=5, n_jumps=2):
    rng = np.random.default_rng(seed)
    graph = region_graph(connected_components(rng.integers(0, n_labels, (7, 8))))
    textons, tones = rng.random((graph.n_regions, n_textons)), rng.random((graph.n_regions, 4))
    evidence = Evidence(
        colours=rng.random((graph.n_regions, 2)),
        textons=textons / textons.sum(axis=1, keepdims=True),
        tones=tones / tones.sum(axis=1, keepdims=True),
        roughness=rng.random(graph.n_regions),
        border=rng.random(graph.n_edges),
        texton_border=rng.random(graph.n_edges),
        texton_jumps=rng.normal(size=(graph.n_edges, n_jumps)),
        texture_jumps=rng.normal(size=(graph.n_edges, 1)),
    )
    return graph, evidence


def plain(colours, border) -> Evidence:
    """Evidence of colours and borders alone."""
    n, none = len(colours), np.zeros((len(colours), 0))
    border, no_jumps = np.array(border, float), np.zeros((len(border), 0))
    return Evidence(colours, none, none, np.zeros(n), border, 0 * border, no_jumps, no_jumps)


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
    st.floats(0, 4),
    st.floats(0, 1),
    st.integers(0, 2),
    st.sampled_from([2, 3]),
    st.none() | st.builds(Things, *THINGS),
)
def test_the_heap_equals_the_dictionary(
    seed, n_textons, size_power, border_power, roughness, contact_power, n_groups, n_axes, things
):
    graph, evidence = random_case(seed, n_textons)
    linkage = Linkage(
        size_power,
        0.1,
        border_power,
        2.0,
        1.0,
        roughness,
        contact_power,
        n_axes=n_axes,
        things=things,
    )
    groups = np.random.default_rng(seed).integers(0, n_groups + 1, graph.n_regions)
    merges, altitudes = merge_regions(graph, evidence, linkage, groups)
    expected, costs = oracles_regions.merge_by_dictionary(
        graph.areas / graph.areas.sum(),
        graph.pairs,
        graph.lengths / graph.areas.sum() ** (1 - 1 / n_axes),
        evidence,
        linkage,
        groups,
    )
    n_finite = int(np.isfinite(altitudes).sum())
    assert leaf_sets(graph.n_regions, merges)[:n_finite] == expected
    np.testing.assert_allclose(altitudes[:n_finite], np.maximum.accumulate(costs), rtol=1e-9)
    assert merges.shape == (graph.n_regions - 1, 2)


def test_the_input_is_left_alone():
    graph, evidence = random_case(3)
    before = copy.deepcopy(evidence)
    merge_regions(graph, evidence, Linkage(0.3, 0.1, 2.0, 1.0, 1.0, 1.0))
    for field in dataclasses.fields(Evidence):
        np.testing.assert_array_equal(getattr(evidence, field.name), getattr(before, field.name))


@pytest.mark.parametrize(
    ("border", "expected"),
    [([1.0, 1.0, 1.0], [0, 1]), ([9.0, 9.0, 1.0], [2, 3])],
    ids=["the closest colours", "the weakest border"],
)
def test_what_merges_first(border, expected):
    graph = region_graph(np.array([[1, 2, 3, 4]], np.int32))
    colours = np.array([[0.0], [1.0], [3.0], [5.0]])
    evidence = plain(colours, border)
    merges, _ = merge_regions(graph, evidence, Linkage(0.0, 0.0, 2.0, 0.0))
    assert merges[0].tolist() == expected


def test_different_groups_meet_at_infinity_only():
    graph = region_graph(np.array([[1, 2, 3, 4]], np.int32))
    evidence = plain(np.zeros((4, 1)), np.ones(3))
    merges, altitudes = merge_regions(
        graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0), np.array([7, 0, 0, 2])
    )
    assert np.isinf(altitudes).tolist() == [False, False, True]
    sides = leaf_sets(4, merges)[:2]
    assert not any({0, 3} <= side for side in sides)


def test_an_edge_counts_less_between_rough_regions():
    graph = region_graph(np.array([[1, 2, 3, 4]], np.int32))
    evidence = plain(np.arange(4.0)[:, np.newaxis], [1.0, 0.9, 1.0])
    linkage = Linkage(0.0, 0.0, 1.0, 0.0, 0.0, roughness=2.0)
    assert merge_regions(graph, evidence, linkage)[0][0].tolist() == [1, 2]
    # A border counts by the smoother of its two regions: 0 and 1 are both rough.
    rough = dataclasses.replace(evidence, roughness=np.array([1.0, 1.0, 0.0, 1.0]))
    assert merge_regions(graph, rough, linkage)[0][0].tolist() == [0, 1]


def test_a_long_common_border_merges_first():
    # 1 and 2 share four sides, 2 and 3 share one; all else is equal.
    base = np.array([[1, 2, 3], [1, 2, 0], [1, 2, 0], [1, 2, 0]], np.int32)
    graph = dataclasses.replace(region_graph(base), areas=np.ones(3))
    evidence = plain(np.arange(3.0)[:, np.newaxis], [1.0, 1.0])
    linkage = Linkage(0.0, 0.0, 1.0, 0.0, contact_power=0.5)
    merges, altitudes = merge_regions(graph, evidence, linkage)
    assert merges[0].tolist() == [0, 1]
    # h = (1 / 3) (1 / 3) / (2 / 3) of an image whose side is sqrt(3) pixels.
    assert altitudes[0] == pytest.approx((np.sqrt(1 / 6) / (4 / np.sqrt(3))) ** 0.5)
    # In a volume of three voxels, a side of which is 3 ** (1 / 3), four are a surface.
    solid = dataclasses.replace(linkage, n_axes=3)
    _, altitudes = merge_regions(graph, evidence, solid)
    assert altitudes[0] == pytest.approx(((1 / 6) ** (2 / 3) / (4 / 3 ** (2 / 3))) ** 0.5)


def test_opposite_jumps_cancel_where_borders_unite():
    # 0 and 1 merge first; their borders with 2 jump by +4 and by -4 along the way to it.
    graph = region_graph(np.array([[1, 2], [3, 3]], np.int32))
    assert graph.pairs.tolist() == [[0, 1], [0, 2], [1, 2]]
    colours = np.array([[0.0], [0.0], [1.0]])
    for jumps, expected in (([0, 4, -4], 0.0), ([0, 4, 4], 4.0)):
        evidence = dataclasses.replace(
            plain(colours, [0, 0, 0]), texton_jumps=np.array(jumps, float)[:, np.newaxis]
        )
        _, altitudes = merge_regions(graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0))
        assert altitudes.tolist() == [0.0, expected]
    # Ids the other way round: region 2 of three is now the first, and every jump is turned.
    graph = region_graph(np.array([[2, 3], [1, 1]], np.int32))
    evidence = dataclasses.replace(
        plain(colours[::-1], [0, 0, 0]), texton_jumps=np.array([[4.0], [-4.0], [0.0]])
    )
    assert merge_regions(graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0))[1].tolist() == [0.0, 0.0]


def test_up_to_the_automatic_altitude_things_change_nothing():
    changed = 0
    for seed in range(20):
        graph, evidence = random_case(seed)
        bare = Linkage(0.2, 0.1, 2.0, 2.0, 1.0, 1.0)
        merges, altitudes = merge_regions(graph, evidence, bare)
        finite = altitudes[np.isfinite(altitudes)]
        typical = finite[-8]  # leaves eight regions, and one for each other part
        things = dataclasses.replace(bare, things=Things(8, 1.2, 0.5, 3.0, 2.0, 0.6, 0.8))
        found, found_altitudes = merge_regions(graph, evidence, things)
        limit = 1.2 * typical**0.5
        n_patches = max(int((altitudes <= limit).sum()), len(finite) - 7)
        np.testing.assert_array_equal(found[:n_patches], merges[:n_patches])
        np.testing.assert_array_equal(found_altitudes[:n_patches], altitudes[:n_patches])
        assert (found_altitudes[n_patches:] > limit).all()
        assert (np.sort(found_altitudes) == found_altitudes).all()
        changed += not np.array_equal(found, merges)
    assert changed > 5


def test_a_mosaic_costs_what_its_scenes_do():
    graph, evidence = random_case(1)
    linkage = Linkage(0.3, 0.1, 2.0, 1.0, contact_power=0.2, size_limit=0.05)
    one = merge_regions(graph, evidence, linkage)
    four = merge_regions(graph, evidence, dataclasses.replace(linkage, scenes=4.0))
    np.testing.assert_array_equal(one[0], four[0])
    np.testing.assert_allclose(one[1] * 4**0.3, four[1])


def test_a_large_region_counts_as_one_of_the_limit():
    # Two pairs with the same colours and borders: one of large regions, one of small ones.
    graph = region_graph(np.array([[1] * 40 + [2] * 40, [0] * 80, [3] * 10 + [4] * 10 + [0] * 60]))
    colours = np.array([[0.0], [1.0], [0.0], [1.0]])
    none = np.zeros((4, 0))
    evidence = Evidence(
        colours, none, none, np.zeros(4), np.ones(2), np.zeros(2), *[np.zeros((2, 0))] * 2
    )
    free, limited = (
        merge_regions(graph, evidence, Linkage(0.5, 0.0, 1.0, 0.0, size_limit=limit))[1]
        for limit in (1.0, 0.05)
    )
    assert free[1] == pytest.approx(2 * free[0])
    assert limited[1] == pytest.approx(limited[0])


def test_what_may_not_merge_does_not_begin_the_things():
    # Without the check of the groups, the altitudes of some of these are too low.
    linkage = Linkage(0.2, 0.1, 2.0, 2.0, 1.0, 1.0, things=Things(12, 0.5, 0.5, 0.3, 1.0, 0.9, 0.5))
    for seed in range(25):
        graph, evidence = random_case(seed)
        groups = np.random.default_rng(seed).integers(0, 3, graph.n_regions)
        unit = graph.areas.sum()
        expected = oracles_regions.merge_by_dictionary(
            graph.areas / unit, graph.pairs, graph.lengths / unit**0.5, evidence, linkage, groups
        )
        _, altitudes = merge_regions(graph, evidence, linkage, groups)
        finite = altitudes[np.isfinite(altitudes)]
        np.testing.assert_allclose(finite, np.maximum.accumulate(expected[1]), rtol=1e-9)
