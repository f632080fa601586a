"""The fused training step against automatic differentiation."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from nuriwake.engine.compute import cpu_threads
from nuriwake.engine.fused import FusedEngine
from nuriwake.engine.plain import Objective, PlainEngine
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import Network, build_network
from nuriwake.learn.voting import majority_vote

SCHEDULE = Schedule(max_iter=1, min_labels=1)


def make_network(n_bands, p, q, m, seed=0) -> Network:
    """A network whose normalisations are not the identity, as after some training."""
    network = build_network(n_bands, p, q, m, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.uniform_(-0.5, 0.5, generator=generator)
    return network


def make_engines(network, image, valid, objective, precision="fp32"):
    """The reference and the fused engine, each with its own copy of the network."""
    one, other = copy.deepcopy(network), copy.deepcopy(network)
    plain = PlainEngine(one, image, valid, objective, SCHEDULE)
    fused = FusedEngine(other, image, valid, objective, SCHEDULE, precision)
    return (one, plain), (other, fused)


def waves(height, width) -> torch.Tensor:
    """A smooth picture with a little noise, (1, 3, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(5)
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    bands = [torch.sin(row / a) * torch.cos(column / b) for a, b in ((7, 11), (13, 5), (23, 17))]
    picture = (
        0.5 + 0.4 * torch.stack(bands) + 0.1 * torch.rand(3, height, width, generator=generator)
    )
    return picture.clamp(0, 1)[None]


def assert_same_step(network, image, valid, objective, targets=None):
    (one, plain), (other, fused) = make_engines(network, image, valid, objective)
    labels, ours = plain.label(), fused.label()
    assert bool((labels == ours)[valid].float().mean() > 0.98)  # a tie may fall either way
    targets = labels if targets is None else targets
    loss = plain.update(targets)
    assert fused.update(targets) == pytest.approx(loss, abs=1e-4, rel=1e-4)
    for (name, expected), found in zip(one.named_parameters(), other.parameters(), strict=True):
        scale = max(1.0, float(expected.grad.abs().max()))
        assert float((expected.grad - found.grad).abs().max()) < 1e-4 * scale, name
        assert float((expected - found).detach().abs().max()) < 1e-4 * scale, name


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(2, 12),
    width=st.integers(2, 12),
    batch=st.integers(1, 2),
    n_bands=st.integers(1, 5),
    p=st.integers(1, 20),
    q=st.integers(2, 20),
    m=st.integers(1, 4),
    mu=st.sampled_from((0.0, 1.0, 5.0)),
    masked=st.booleans(),
    scribbled=st.booleans(),
    seed=st.integers(0, 99),
)
def test_one_step_equals_automatic_differentiation(
    height, width, batch, n_bands, p, q, m, mu, masked, scribbled, seed
):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(batch, n_bands, height, width, generator=generator)
    valid = torch.ones(batch, height, width, dtype=torch.bool)
    if masked:
        valid = torch.rand(batch, height, width, generator=generator) > 0.3
        valid[0, 0, 0] = valid[-1, -1, -1] = True
        image = image * valid[:, None]
    scribbles = valid & (torch.rand(valid.shape, generator=generator) > 0.7) if scribbled else None
    targets = torch.randint(0, q, valid.shape, generator=generator)
    objective = Objective(pixel_weights(valid, scribbles, 0.5), mu)
    assert_same_step(make_network(n_bands, p, q, m, seed), image, valid, objective, targets)


@pytest.mark.parametrize(
    ("height", "width", "p", "q", "m"),
    [
        (1, 9, 4, 3, 2),
        (9, 1, 4, 3, 2),
        (16, 20, 6, 5, 16),
        (150, 90, 12, 10, 2),
        (3, 7000, 3, 2, 2),
    ],
)
def test_odd_shapes_and_many_strips(height, width, p, q, m):
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    valid = torch.ones(1, height, width, dtype=torch.bool)
    objective = Objective(pixel_weights(valid, None, 0.5), 1.0)
    assert_same_step(make_network(3, p, q, m), image, valid, objective)


@pytest.mark.parametrize("height", [7, 150])
def test_three_threads_compute_the_same_step(height):
    """Seams of the continuity term between the threads' rows, and a mask, included."""
    generator = torch.Generator().manual_seed(4)
    image = torch.rand(2, 3, height, 90, generator=generator)
    valid = torch.rand(2, height, 90, generator=generator) > 0.1
    objective = Objective(pixel_weights(valid, None, 0.5), 3.0)
    network = make_network(3, 18, 10, 2)
    with cpu_threads(3):
        assert_same_step(network, image * valid[:, None], valid, objective)


def test_one_pixel_moves_nothing_but_the_last_offset():
    """With one pixel every normalisation gives its offset, whatever the weights before it."""
    image, valid = torch.rand(1, 3, 1, 1), torch.ones(1, 1, 1, dtype=torch.bool)
    network = make_network(3, 4, 3, 2)
    engine = FusedEngine(network, image, valid, Objective(valid.float()), SCHEDULE, "fp32")
    beta = network.classifier_norm.bias.detach().clone()
    target = engine.label()
    assert target.item() == beta.argmax()
    loss = engine.differentiate(target)
    assert loss == pytest.approx(-float(beta.log_softmax(0)[target.item()]), abs=1e-3)
    expected = beta.softmax(0) - functional.one_hot(target.flatten()[0], 3)
    torch.testing.assert_close(network.classifier_norm.bias.grad, expected, atol=1e-3, rtol=0)
    assert float(network.convs[0].weight.grad.abs().max()) < 1e-2


@pytest.mark.parametrize("mu", [0.0, 5.0])
@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "Winograd"])
def test_five_iterations_stay_together(mu, is_direct, monkeypatch):
    """With these weights no unit stands at its kink, where a rounding would change its side."""
    if is_direct:
        monkeypatch.setattr("nuriwake.engine.convolution._MIN_CHANNELS", 1000)
    image = waves(40, 56)
    valid = torch.ones(1, 40, 56, dtype=torch.bool)
    superpixels = (torch.arange(40)[:, None] // 4 * 14 + torch.arange(56) // 4)[None]
    objective = Objective(pixel_weights(valid, None, 0.5), mu)
    network = make_network(3, 20, 16, 2, seed=2)
    (one, plain), (other, fused) = make_engines(network, image, valid, objective)
    for _ in range(5):
        targets = majority_vote(plain.label(), superpixels, 16)
        fused.label()
        assert fused.update(targets) == pytest.approx(plain.update(targets), abs=1e-4)
    with torch.no_grad():
        torch.testing.assert_close(other(image), one(image), atol=1e-4, rtol=0)


@pytest.mark.usefixtures("bf16_road")
@pytest.mark.parametrize("mu", [0.0, 5.0])
def test_bfloat16_gradients_point_the_same_way(mu):
    image = waves(120, 160)
    valid = torch.ones(1, 120, 160, dtype=torch.bool)
    objective = Objective(pixel_weights(valid, None, 0.5), mu)
    network = build_network(3, 100, 100, 2, seed=3)
    (one, plain), (other, fused) = make_engines(network, image, valid, objective, "bf16")
    labels = plain.label()
    assert float((fused.label() == labels).float().mean()) > 0.95
    plain.update(labels)
    fused.update(labels)
    for (name, expected), found in zip(one.named_parameters(), other.parameters(), strict=True):
        if float(expected.grad.norm()) > 1e-6:  # some are 0 but for rounding
            cosine = functional.cosine_similarity(expected.grad.ravel(), found.grad.ravel(), dim=0)
            assert float(cosine) >= 0.995, name


@pytest.mark.usefixtures("bf16_road")
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_two_runs_are_bit_for_bit_the_same(precision):
    image = waves(60, 70)
    valid = torch.ones(1, 60, 70, dtype=torch.bool)
    objective = Objective(pixel_weights(valid, None, 0.5), 5.0)
    runs = []
    for _ in range(2):
        network = build_network(3, 17, 13, 3, seed=3)
        engine = FusedEngine(network, image, valid, objective, SCHEDULE, precision)
        losses = [engine.update(engine.label()) for _ in range(4)]
        runs.append((losses, engine.label()))
    assert runs[0][0] == runs[1][0]
    assert torch.equal(runs[0][1], runs[1][1])


def test_targets_under_the_mask_have_no_weight():
    image = waves(20, 30)
    valid = torch.ones(1, 20, 30, dtype=torch.bool)
    valid[:, 5:9, 10:20] = False
    objective = Objective(pixel_weights(valid, None, 0.5), 2.0)
    gradients = []
    for wrong in (0, 7):
        network = make_network(3, 8, 8, 2)
        engine = FusedEngine(network, image * valid[:, None], valid, objective, SCHEDULE, "fp32")
        engine.differentiate(torch.where(valid, engine.label(), wrong))
        gradients.append(torch.cat([p.grad.ravel() for p in network.parameters()]))
    assert torch.equal(*gradients)


def test_freeze_stores_the_statistics_of_the_last_labels():
    image = waves(30, 40)
    valid = torch.ones(1, 30, 40, dtype=torch.bool)
    valid[:, :4] = False
    image = image * valid[:, None]
    network = make_network(3, 9, 7, 3)
    engine = FusedEngine(
        network, image, valid, Objective(pixel_weights(valid, None, 0.5)), SCHEDULE, "fp32"
    )
    labels = engine.label()
    engine.freeze()
    reference = make_network(3, 9, 7, 3)
    expected = reference.freeze(image, valid[:, None].float())
    with torch.no_grad():
        found = network.eval()(image)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert bool((expected.argmax(dim=1) == labels)[valid].float().mean() > 0.99)


def test_another_batch_goes_on_with_the_same_momentum():
    """Batches with other pixels, masks and weights in turn, as several images give them."""
    generator = torch.Generator().manual_seed(2)
    one = None
    for _ in range(3):
        image = torch.rand(2, 3, 9, 11, generator=generator)
        valid = torch.rand(2, 9, 11, generator=generator) > 0.2
        image = image * valid[:, None]
        objective = Objective(pixel_weights(valid, None, 0.5), 2.0)
        if one is None:
            (one, plain), (_, fused) = make_engines(
                make_network(3, 8, 6, 2), image, valid, objective
            )
        else:
            plain.load(image, valid, objective)
            fused.load(image, valid, objective)
        targets = plain.label()
        fused.label()
        assert fused.update(targets) == pytest.approx(plain.update(targets), abs=1e-4)
