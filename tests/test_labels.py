"""The label tree: pixel-weighted, exact counts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.regions.labels import label_tree


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_every_number_of_materials_is_exact(n, seed):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(n), rng.integers(0, n, 20))[np.newaxis].astype(np.int32) + 1
    tree = label_tree(labels, rng.random((n, 3)))
    assert tree.n_leaves == n
    assert (np.diff(tree.altitudes) >= 0).all()
    for k in range(1, n + 1):
        assert np.array_equal(np.unique(tree.cut(k)), np.arange(1, k + 1))


def test_a_rare_label_goes_before_a_common_one():
    # Both pairs are equally far apart; the pair with the rare label costs less.
    labels = np.array([[1] * 50 + [2] * 50 + [3] * 50 + [4]], np.int32)
    tree = label_tree(labels, np.array([[0.0], [1.0], [10.0], [11.0]]))
    assert tree.merges[0].tolist() == [2, 3]
    assert tree.merges[1].tolist() == [0, 1]
