"""Products inside compiled loops, and loops over channels, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.compiled import compiled
from nuriwake.engine.lanes import lanewise
from nuriwake.engine.products import multiply, multiply_by_itself

sizes = st.integers(1, 40)


@settings(deadline=None)
@given(m=sizes, k=sizes, n=sizes, is_turned=st.booleans())
def test_a_product_is_that_of_numpy_and_writes_nothing_else(m, k, n, is_turned):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)
    room = np.full((m + 2, n), 7, np.float32)
    multiply(np.asfortranarray(a) if is_turned else a, b, room[1:-1])
    np.testing.assert_allclose(room[1:-1], a.astype(float) @ b, atol=1e-4)
    assert (room[[0, -1]] == 7).all()


def test_every_element_is_summed_up_in_order():
    """Whatever block it is in: the first columns of a wide product are those of a narrow one."""
    rng = np.random.default_rng(1)
    a, b = rng.random((21, 500), np.float32), rng.random((500, 70), np.float32)
    whole, part = np.empty((21, 70), np.float32), np.empty((9, 16), np.float32)
    multiply(a, b, whole)
    multiply(a[12:], b[:, :16].copy(), part)
    np.testing.assert_array_equal(whole[12:, :16], part)


@lanewise
def _split(x, factor):
    power, rest = (x * factor).at_least(-100.0).split()
    return power, rest, (2.0 * x).if_positive(x)


@compiled
def _split_all(x, factor, power, rest, positive):
    _split((x, factor), (power, rest, positive))


@pytest.mark.parametrize("size", [1, 16, 37])
def test_lanes_do_the_same_for_whole_vectors_and_what_is_left(size):
    x = np.linspace(-70, 50, size, dtype=np.float32)
    power, rest, positive = np.empty((3, size), np.float32)
    _split_all(x, np.float32(2), power, rest, positive)
    bounded = np.maximum(2.0 * x, -100.0)
    np.testing.assert_array_equal(power, 2.0 ** np.rint(bounded))
    np.testing.assert_allclose(rest, bounded - np.rint(bounded), atol=1e-5)
    np.testing.assert_array_equal(positive, np.where(x > 0, 2 * x, 0))
    _split_all(x, np.float32(1), x, rest, positive)  # an input may be an output
    assert (x > 0).all()


def test_lanes_refuse_arrays_that_are_not_in_one_piece():
    with pytest.raises(TypeError, match="in one piece"):
        _split_all(*np.empty((4, 8), np.float32)[:, ::2][:1], np.float32(1), *np.empty((3, 4)))


@pytest.mark.parametrize("n", [3, 16, 21, 64])
def test_a_matrix_by_itself_is_right_above_the_diagonal(n):
    a, square = np.random.default_rng(2).random((30, n), np.float32), np.zeros((n, n), np.float32)
    multiply_by_itself(a, square)
    np.testing.assert_allclose(np.triu(square), np.triu(a.T @ a), rtol=1e-5)
