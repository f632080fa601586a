"""Volumes: what they are, their one tree, and cells that a person would tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import oracles_regions
from nuriwake.errors import InputError, UsageError
from nuriwake.evaluate.phantoms import touching_cells
from nuriwake.recipes.volume import flatness, slabs, volume_view
from nuriwake.settings import Settings
from nuriwake.volume import VOLUME, as_volume, check_spacing
from nuriwake.volume_segmentation import montage, shown_slices
from nuriwake.volume_segmenter import segment_volume, volume_settings

QUICK = {"max_iter": 3, "n_channels": 8, "max_labels": 8, "grid_cells": 1000}


@pytest.fixture(scope="module")
def cells():
    return touching_cells(12, (20, 72, 72), radius=16.0, seed=3)


@pytest.fixture(scope="module")
def segmented(cells):
    return segment_volume(cells.array, spacing=cells.spacing, threads=1, **QUICK)


def test_touching_cells_are_told_apart(cells, segmented):
    n = int(cells.truth.max())
    found = segmented.cut(n)
    assert len(np.unique(found)) == n
    assert adjusted_rand_score(cells.truth.ravel(), found.ravel()) > 0.8


def test_regions_hold_together_in_six_directions(segmented):
    parts = segmented.cut(20)
    np.testing.assert_array_equal(parts, oracles_regions.flood_components(parts))


def test_a_thin_step_in_depth_is_not_a_thick_one(cells):
    wrong = segment_volume(cells.array, spacing=(1, 1, 1), threads=1, **QUICK)
    right = segment_volume(cells.array, spacing=(6.0, 2.0, 2.0), threads=1, **QUICK)
    own = segment_volume(cells.array, spacing=cells.spacing, threads=1, **QUICK)
    # Only the ratio counts.
    np.testing.assert_array_equal(own.tree.merges, right.tree.merges)
    assert wrong.tree.n_leaves != own.tree.n_leaves


def test_invalid_voxels_are_nothing(cells):
    array = cells.array.copy()
    array[5:9, 10:20, 30:50] = np.nan
    result = segment_volume(array, spacing=cells.spacing, regions=7, labels=3, threads=1, **QUICK)
    for found in (result.regions, result.labels, result.own_labels):
        np.testing.assert_array_equal(found == 0, np.isnan(array))
    assert len(np.unique(result.labels)) == 4
    assert result.confidence.shape == array.shape


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 9), (2, 7, 1), (3, 5, 8, 2), (4, 6, 7, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_kind_of_volume(shape, dtype):
    array = (np.random.default_rng(0).random(shape) * 200).astype(dtype)
    result = segment_volume(array, spacing=(2.5, 1, 1), threads=1, **QUICK)
    assert result.regions.shape == shape[:3]
    assert result.regions.min() == 1
    for n in {1, result.tree.n_leaves}:
        assert len(np.unique(result.cut(n))) == n
    assert result.overlay().dtype == np.uint8


def test_a_flat_volume_is_one_region():
    assert segment_volume(np.full((4, 8, 8), 7, np.uint8), threads=1, **QUICK).n_regions == 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 5)), "shape"),
        (np.zeros((4, 5, 6), complex), "real dtype"),
        (np.full((2, 3, 4), np.nan), "no valid voxel"),
        (np.zeros((0, 5, 6)), "at least one voxel"),
    ],
)
def test_what_is_no_volume_is_told(array, message):
    with pytest.raises(InputError, match=message):
        as_volume(array)


@pytest.mark.parametrize("spacing", [(1, 1), (0, 1, 1), (1, 1, np.inf), (1000, 1, 1), ("a", 1, 1)])
def test_spacing_is_checked(spacing):
    with pytest.raises(UsageError, match="spacing"):
        check_spacing(spacing)


def test_other_recipes_are_refused():
    with pytest.raises(UsageError, match="recipe"):
        volume_settings({"recipe": "tip2020"})
    assert volume_settings({"size_power": 0.2}).size_power == 0.2
    assert volume_settings({"recipe": "fast"}).edge_sigma == VOLUME["edge_sigma"]


def test_slabs_cover_the_depth_once():
    for shape in ((1, 5, 5), (7, 1500, 1000), (12, 900, 900)):
        cores = [core[0] for _, core in slabs(shape)]
        assert sum(cores) == shape[0]
        assert [slab.start for slab, _ in slabs(shape)] == np.cumsum([0, *cores[:-1]]).tolist()


def test_a_voxel_on_a_slope_counts_little_and_never_nothing():
    weights = flatness(np.array([0.0, 1.0, 4.0, 1e30], np.float32), typical=1.0)
    assert weights[0] == 1.0
    assert (np.diff(weights) < 0).all()
    assert weights[-1] > 0
    assert (flatness(np.zeros(3, np.float32), typical=0.0) == 1).all()


def test_large_volumes_are_reduced_before_they_are_viewed(monkeypatch):
    monkeypatch.setattr("nuriwake.recipes.volume._VIEW_VOXELS", 1000)
    rng = np.random.default_rng(0)
    view, valid = volume_view(
        rng.random((16, 32, 32, 1)).astype(np.float32), np.ones((16, 32, 32), bool), 125, (2, 1, 1)
    )
    assert view.shape == (5, 5, 5, 5)
    assert valid.all()


def test_the_montage_shows_slices_in_order():
    assert shown_slices(1) == [0]
    assert len(shown_slices(40)) == 9
    pictures = [np.full((2, 3, 3), k, np.uint8) for k in range(5)]
    sheet = montage(pictures)
    assert sheet.shape == (5, 11, 3)
    assert sheet[0, ::4, 0].tolist() == [0, 1, 2]
    assert sheet[3, ::4, 0].tolist() == [3, 4, 0]


def test_settings_of_volumes_are_settings():
    assert set(VOLUME) <= set(Settings.model_fields)
