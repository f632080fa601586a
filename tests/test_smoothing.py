from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from nuriwake.regions.smoothing import smooth

SIGMAS = st.floats(0.5, 60.0)


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
    st.tuples(SIGMAS, SIGMAS),
    st.integers(0, 9),
)
def test_noise_is_smoothed_as_by_the_kernel(shape, sigmas, seed) -> None:
    noise = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    left_of_noise = 1 / np.sqrt(4 * np.pi * np.sqrt(sigmas[0] * sigmas[1]))
    expected = gaussian_filter(noise.astype(np.float64), sigmas, truncate=6)
    found = smooth(noise, sigmas)
    assert found.dtype == np.float32
    # SciPy's own reach of four standard deviations, where the kernel is narrow, leaves 1e-3 too.
    np.testing.assert_allclose(found, expected, atol=3e-3 * max(left_of_noise, 0.1), rtol=2e-3)


@pytest.mark.parametrize("sigma", [5.9, 6.0, 13.0, 90.0])
def test_a_point_becomes_a_bell_wherever_it_lies(sigma) -> None:
    for place in (300, 301, 302, 307):
        line = np.zeros(601, np.float32)
        line[place] = 1
        bell = np.exp(-0.5 * ((np.arange(601) - place) / sigma) ** 2)
        np.testing.assert_allclose(smooth(line, [sigma]), bell / bell.sum(), atol=2e-3 / sigma)


def test_a_volume_is_smoothed_along_each_axis_by_its_own_width() -> None:
    volume = np.random.default_rng(0).normal(0, 1, (12, 70, 90)).astype(np.float32)
    expected = gaussian_filter(volume.astype(np.float64), (2, 9, 14), truncate=6)
    np.testing.assert_allclose(smooth(volume, (2, 9, 14)), expected, atol=2e-4)
