"""The two published recipes against slow transcriptions of the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.io import imread

import oracles
from nuriwake.engine.compute import cpu_threads
from nuriwake.engine.plain import Objective, PlainEngine
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import build_network
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.voting import majority_vote
from nuriwake.recipes.published import as_labels, as_tensor, judge_of, learn, new_network
from nuriwake.recipes.training import train
from nuriwake.settings import Settings

P, Q, M = 20, 16, 2


@pytest.fixture
def crop(shared_data) -> np.ndarray:
    """48 x 64 pixels of a photograph, in [0, 1]."""
    picture = imread(shared_data / "bsds500" / "images" / "42012.jpg")
    return (picture[100:148, 120:184] / np.float32(255)).astype(np.float32)


def _train(network, image, refine, continuity, iterations):
    x = as_tensor(image)
    valid = torch.ones(1, *image.shape[:2], dtype=torch.bool)
    schedule = Schedule(max_iter=iterations, min_labels=1)
    objective = Objective(pixel_weights(valid, None, 0.5), continuity)
    engine = PlainEngine(network, x, valid, objective, schedule)
    steps = list(train(engine, judge_of(refine, valid), schedule, as_labels))
    assert len(steps) == iterations
    with torch.no_grad():
        return network(x)


def test_icassp2018_equals_the_transcription(crop):
    network = build_network(3, P, Q, M, seed=1)
    oracle = oracles.published_copy(network, 3, P, Q, M)
    superpixels = slic_superpixels(crop, 200, 100.0)
    ids = torch.from_numpy(superpixels.astype(np.int64))[None]
    labels, responses = oracles.train_icassp2018(oracle, crop, superpixels, 20)
    ours = _train(network, crop, lambda c: majority_vote(c, ids, Q), 0.0, 20)
    assert (ours - responses).abs().max() < 1e-4
    np.testing.assert_array_equal(ours[0].argmax(dim=0).numpy(), labels)


def test_tip2020_equals_the_transcription(crop):
    network = build_network(3, P, Q, M, seed=2)
    oracle = oracles.published_copy(network, 3, P, Q, M)
    labels, responses = oracles.train_tip2020(oracle, crop, 5.0, 20)
    ours = _train(network, crop, lambda c: c, 5.0, 20)
    assert (ours - responses).abs().max() < 1e-4
    np.testing.assert_array_equal(ours[0].argmax(dim=0).numpy(), labels)


def _run(generator):
    steps = []
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as done:
            return steps, done.value


def test_min_labels_stops_the_run(blocks):
    settings = Settings(recipe="tip2020", n_channels=8, min_labels=50, max_iter=30)
    steps, _ = _run(learn(blocks / np.float32(255), np.ones((24, 32), bool), settings))
    assert steps[-1].n_labels <= 50
    assert all(step.n_labels > 50 for step in steps[:-1])


def test_sending_true_ends_the_training(blocks):
    settings = Settings(recipe="tip2020", n_channels=8, min_labels=1, max_iter=30)
    training = learn(blocks / np.float32(255), np.ones((24, 32), bool), settings)
    assert next(training).iteration == 1
    with pytest.raises(StopIteration) as done:
        training.send(True)
    assert done.value.value.responses.shape == (1, 100, 24, 32)


def test_labels_are_numbered_by_size(blocks):
    settings = Settings(recipe="icassp2018", n_channels=16, max_iter=15, n_superpixels=60)
    valid = np.ones((24, 32), bool)
    _, learned = _run(learn(blocks / np.float32(255), valid, settings))
    sizes = np.bincount(learned.responses.argmax(dim=1).cpu().numpy().ravel(), minlength=100)
    assert (np.diff(sizes) <= 0).all()


def test_frozen_network_repeats_the_training_responses(blocks):
    settings = Settings(recipe="tip2020", n_channels=8, max_labels=6, max_iter=3, precision="fp32")
    valid = np.ones((24, 32), bool)
    valid[:5, :7] = False
    network = new_network(3, settings)
    _, learned = _run(learn(blocks / np.float32(255), valid, settings, network=network))
    frozen = learned.responses
    mask = torch.from_numpy(valid)[None, None].to(learned.image)
    with torch.no_grad():
        training = learned.network.train()(learned.image, mask)
    # A graphics card multiplies with the ten bits of TF32.
    tolerance = 1e-4 if frozen.device.type == "cpu" else 1e-3
    torch.testing.assert_close(frozen, training, atol=tolerance, rtol=0)


def test_making_targets_wakes_no_threads():
    def refine(labels: torch.Tensor) -> torch.Tensor:
        return labels + torch.get_num_threads()

    valid = torch.tensor([[True, True, False]])
    with cpu_threads(2):
        n_labels, targets = judge_of(refine, valid)(torch.tensor([[0, 4, 9]]))
        assert torch.get_num_threads() == 2
    assert n_labels == 2
    assert targets.tolist() == [[1, 5, 10]]
