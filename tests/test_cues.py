"""Sums of cues against loops over pixels; the sums of tiles against those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import oracles_regions
from nuriwake.learn.view import pixel_scale
from nuriwake.regions import cues
from nuriwake.regions.components import connected_components
from nuriwake.regions.cues import grid_cues, sum_cues
from nuriwake.regions.evidence import texton_edges, texton_surprises
from nuriwake.regions.graph import region_graph
from nuriwake.settings import Settings

SETTINGS = Settings(recipe="fast")


def random_picture(seed=0, shape=(23, 31), n_bands=3):
    """A map of regions, colours, edges and what a grid of about a quarter of the pixels shows."""
    rng = np.random.default_rng(seed)
    base = connected_components(np.kron(rng.integers(1, 4, (6, 8)), np.ones((4, 4), int)))
    base = base[: shape[0], : shape[1]].astype(np.int32)
    base = connected_components(base)
    colours = (rng.random((*shape, n_bands)) * 60).astype(np.float32)
    edges = rng.random(shape).astype(np.float32)
    textons = rng.random((12, 16, 5)).astype(np.float32)
    textons /= textons.sum(axis=2, keepdims=True)
    texture = rng.random((12, 16, 3)).astype(np.float32)
    return base, colours, edges, grid_cues(textons, texture, SETTINGS)


def test_edges_of_the_grid_are_large_and_rare_changes():
    grid = random_picture()[3]
    smooth = gaussian_filter(grid.textons, (1.0, 1.0, 0))
    edges, surprises = texton_edges(grid.textons, 1.0), texton_surprises(grid.textons, smooth)
    ratio = grid.edges**2 / (edges * surprises)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_tones_equal_the_loop():
    base, colours, edges, grid = random_picture()
    found = sum_cues(region_graph(base), colours, edges, grid, SETTINGS).evidence().tones
    low, high = (0, -40, -50), (100, 50, 60)
    np.testing.assert_allclose(
        found, oracles_regions.tones_by_pixel(base, colours, low, high), atol=1e-6
    )
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


@pytest.mark.parametrize("shape", [(23, 31), (5, 7, 9)])
def test_jumps_equal_the_loop(shape):
    rng = np.random.default_rng(5)
    base = connected_components(rng.integers(1, 4, shape))
    values = rng.random((*base.shape, 2))
    graph = region_graph(base)
    found = graph.border_jumps(values, reach=2.5) / graph.lengths[:, np.newaxis]
    expected = oracles_regions.jumps_by_pixel(base, values, reach=2)
    for pair, jump in zip(graph.pairs.tolist(), found, strict=True):
        np.testing.assert_allclose(jump, expected[tuple(pair)])


def test_means_of_colours_and_roughness():
    base, colours, edges, grid = random_picture()
    evidence = sum_cues(region_graph(base), colours, edges, grid, SETTINGS).evidence()
    for k in range(evidence.colours.shape[0]):
        inside = base == k + 1
        np.testing.assert_allclose(evidence.colours[k], colours[inside].mean(axis=0) / 10, 1e-5)
        assert evidence.roughness[k] == pytest.approx(edges[inside].mean() / 10, rel=1e-5)
    np.testing.assert_allclose(evidence.textons.sum(axis=1), 1.0, rtol=1e-5)


def test_a_pixel_of_weight_three_counts_as_three():
    rng = np.random.default_rng(3)
    base, weights = np.array([[1, 1, 1, 2, 2]], np.int32), np.array([[1, 3, 2, 1, 2]], np.float32)
    colours = (rng.random((1, 5, 3)) * 60).astype(np.float32)
    grid = random_picture()[3]
    edges = np.zeros((1, 5), np.float32)
    found = sum_cues(region_graph(base), colours, edges, grid, SETTINGS, weights=weights)
    times = weights[0].astype(int)
    many = [np.repeat(x, times, axis=1) for x in (base, colours, edges)]
    expected = sum_cues(region_graph(many[0]), *many[1:], grid, SETTINGS)
    for name in ("areas", "colours", "tones", "roughness"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-5)


def test_lengths_are_of_the_reference_size():
    # The same picture with every pixel doubled: hands are read at the same places of the grid.
    base, colours, edges, grid = random_picture()
    small = sum_cues(region_graph(base), colours, edges, grid, SETTINGS).evidence()
    doubled = [np.kron(base, np.ones((2, 2), np.int32))]
    doubled += [np.repeat(np.repeat(x, 2, 0), 2, 1) for x in (colours, edges)]
    large = sum_cues(region_graph(doubled[0]), *doubled[1:], grid, SETTINGS).evidence()
    assert pixel_scale(doubled[0].shape) == pytest.approx(2 * pixel_scale(base.shape))
    np.testing.assert_allclose(large.texton_jumps, small.texton_jumps, atol=0.02)
    np.testing.assert_allclose(large.texture_jumps, small.texture_jumps, atol=0.02)
    np.testing.assert_allclose(large.tones, small.tones, atol=1e-6)


def test_the_leading_directions_keep_distances():
    rng = np.random.default_rng(0)
    field = (rng.random((9, 8, 3)) @ rng.random((3, 20))).astype(np.float32)
    turned = cues._leading(field, 4)
    assert turned.shape == (9, 8, 4)
    for one, other in (((0, 0), (8, 7)), ((3, 4), (5, 5))):
        expected = np.linalg.norm(field[one] - field[other])
        assert np.linalg.norm(turned[one] - turned[other]) == pytest.approx(expected, rel=1e-3)
