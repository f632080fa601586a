"""Dtypes and bands to [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nuriwake.errors import InputError
from nuriwake.learn.normalise import BandStatistics, band_statistics, normalise

ALL = np.ones((1, 4), bool)


def test_uint8_is_divided_by_255_exactly():
    array = np.arange(256, dtype=np.uint8).reshape(1, 256, 1)
    valid = np.ones((1, 256), bool)
    unit = normalise(array, valid, band_statistics(array, valid))
    np.testing.assert_array_equal(unit, array.astype(np.float32) / np.float32(255))


def test_floats_in_the_unit_range_stay_as_they_are():
    array = np.array([0.2, 0.4, 0.5, 0.6], np.float32).reshape(1, 4, 1)
    np.testing.assert_array_equal(normalise(array, ALL, band_statistics(array, ALL)), array)


def test_twelve_bits_in_sixteen_fill_the_range():
    array = np.linspace(100, 4095, 1000).astype(np.uint16).reshape(1, 1000, 1)
    valid = np.ones((1, 1000), bool)
    unit = normalise(array, valid, band_statistics(array, valid))
    assert unit.min() == 0.0
    assert unit.max() == 1.0
    assert abs(float(np.median(unit)) - 0.5) < 0.01


def test_invalid_values_decide_nothing_and_become_0():
    array = np.array([[[1000.0], [2000.0], [np.inf], [np.nan]]])
    valid = np.isfinite(array[:, :, 0])
    statistics = band_statistics(array, valid)
    assert 1000 <= statistics.low[0] <= statistics.high[0] <= 2000
    assert normalise(array, valid, statistics)[0, 2:, 0].tolist() == [0.0, 0.0]


def test_a_constant_band_becomes_0():
    array = np.full((1, 4, 1), 700, np.int16)
    assert normalise(array, ALL, band_statistics(array, ALL)).max() == 0.0


def test_other_number_of_bands_is_refused():
    with pytest.raises(InputError, match="2 bands where the model was trained on 1"):
        normalise(np.zeros((1, 4, 2)), ALL, BandStatistics((0.0,), (1.0,)))


@given(hnp.arrays(np.float32, (3, 4, 2), elements=st.floats(width=32)))
def test_always_finite_and_in_the_unit_range(array):
    valid = np.isfinite(array).all(axis=2)
    if valid.any():
        unit = normalise(array, valid, band_statistics(array, valid))
        assert unit.dtype == np.float32
        assert ((unit >= 0) & (unit <= 1)).all()
