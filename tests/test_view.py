"""The coarse view: a fixed number of cells, nodata left out, the same picture at any size."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import resize

from nuriwake.learn.view import coarse_view, lightness, perceptual_colours, pixel_scale


def test_a_change_of_all_bands_counts_as_a_change_of_lightness():
    for n_bands in (1, 2, 7):
        low, high = (np.full((1, 1, n_bands), v, np.float32) for v in (0.25, 0.75))
        distance = np.linalg.norm(perceptual_colours(high) - perceptual_colours(low))
        assert distance == pytest.approx(50.0, rel=1e-5)


@pytest.mark.parametrize("shape", [(300, 200), (90, 700), (41, 59)])
def test_the_grid_has_about_so_many_cells(shape):
    view, valid = coarse_view(np.zeros((*shape, 3), np.float32), np.ones(shape, bool), 2000)
    assert view.shape == (*valid.shape, 6)
    assert 1900 <= valid.size <= 2100


def test_few_pixels_are_not_enlarged():
    view, valid = coarse_view(np.zeros((7, 5, 2), np.float32), np.ones((7, 5), bool), 2000)
    assert view.shape == (7, 5, 5)
    assert valid.all()


def test_invalid_pixels_do_not_count():
    colours = np.full((40, 40, 1), 30.0, np.float32)
    valid = np.ones((40, 40), bool)
    valid[:, 25:] = False
    colours[~valid] = 1e6
    view, cells = coarse_view(colours, valid, 100)
    assert cells[:, :6].all()
    assert not cells[:, 7:].any()
    np.testing.assert_allclose(view[cells][:, 0], 30 / 25, rtol=1e-5)


def test_an_enlargement_looks_the_same():
    rng = np.random.default_rng(0)
    small = resize(rng.random((40, 60, 3)), (240, 360), order=3).astype(np.float32) * 50
    large = resize(small, (480, 720), order=1).astype(np.float32)
    views = [coarse_view(image, np.ones(image.shape[:2], bool), 600)[0] for image in (small, large)]
    for channel in range(6):
        one, other = (view[:, :, channel].ravel() for view in views)
        assert np.corrcoef(one, other)[0, 1] > 0.98
        assert one.mean() == pytest.approx(other.mean(), rel=0.1)


def test_lightness_is_the_band_that_varies():
    colours = np.zeros((10, 10, 4), np.float32)
    colours[:, :, 2] = np.arange(10)
    light = lightness(colours, np.ones((10, 10), bool))
    np.testing.assert_allclose(light, colours[:, :, 2], atol=1e-5)


def test_pixel_scale_grows_with_the_side():
    assert pixel_scale((400, 600)) == pytest.approx(2 * pixel_scale((200, 300)))


def test_cells_of_a_volume_are_as_long_as_wide():
    steps = (4.0, 1.0, 1.0)
    colours = np.zeros((20, 80, 80, 1), np.float32)
    view, valid = coarse_view(colours, np.ones((20, 80, 80), bool), 8000, steps)
    assert view.shape == (20, 20, 20, 5)
    assert valid.all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slopes_of_a_volume_are_of_lengths_not_of_voxels(axis):
    # One ramp in space, sampled with three times the step along one axis.
    steps = [1.0, 1.0, 1.0]
    steps[axis] = 3.0
    shape = [36, 36, 36]
    shape[axis] = 12
    ramp = np.indices(shape)[axis] * 3.0
    view, _ = coarse_view(
        ramp[..., np.newaxis].astype(np.float32), np.ones(shape, bool), 216, steps
    )
    # Of the texture, channels are the spread and the slopes along the last axis, ..., the first.
    slope = view[3, 3, 3, -1 - axis]
    assert slope == pytest.approx(3.0 / 25.0, rel=1e-3)


def test_small_volumes_are_measured_in_their_voxels():
    assert pixel_scale((20, 30, 40), (1, 1, 1)) == 1.0
    assert pixel_scale((384, 384, 384), (1, 1, 1)) == pytest.approx(2.0)
