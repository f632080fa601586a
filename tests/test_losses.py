"""The loss terms, on numbers that can be checked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from nuriwake.learn.losses import continuity, pixel_weights, similarity


def test_similarity_without_scribbles_is_the_mean_cross_entropy():
    responses = torch.randn(1, 4, 3, 5)
    targets = responses.argmax(dim=1)
    weights = pixel_weights(torch.ones(1, 3, 5, dtype=torch.bool), None, 0.5)
    expected = functional.cross_entropy(responses, targets)
    torch.testing.assert_close(similarity(responses, targets, weights), expected)


def test_scribbled_pixels_share_their_weight():
    valid = torch.ones(1, 2, 3, dtype=torch.bool)
    scribbled = torch.zeros_like(valid)
    scribbled[0, 0, :2] = True
    weights = pixel_weights(valid, scribbled, 0.5)
    assert weights[0, 0, 0] == 0.25
    assert weights[0, 1, 1] == 0.25
    assert float(weights.sum()) == pytest.approx(1.5)


def test_invalid_pixels_weigh_nothing():
    valid = torch.tensor([[[True, False]]])
    assert pixel_weights(valid, None, 0.5).tolist() == [[[1.0, 0.0]]]


def test_uniform_responses_cost_log_q():
    weights = torch.full((1, 1, 2), 0.5)
    targets = torch.zeros(1, 1, 2, dtype=torch.long)
    loss = similarity(torch.zeros(1, 7, 1, 2), targets, weights)
    assert float(loss) == pytest.approx(math.log(7))


def test_continuity_by_hand():
    # Vertical differences 2 and 4: mean 3. Horizontal differences 1 and 3: mean 2.
    responses = torch.tensor([[0.0, 1.0], [2.0, 5.0]]).reshape(1, 1, 2, 2)
    assert float(continuity(responses)) == 5.0


def test_continuity_counts_pairs_of_valid_pixels_only():
    responses = torch.tensor([[0.0, 1.0], [2.0, 5.0]]).reshape(1, 1, 2, 2)
    valid = torch.tensor([[True, True], [True, False]]).reshape(1, 1, 2, 2)
    assert float(continuity(responses, valid)) == 3.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1)])
def test_continuity_of_lines_and_points_is_finite(shape):
    responses = torch.rand(1, 3, *shape)
    assert torch.isfinite(continuity(responses))
    assert torch.isfinite(continuity(responses, torch.ones(1, 1, *shape, dtype=torch.bool)))
