"""The vote against a loop; superpixels are dense and cover the valid pixels."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import oracles
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.voting import majority_vote

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)


@given(st.data())
def test_vote_equals_the_loop(data):
    shape = data.draw(SHAPES)
    labels = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 3)))
    superpixels = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-1, 5)))
    voted = majority_vote(torch.from_numpy(labels), torch.from_numpy(superpixels), 4)
    np.testing.assert_array_equal(voted.numpy(), oracles.vote_by_loop(labels, superpixels))


def test_a_tie_goes_to_the_smallest_label():
    labels = torch.tensor([[3, 1, 2, 2, 1]])
    assert majority_vote(labels, torch.zeros_like(labels), 4).tolist() == [[1] * 5]


def test_superpixels_are_dense_and_skip_invalid_pixels(blocks):
    valid = np.ones((24, 32), bool)
    valid[:6] = False
    ids = slic_superpixels(blocks / np.float32(255), 40, 100.0, valid)
    assert (ids[~valid] == -1).all()
    assert np.array_equal(np.unique(ids[valid]), np.arange(ids.max() + 1))
    assert 15 <= ids.max() + 1 <= 60


def test_one_superpixel_per_pixel_where_there_are_no_more():
    image = np.zeros((3, 4, 7), np.float32)
    assert slic_superpixels(image, 12, 100.0).max() == 11
