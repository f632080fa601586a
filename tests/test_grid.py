"""The step on a grid, without PyTorch, against automatic differentiation."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.engine.grid import GridEngine
from nuriwake.engine.plain import Objective, PlainEngine
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import weights_of
from test_fused import make_network

SCHEDULE = Schedule(max_iter=1, min_labels=1)


def make_engines(network, image, valid, n_threads=1):
    """The reference, with its own copy of the network, and the engine of the grid."""
    one = copy.deepcopy(network)
    mask = torch.from_numpy(valid)[None]
    plain = PlainEngine(
        one,
        torch.from_numpy(image.transpose(2, 0, 1).copy())[None],
        mask,
        Objective(pixel_weights(mask, None, 0.5)),
        SCHEDULE,
    )
    return (one, plain), GridEngine(weights_of(network), image, valid, SCHEDULE, n_threads)


def assert_same_step(network, image, valid, targets, n_threads=1):
    (one, plain), grid = make_engines(network, image, valid, n_threads)
    labels, ours = plain.label()[0].numpy(), grid.label()
    assert (labels == ours)[valid].mean() > 0.98  # a tie may fall either way
    loss = plain.update(torch.from_numpy(targets)[None])
    assert grid.update(targets) == pytest.approx(loss, abs=1e-4, rel=1e-4)
    for name, expected in one.named_parameters():
        scale = max(1.0, float(expected.grad.abs().max()))
        assert np.abs(expected.grad.numpy() - grid.gradients[name]).max() < 1e-4 * scale, name
        assert np.abs(expected.detach().numpy() - grid.parameters[name]).max() < 1e-4 * scale, name


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(2, 14),
    width=st.integers(2, 14),
    n_bands=st.integers(1, 20),
    p=st.integers(1, 20),
    q=st.integers(2, 20),
    m=st.integers(1, 4),
    masked=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_step_equals_automatic_differentiation(height, width, n_bands, p, q, m, masked, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, n_bands), np.float32)
    valid = np.ones((height, width), bool)
    if masked:
        valid = rng.random((height, width)) > 0.3
        valid[0, 0] = valid[-1, -1] = True
        image *= valid[:, :, None]
    targets = rng.integers(0, q, (height, width))
    if valid.sum() > 1:
        assert_same_step(make_network(n_bands, p, q, m, seed), image, valid, targets)
