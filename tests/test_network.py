"""Normalisation, masks, frozen statistics, seeds."""

from __future__ import annotations

import pytest
import torch

from nuriwake.learn.network import Network, build_network, masked_statistics


def _masked(shape=(1, 1, 9, 11)):
    valid = torch.ones(shape)
    valid[..., :4, :5] = 0
    return valid


@pytest.mark.parametrize("valid", [None, _masked()])
def test_responses_have_mean_0_and_variance_1(valid):
    network = build_network(3, 12, 10, 2, seed=0)
    x = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(0))
    # Weight 1 and bias 0 at the start: the responses are those before any affine part.
    mean, variance = masked_statistics(network(x, valid), valid)
    assert mean.abs().max() < 1e-5
    # The published epsilon of 1e-5 takes its share of small variances; without it they are 1.
    raw = network.classifier_norm.eps
    assert ((1 - variance).abs() < 1e-5 + raw / _raw_variance(network, x, valid)).all()


def _raw_variance(network, x, valid):
    seen = []
    handle = network.classifier.register_forward_hook(lambda *args: seen.append(args[2]))
    network(x, valid)
    handle.remove()
    return masked_statistics(seen[0], valid)[1]


def test_invalid_pixels_do_not_change_the_statistics():
    network = build_network(1, 6, 5, 1, seed=3)
    x = torch.rand(1, 1, 9, 11)
    valid = torch.ones(1, 1, 9, 11)
    valid[..., -3:] = 0
    changed = x.clone()
    changed[..., -1:] = 50.0
    with torch.no_grad():
        before, after = network(x, valid), network(changed, valid)
    # One layer looks one pixel far: columns up to the seventh cannot see the change.
    torch.testing.assert_close(after[..., :7], before[..., :7])


def test_one_pixel_gives_finite_responses():
    assert torch.isfinite(build_network(3, 4, 4, 2, seed=0)(torch.rand(1, 3, 1, 1))).all()


def test_training_mode_remembers_nothing():
    network = build_network(1, 4, 4, 1, seed=0)
    network(torch.rand(1, 1, 5, 5))
    assert network.norms[0].running_mean.abs().max() == 0


def test_radius_is_how_far_a_response_looks():
    network = build_network(1, 4, 4, 3, seed=0).eval()
    x = torch.zeros(1, 1, 15, 15)
    x[..., 7, 7] = 1.0
    with torch.no_grad():
        changed = (network(x) - network(torch.zeros_like(x))).abs().sum(dim=1)[0] > 0
    rows = torch.nonzero(changed.any(dim=1)).flatten()
    assert rows.max() - 7 == network.radius == 3


def test_permute_labels_reorders_responses():
    network = build_network(2, 4, 3, 1, seed=0)
    x = torch.rand(1, 2, 5, 5)
    with torch.no_grad():
        responses = network.freeze(x)
        network.eval()
        order = torch.tensor([2, 0, 1])
        network.permute_labels(order)
        torch.testing.assert_close(network(x), responses[:, order])


def test_seed_decides_weights_and_leaves_the_global_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, two = build_network(3, 4, 4, 1, seed=0), build_network(3, 4, 4, 1, seed=1)
    assert torch.equal(torch.rand(1), expected)
    assert not torch.equal(one.classifier.weight, two.classifier.weight)


def test_shape_properties():
    network = Network(n_bands=7, n_channels=5, n_labels=3, n_layers=2)
    assert (network.n_bands, network.n_channels, network.n_labels) == (7, 5, 3)
