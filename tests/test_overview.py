from __future__ import annotations

import numpy as np
import pytest

from nuriwake.learn.overview import overview, square_means


@pytest.mark.parametrize("dtype", ["float64", "uint32"])
def test_numbers_of_many_digits_keep_them(dtype: str) -> None:
    array = np.full((4, 4, 1), 2**28, dtype) + np.arange(4, dtype=dtype)[np.newaxis, :, np.newaxis]
    means = square_means(array, np.ones((4, 4), bool), 2)
    exact = 2**28 + np.array([[0.5, 2.5], [0.5, 2.5]])
    found = means.image[:, :, 0].astype(float)
    np.testing.assert_allclose(found, exact.round() if dtype == "uint32" else exact, rtol=1e-15)


def test_strips_are_reduced_as_the_whole_is() -> None:
    rng = np.random.default_rng(0)
    array, valid = rng.random((1203, 41, 3)).astype(np.float32), rng.random((1203, 41)) > 0.2
    one, other = overview(array, valid, 7), square_means(array, valid, 7)
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.valid, other.valid)
