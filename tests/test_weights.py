"""Weights as arrays, and as the network of PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from nuriwake.learn.network import build_network, network_of, weights_of
from nuriwake.learn.weights import array_shapes, draw_weights


def test_arrays_are_those_of_the_network_of_pytorch():
    weights = weights_of(build_network(3, 8, 5, 2, seed=0))
    assert {name: array.shape for name, array in weights.arrays.items()} == array_shapes(3, 8, 5, 2)
    drawn = draw_weights(3, 8, 5, 2, seed=0)
    for name, array in weights.arrays.items():
        assert drawn.arrays[name].dtype == array.dtype


def test_there_and_back_nothing_is_lost_or_shared():
    weights = draw_weights(4, 6, 5, 3, seed=1)
    network = network_of(weights)
    assert not network.training
    for name, array in weights_of(network).arrays.items():
        np.testing.assert_array_equal(array, weights.arrays[name])
    network.classifier.weight.data.fill_(7)
    assert weights.arrays["classifier.weight"].max() < 1


def test_initial_weights_spread_as_those_of_pytorch():
    ours, theirs = draw_weights(6, 64, 64, 2, seed=0), weights_of(build_network(6, 64, 64, 2, 0))
    for name, array in ours.arrays.items():
        other = theirs.arrays[name]
        if array.size > 1000:
            assert abs(array.std() / other.std() - 1) < 0.05
            assert abs(np.abs(array).max() / np.abs(other).max() - 1) < 0.01
        elif "norm" in name:
            np.testing.assert_array_equal(array, other)
    other = draw_weights(6, 64, 64, 2, seed=1)
    assert not np.array_equal(ours.arrays["convs.1.weight"], other.arrays["convs.1.weight"])


def test_labels_are_renumbered_alike_in_both_worlds():
    weights, order = draw_weights(2, 5, 4, 1, seed=2), np.array([2, 0, 3, 1])
    network = network_of(weights)
    network.permute_labels(torch.from_numpy(order))
    for name, array in weights_of(network).arrays.items():
        np.testing.assert_array_equal(array, weights.permuted(order).arrays[name])
