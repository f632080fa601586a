"""Inference in blocks against the network itself, and against itself on other crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.engine.predict import BLOCK, Predictor
from nuriwake.learn.network import Network, build_network
from nuriwake.raster import Window
from nuriwake.recipes.published import as_tensor


def picture(height, width, n_bands=3, seed=0) -> np.ndarray:
    """A smooth random picture, in [0, 1]."""
    generator = np.random.default_rng(seed)
    row, column = np.mgrid[:height, :width] / 9.0
    waves = [np.sin(row * generator.random() + column * generator.random()) for _ in range(n_bands)]
    noise = generator.random((height, width, n_bands))
    return np.clip(0.5 + 0.3 * np.stack(waves, axis=-1) + 0.2 * noise, 0, 1).astype(np.float32)


def trained(n_bands=3, p=12, q=9, m=2, seed=0) -> Network:
    """A network with statistics of some picture and normalisations that are not the identity."""
    network = build_network(n_bands, p, q, m, seed)
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(-1.5, 1.5, generator=generator)
            module.bias.data.uniform_(-0.5, 0.5, generator=generator)
    network.freeze(as_tensor(picture(40, 50, n_bands)))
    return network.eval()


@torch.no_grad()
def by_network(network: Network, image: np.ndarray) -> np.ndarray:
    return network(as_tensor(image))[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 7), (30, 1), (BLOCK, BLOCK), (BLOCK + 3, 2 * BLOCK - 1)]
)
@pytest.mark.parametrize("m", [1, 3])
def test_responses_are_those_of_the_network(shape, m):
    network, image = trained(m=m), picture(*shape)
    found = Predictor(network, precision="fp32").responses(image)
    np.testing.assert_allclose(found, by_network(network, image), atol=2e-5)


def test_labels_are_the_first_largest_response_and_0_is_no_data():
    network, image = trained(), picture(20, 30)
    valid = np.ones((20, 30), bool)
    valid[3:6, 4:9] = False
    image[~valid] = 0
    predictor = Predictor(network, precision="fp32")
    expected = predictor.responses(image).argmax(axis=2) + 1
    expected[~valid] = 0
    labels = predictor.labels(image, valid)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, expected)


BIG = picture(300, 280, seed=4)
PREDICTORS = {m: Predictor(trained(m=m, p=20, q=16), precision="fp32") for m in (1, 2, 4)}
WHOLE = {m: predictor.responses(BIG) for m, predictor in PREDICTORS.items()}


@settings(max_examples=30, deadline=None)
@given(data=st.data(), m=st.sampled_from(sorted(PREDICTORS)))
def test_a_pixel_does_not_depend_on_its_tile(data, m):
    """Core + halo of any place and shape gives, bit for bit, the core of the whole."""
    height = data.draw(st.integers(1, 160))
    width = data.draw(st.integers(1, 160))
    top = data.draw(st.integers(0, BIG.shape[0] - height))
    left = data.draw(st.integers(0, BIG.shape[1] - width))
    halo_top, halo_left = min(m, top), min(m, left)
    tile = BIG[top - halo_top : top + height + m, left - halo_left : left + width + m]
    found = PREDICTORS[m].responses(tile)
    core = found[halo_top : halo_top + height, halo_left : halo_left + width]
    np.testing.assert_array_equal(core, WHOLE[m][top : top + height, left : left + width])


@pytest.mark.usefixtures("bf16_road")
def test_bfloat16_agrees_but_for_near_ties():
    network, image = trained(p=40, q=20), picture(100, 120)
    one = Predictor(network, precision="bf16").labels(image)
    other = Predictor(network, precision="fp32").labels(image)
    assert (one == other).mean() > 0.97


def test_training_on_does_not_change_a_predictor():
    network, image = trained(), picture(10, 10)
    predictor = Predictor(network, precision="fp32")
    before = predictor.responses(image)
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.zero_()
    np.testing.assert_array_equal(predictor.responses(image), before)


def test_margin_is_the_gap_between_the_two_best_probabilities():
    network = build_network(2, 5, 3, 1, seed=0)
    image = np.random.default_rng(0).random((6, 7, 2), dtype=np.float32)
    network.freeze(torch.from_numpy(image).permute(2, 0, 1)[None])
    predictor = Predictor(network.eval(), "fp32")
    best = np.sort(torch.from_numpy(predictor.responses(image)).softmax(dim=2).numpy(), axis=2)
    valid = np.ones((6, 7), bool)
    valid[0, 0] = False
    margins = predictor.margins(image, valid)
    assert margins[0, 0] == 0
    np.testing.assert_allclose(margins[1:], (best[:, :, 2] - best[:, :, 1])[1:], atol=1e-6)


@pytest.mark.usefixtures("bf16_road")
def test_bfloat16_tiles_agree_with_the_whole():
    predictor, rng = Predictor(trained(p=32, q=20), "bf16"), np.random.default_rng(1)
    whole = predictor.labels(BIG)
    n_pixels = n_equal = 0
    for _ in range(8):
        top, left = rng.integers(3, 150, 2)
        height, width = rng.integers(20, 120, 2)
        tile = predictor.labels(BIG[top - 3 : top + height + 3, left - 3 : left + width + 3])
        same = tile[3:-3, 3:-3] == whole[top : top + height, left : left + width]
        n_pixels, n_equal = n_pixels + same.size, n_equal + int(same.sum())
    assert n_equal / n_pixels >= 0.9999


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_labels_of_a_core_are_those_of_the_whole(data):
    height, width = data.draw(st.integers(1, 150)), data.draw(st.integers(1, 150))
    top = data.draw(st.integers(0, BIG.shape[0] - height))
    left = data.draw(st.integers(0, BIG.shape[1] - width))
    core, valid = Window(top, left, height, width), np.ones(BIG.shape[:2], bool)
    valid[top, left] = False
    found = PREDICTORS[2].labels(BIG, valid, core)
    expected = WHOLE[2].argmax(axis=2)[core.slices] + 1
    expected[0, 0] = 0
    np.testing.assert_array_equal(found, expected)
