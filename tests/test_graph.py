"""The adjacency graph against a loop over pixels; maps of two resolutions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles_regions
from nuriwake.regions.components import connected_components
from nuriwake.regions.graph import Frame, region_graph

MAPS = hnp.arrays(
    np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.integers(0, 3)
)


@given(MAPS)
def test_graph_equals_the_loop(labels):
    base = connected_components(labels)
    values = np.random.default_rng(1).random(base.shape)
    graph = region_graph(base)
    expected = oracles_regions.borders_by_pixel(base, values)
    assert [tuple(pair) for pair in graph.pairs.tolist()] == sorted(expected)
    assert graph.lengths.tolist() == [len(expected[key]) for key in sorted(expected)]
    means = [np.mean(expected[key]) for key in sorted(expected)]
    np.testing.assert_allclose(graph.border_mean(values), means)
    regions = range(1, graph.n_regions + 1)
    inside = [values[base == k].mean() for k in regions]
    np.testing.assert_allclose(graph.region_mean(values[..., np.newaxis])[:, 0], inside)
    assert graph.areas.tolist() == [(base == k).sum() for k in regions]


def test_a_coarse_map_is_read_as_if_it_were_blown_up():
    # A ramp keeps its values between cell centres: cell i of 4 pixels is centred at 4 i + 1.5.
    coarse = np.tile(np.arange(6.0) * 4 + 1.5, (3, 1))
    base = np.repeat([[1] * 7 + [2] * 10 + [3] * 7], 12, axis=0).astype(np.int32)
    graph = region_graph(base)
    np.testing.assert_allclose(graph.border_mean(coarse), [6.5, 16.5])
    np.testing.assert_allclose(graph.region_mean(coarse[:, :, np.newaxis])[1, 0], 11.5)


def test_a_coarse_map_is_read_in_depth_too():
    # A ramp over the slices: cell i of 3 slices is centred at 3 i + 1.
    coarse = np.tile((np.arange(4.0) * 3 + 1)[:, np.newaxis, np.newaxis], (1, 2, 5))
    base = np.repeat([1] * 5 + [2] * 7, 6 * 10).reshape(12, 6, 10).astype(np.int32)
    graph = region_graph(base)
    assert graph.lengths.tolist() == [60.0]
    np.testing.assert_allclose(graph.border_mean(coarse), [4.5])
    # Slices before the centre of the first cell, and behind that of the last, have its value.
    inside = np.clip(np.arange(12.0), 1, 10)
    means = [inside[:5].mean(), inside[5:].mean()]
    np.testing.assert_allclose(graph.region_mean(coarse[..., np.newaxis])[:, 0], means)


@given(hnp.array_shapes(min_dims=3, max_dims=3, max_side=6), st.permutations(range(3)))
def test_axes_are_alike(shape, order):
    rng = np.random.default_rng(3)
    base = connected_components(rng.integers(1, 4, shape))
    values = rng.random(shape)
    frame = Frame((0, 0, 0), shape, (3.0, 1.0, 2.0))
    turned = Frame((0, 0, 0), tuple(shape[k] for k in order), tuple(frame.steps[k] for k in order))
    one, other = region_graph(base), region_graph(base.transpose(order).copy())
    assert one.pairs.tolist() == other.pairs.tolist()
    assert one.lengths.tolist() == other.lengths.tolist()
    for graph, field, place in ((one, values, frame), (other, values.transpose(order), turned)):
        jumps = graph.border_jumps(field[..., np.newaxis], 3.0, place)
        if graph is one:
            expected = jumps
    np.testing.assert_allclose(jumps, expected, atol=1e-12)
