from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mosaic_runs
from nuriwake.errors import InputError
from nuriwake.raster import Window, as_raster
from nuriwake.scale.labelling import label_tile
from nuriwake.scale.sampling import fit_source_steps, read_samples, sample_windows
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings


@given(st.tuples(st.integers(1, 400), st.integers(1, 400)), st.integers(1, 9), st.integers(1, 50))
def test_windows_lie_inside_and_apart(shape, n_windows, side) -> None:
    windows = sample_windows(shape, n_windows, side, seed=3)
    taken = np.zeros(shape, int)
    for window in windows:
        assert window == window.intersect(Window.full(shape))
        taken[window.slices] += 1
    assert taken.max() == 1
    assert windows == sample_windows(shape, n_windows, side, seed=3)
    if min(shape) >= side * n_windows:
        assert len(windows) >= n_windows
        assert all(window.shape == (side, side) for window in windows)


def test_every_quarter_is_seen() -> None:
    windows = sample_windows((1000, 2000), 16, 50, seed=0)
    quarters = {(w.row // 500, w.col // 1000) for w in windows}
    assert quarters == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_empty_windows_are_left_out() -> None:
    raster = as_raster(np.ones((100, 100), np.uint8))
    raster.valid[:, :60] = False
    samples = read_samples(raster, seed=0, n_windows=9, side=20)
    assert samples
    assert all(sample.valid.mean() >= 0.5 for sample in samples)
    raster.valid[:] = False
    with pytest.raises(InputError, match="no valid pixel in 9 windows"):
        read_samples(raster, seed=0, n_windows=9, side=20)


def test_one_scale_for_the_whole_raster() -> None:
    image = mosaic_runs.scene((1100, 1000))
    source = replace(as_raster(image), band_names=("red", "nir"))
    small = {"n_channels": 8, "max_labels": 6, "n_superpixels": 50}
    settings = Settings(recipe="icassp2018", max_iter=2, threads=1, precision="fp32", **small)
    model = finish_steps(fit_source_steps(source, settings))
    low, high = np.percentile(image.reshape(-1, 2), (0.5, 99.5), axis=0)
    np.testing.assert_allclose(model.statistics.low, low, rtol=0.05)
    np.testing.assert_allclose(model.statistics.high, high, rtol=0.05)
    assert model.band_names == ("red", "nir")
    part = source.read(Window(100, 100, 60, 70))
    assert label_tile(model, part).min() >= 1


def test_a_raster_can_be_divided_although_all_of_it_would_be_read():
    whole = sample_windows((100, 130), n_windows=16, side=32, seed=0)
    assert whole == [Window.full((100, 130))]
    windows = sample_windows((100, 130), n_windows=16, side=32, seed=0, is_divided=True)
    assert len(windows) == 12
    assert all((w.height, w.width) == (32, 32) for w in windows)
