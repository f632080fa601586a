"""The step on a grid, without PyTorch, against automatic differentiation."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.engine.grid import GridEngine
from nuriwake.engine.grid_loops import vote
from nuriwake.engine.grid_respond import respond
from nuriwake.engine.plain import Objective, PlainEngine
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import network_of, weights_of
from nuriwake.learn.voting import majority_vote
from nuriwake.learn.weights import draw_weights
from test_fused import make_network, waves

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


@pytest.mark.parametrize(
    ("height", "width", "p", "q", "m"),
    [
        (1, 9, 4, 3, 2),
        (9, 1, 4, 3, 2),
        (16, 20, 6, 5, 16),
        (150, 90, 18, 10, 2),
        (3, 3000, 3, 2, 2),
    ],
)
@pytest.mark.parametrize("n_threads", [1, 3])
def test_odd_shapes_and_many_strips(height, width, p, q, m, n_threads):
    rng = np.random.default_rng(1)
    image = rng.random((height, width, 3), np.float32)
    valid = np.ones((height, width), bool)
    targets = rng.integers(0, q, (height, width))
    assert_same_step(make_network(3, p, q, m), image, valid, targets, n_threads)


def test_the_number_of_threads_changes_no_bit():
    rng = np.random.default_rng(2)
    image, valid = rng.random((90, 70, 4), np.float32), rng.random((90, 70)) > 0.2
    image *= valid[:, :, None]
    weights = draw_weights(4, 20, 12, 2, seed=3)
    runs = []
    for n_threads in (1, 2, 5):
        engine = GridEngine(weights, image, valid, SCHEDULE, n_threads)
        losses = [engine.update(engine.label()) for _ in range(4)]
        runs.append((losses, engine.label()))
    for losses, labels in runs[1:]:
        assert losses == runs[0][0]
        np.testing.assert_array_equal(labels, runs[0][1])


@pytest.mark.parametrize("is_copied", [True, False], ids=["copied", "transformed"])
def test_five_iterations_stay_together(is_copied, monkeypatch):
    """With these weights no unit stands at its kink, where a rounding would change its side."""
    if is_copied:
        monkeypatch.setattr("nuriwake.engine.grid_convolution._MIN_CHANNELS", 1000)
    image = np.ascontiguousarray(waves(40, 56)[0].permute(1, 2, 0).numpy())
    valid = np.ones((40, 56), bool)
    (one, plain), grid = make_engines(make_network(3, 20, 16, 2, seed=2), image, valid)
    ids = (np.arange(40)[:, None] // 4 * 14 + np.arange(56) // 4).astype(np.int32)
    table, targets = np.zeros((140, 16), np.int32), np.zeros((40, 56), np.int64)
    for _ in range(5):
        labels = plain.label()
        vote(labels.numpy().ravel(), ids.ravel(), table, targets.ravel())
        expected = majority_vote(labels, torch.from_numpy(ids).long()[None], 16)
        np.testing.assert_array_equal(targets, expected[0].numpy())
        grid.label()
        assert grid.update(targets) == pytest.approx(plain.update(expected), abs=1e-4)
    grid.label()
    with torch.no_grad():
        responses = one(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(respond(grid.frozen(), image), responses, atol=2e-4)


def test_cells_without_data_have_no_weight():
    rng = np.random.default_rng(4)
    valid = np.ones((20, 30), bool)
    valid[5:9, 10:20] = False
    image = rng.random((20, 30, 3), np.float32) * valid[:, :, None]
    gradients = []
    for wrong in (0, 7):
        engine = GridEngine(draw_weights(3, 8, 8, 2, seed=0), image, valid, SCHEDULE)
        engine.differentiate(np.where(valid, engine.label(), wrong))
        gradients.append(np.concatenate([g.ravel() for g in engine.gradients.values()]))
    np.testing.assert_array_equal(*gradients)


def test_frozen_weights_respond_as_the_network_of_pytorch():
    rng = np.random.default_rng(5)
    image, valid = rng.random((30, 40, 5), np.float32), rng.random((30, 40)) > 0.1
    image *= valid[:, :, None]
    engine = GridEngine(draw_weights(5, 17, 7, 3, seed=1), image, valid, SCHEDULE)
    labels, weights = engine.label(), engine.frozen()
    responses = respond(weights, image)
    assert (responses.argmax(axis=2) == labels)[valid].mean() > 0.99
    np.testing.assert_array_equal(respond(weights, image, n_threads=3), responses)
    with torch.no_grad():
        expected = network_of(weights)(torch.from_numpy(image).permute(2, 0, 1)[None])
    np.testing.assert_allclose(responses, expected[0].permute(1, 2, 0), atol=1e-4)
