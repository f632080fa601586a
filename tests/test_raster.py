"""Windows, georeferences, and what makes an array a raster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.errors import InputError, UsageError
from nuriwake.raster import Georeference, Raster, Window, as_raster

SIDES = st.integers(0, 12)
WINDOWS = st.builds(Window, SIDES, SIDES, SIDES, SIDES)


def _mask(window: Window, shape=(40, 40)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[window.slices] = True
    return mask


@given(WINDOWS, WINDOWS)
def test_intersection_is_the_common_pixels(one, two):
    expected = _mask(one) & _mask(two)
    np.testing.assert_array_equal(_mask(one.intersect(two)), expected)


@given(WINDOWS, st.integers(0, 5))
def test_expanded_windows_hold_every_pixel_within_the_halo(window, halo):
    grown = window.expand(halo, within=(40, 40))
    rows = range(max(0, window.row - halo), min(40, window.end_row + halo))
    cols = range(max(0, window.col - halo), min(40, window.end_col + halo))
    assert (range(grown.row, grown.end_row), range(grown.col, grown.end_col)) == (rows, cols)


@given(WINDOWS, st.integers(0, 5))
def test_relative_windows_cut_the_same_pixels(window, halo):
    image = np.arange(1600).reshape(40, 40)
    outer = window.expand(halo, within=(40, 40))
    inner = image[outer.slices][window.relative_to(outer).slices]
    np.testing.assert_array_equal(inner, image[window.slices])


def test_negative_window_is_refused():
    with pytest.raises(UsageError, match=r"`Window` must be four ints of at least 0"):
        Window(-1, 0, 2, 2)


def test_reading_a_window_moves_the_georeference():
    georeference = Georeference("EPSG:4326", (0.5, 0.0, 10.0, 0.0, -0.5, 60.0))
    raster = Raster(np.zeros((8, 8, 1)), np.ones((8, 8), bool), georeference)
    part = raster.read(Window(2, 4, 3, 3))
    assert part.shape == (3, 3)
    assert part.georeference.transform == (0.5, 0.0, 12.0, 0.0, -0.5, 59.0)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4)), "at least one pixel"),
        (np.zeros((2, 2, 2, 2)), "must have shape"),
        (np.zeros(5), "must have shape"),
        (np.zeros((2, 2), complex), "real dtype"),
        (np.full((2, 2), np.nan), "no valid pixel"),
    ],
)
def test_arrays_that_are_no_raster(array, message):
    with pytest.raises(InputError, match=message):
        as_raster(array)


def test_masks_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"`valid` must be a bool array of shape \(2, 3\)"):
        as_raster(np.zeros((2, 3)), np.ones((3, 2), bool))


def test_bands_are_numbered_from_1_and_reordered():
    raster = as_raster(np.arange(3).reshape(1, 1, 3))
    assert raster.select_bands([3, 1]).array.tolist() == [[[2, 0]]]
    with pytest.raises(UsageError, match=r"`bands` must be .*\[1, 3\].*got \[4\]"):
        raster.select_bands([4])


def test_pixels_that_are_not_finite_are_invalid():
    array = np.ones((1, 3, 2))
    array[0, 0, 1], array[0, 1, 0] = np.inf, np.nan
    assert as_raster(array).valid.tolist() == [[False, False, True]]
