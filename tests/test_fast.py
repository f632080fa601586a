"""The recipe fast on pictures that a person can segment, and on inputs of every kind."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import oracles_regions
from nuriwake.learn.normalise import band_statistics, normalise
from nuriwake.recipes.fast import (
    colour_edges,
    fast_labels,
    fast_steps,
    scribbled_leaves,
)
from nuriwake.recipes.found import Found
from nuriwake.regions.basins import catchment_basins
from nuriwake.settings import Settings


def run(image, valid=None, scribbles=None, **settings) -> tuple[Found, int]:
    image = image if image.ndim == 3 else image[:, :, np.newaxis]
    valid = np.ones(image.shape[:2], bool) if valid is None else valid
    unit = normalise(image, valid, band_statistics(image, valid))
    chosen = Settings(
        recipe="fast", **({"max_iter": 5, "n_channels": 16, "max_labels": 8} | settings)
    )
    steps = fast_steps(unit, valid, chosen, scribbles)
    n_steps = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, n_steps
        n_steps += 1


def test_three_blocks_are_three_regions(blocks):
    result, n_steps = run(blocks, max_iter=10)
    parts = result.tree.cut(3)
    assert 1 <= n_steps <= 10
    for inside in (np.s_[2:-2, 2:14], np.s_[2:10, 18:-2], np.s_[14:-2, 18:-2]):
        assert len(np.unique(parts[inside])) == 1
    assert len({parts[4, 4], parts[4, 24], parts[20, 24]}) == 3


def test_the_same_seed_gives_the_same_tree(blocks):
    one, two = (run(blocks, seed=3)[0] for _ in range(2))
    np.testing.assert_array_equal(one.tree.merges, two.tree.merges)
    np.testing.assert_array_equal(one.tree.altitudes, two.tree.altitudes)


def test_a_second_thread_changes_no_bit_and_ends_with_the_run(blocks, monkeypatch):
    threads = []
    find = catchment_basins

    def found(*args):
        threads.append(threading.current_thread().name)
        return find(*args)

    monkeypatch.setattr("nuriwake.recipes.fast.catchment_basins", found)
    one, two = (run(blocks, threads=n)[0] for n in (1, 2))
    assert threads[0] == threading.current_thread().name
    assert "beside" in threads[1]
    for tree, other in ((one.tree, two.tree), (one.label_tree, two.label_tree)):
        for name in ("base", "merges", "altitudes"):
            np.testing.assert_array_equal(getattr(tree, name), getattr(other, name))
    np.testing.assert_array_equal(one.own_labels, two.own_labels)
    np.testing.assert_array_equal(one.confidence, two.confidence)


def test_who_stops_reading_leaves_no_thread(blocks):
    valid = np.ones(blocks.shape[:2], bool)
    unit = normalise(blocks, valid, band_statistics(blocks, valid))
    steps = fast_steps(unit, valid, Settings(threads=2))
    next(steps)
    steps.close()
    assert not [each for each in threading.enumerate() if "beside" in each.name]


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (23, 17), (23, 17, 2), (23, 17, 7)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("is_constant", [True, False], ids=["constant", "noise"])
def test_every_kind_of_input(shape, dtype, is_constant):
    rng = np.random.default_rng(0)
    image = (np.full(shape, 77.0) if is_constant else rng.random(shape) * 200).astype(dtype)
    result, _ = run(image, max_iter=2)
    assert result.tree.base.min() == 1
    for tree in (result.tree, result.label_tree):
        for n in {1, (tree.n_leaves + 1) // 2, tree.n_leaves}:
            assert len(np.unique(tree.cut(n))) == n
    assert result.confidence.shape == shape[:2]
    assert np.isfinite(result.tree.altitudes).all()
    assert (result.tree.n_leaves == 1) or not is_constant
    assert result.confidence.min() >= 0
    assert result.confidence.max() <= 1


def test_nodata_separates_islands(blocks):
    valid = np.ones(blocks.shape[:2], bool)
    valid[:, 15:17] = False
    result, _ = run(blocks, valid)
    tree = result.tree
    for map_ in (tree.base, tree.cut(2), result.own_labels, result.confidence):
        np.testing.assert_array_equal(map_ == 0, ~valid)
    two = tree.cut(2)
    assert len(np.unique(two[:, :15])) == len(np.unique(two[:, 17:])) == 1
    assert tree.count_at(np.finfo(float).max) == 2
    assert tree.cut(1).max() == 1


def test_labels_are_numbered_by_size(blocks):
    result, _ = run(blocks, max_iter=10)
    sizes = np.bincount(result.own_labels.ravel())[1:]
    assert sizes.argmax() == 0
    assert result.label_tree.n_leaves == np.count_nonzero(sizes)
    for label in np.flatnonzero(sizes) + 1:
        assert len(np.unique(result.label_tree.base[result.own_labels == label])) == 1


def test_the_trained_network_labels_its_own_image_alike(blocks):
    result, _ = run(blocks, max_iter=10)
    valid = np.ones(blocks.shape[:2], bool)
    settings = Settings(recipe="fast")
    unit = normalise(blocks, valid, band_statistics(blocks, valid))
    labels, confidence = fast_labels(result.weights, unit, valid, settings)
    assert (labels == result.own_labels).mean() > 0.99
    np.testing.assert_allclose(confidence, result.confidence, atol=0.05)


def test_scribbles_are_kept_apart(blocks):
    scribbles = np.zeros(blocks.shape[:2], np.int32)
    scribbles[3, 3:9] = 1
    scribbles[20, 3:9] = 2
    result, _ = run(blocks, scribbles=scribbles)
    parts = result.tree.cut(2)
    assert parts[3, 4] != parts[20, 4]
    assert result.tree.min_regions == 2
    np.testing.assert_array_equal(parts, oracles_regions.flood_components(parts))


def test_the_most_frequent_scribble_names_a_leaf():
    base = np.array([[1, 1, 1, 2], [3, 3, 0, 2]], np.int32)
    scribbles = np.array([[9, 4, 4, 0], [0, 9, 4, 0]], np.int32)
    assert scribbled_leaves(base, scribbles).tolist() == [4, 0, 9]
    assert scribbled_leaves(base, np.zeros_like(base)).tolist() == [0, 0, 0]


def test_edges_of_a_scene_are_smoothed_by_no_more_than_those_of_a_large_photograph() -> None:
    """A step is as strong whatever the size; how far it spreads grows to 8 pixels."""
    colours = np.zeros((3, 401, 1), np.float32)
    colours[:, 200:] = 10
    valid = np.ones(colours.shape[:2], bool)
    widths, heights = [], []
    for side in (393, 1964, 3928, 20_000):
        edges = colour_edges(colours, valid, 1.5, (side, side))[1]
        heights.append(edges.max())
        widths.append(edges.sum() / edges.max() / np.sqrt(2 * np.pi))
    np.testing.assert_allclose(widths, [1.5, 7.5, 8.0, 8.0], rtol=0.03)
    np.testing.assert_allclose(heights, heights[0], rtol=0.03)
