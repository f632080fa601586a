"""Strips, padded maps and moments against the obvious."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from nuriwake.engine.argmax import first_maximum_
from nuriwake.engine.convolution import ConvolutionGradient, Direct, Method, Winograd
from nuriwake.engine.kernels import linear, product
from nuriwake.engine.padded import PaddedMap, subtract_outside
from nuriwake.engine.strips import strips_of
from nuriwake.engine.sums import Moments

CPU = torch.device("cpu")


def filled(values: torch.Tensor) -> PaddedMap:
    """A map that holds (B, H, W, C) values."""
    result = PaddedMap(tuple(values.shape), values.dtype, CPU)
    result.data[:, 1:-1, 1:-1] = values
    return result


def assert_near(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Equal but for the rounding of a transform."""
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20), st.integers(1, 200))
def test_strips_cover_every_row_once_in_order(batch, height, width, n_pixels):
    strips = strips_of(batch, height, width, n_pixels)
    rows = [(s.image, row) for s in strips for row in range(s.start, s.stop)]
    assert rows == [(image, row) for image in range(batch) for row in range(height)]
    assert all((s.stop - s.start) * width <= max(n_pixels, width) for s in strips)


@pytest.mark.parametrize("method", [Direct(torch.float32), Winograd()])
@pytest.mark.parametrize(
    "shape", [(2, 7, 5), (1, 1, 1), (1, 1, 6), (1, 6, 1), (1, 8, 4), (1, 9, 13)]
)
@pytest.mark.parametrize("n_inputs", [3, 17])
def test_products_over_neighbourhoods(shape, n_inputs, method: Method):
    """Convolution, its weight gradient and its constant input's border, by autograd."""
    batch, height, width = shape
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, height, width, n_inputs, generator=generator)
    weight = torch.rand(4, n_inputs, 3, 3, generator=generator, requires_grad=True)
    constant = torch.rand(n_inputs, generator=generator)
    slopes = torch.rand(batch, height, width, 4, generator=generator)
    expected = functional.conv2d((x + constant).permute(0, 3, 1, 2), weight, padding=1)
    (expected * slopes.permute(0, 3, 1, 2)).sum().backward()
    kernel, source = method.prepare(weight.detach()), filled(x)
    outside = torch.einsum("ockl,c->klo", weight.detach(), constant)
    gradient = ConvolutionGradient(source, PaddedMap((*shape, 4), torch.float32, CPU), method)
    for strip in strips_of(*shape, n_pixels=2 * width):
        bias = outside.sum(dim=(0, 1))
        values = method.convolve(source.surroundings(strip), kernel, bias)
        subtract_outside(values, strip, height, outside)
        assert_near(values, expected.permute(0, 2, 3, 1)[strip.index].detach())
        gradient.add(strip, slopes[strip.index], torch.ones_like(slopes[strip.index]))
    torch.testing.assert_close(gradient.bias, slopes.sum(dim=(0, 1, 2)))
    through_constant = torch.einsum("klo,c->ockl", gradient.taps, constant)
    assert_near((gradient.weight + through_constant).float(), weight.grad)


@pytest.mark.parametrize("whole", [True, False])
def test_moments_survive_a_mean_that_dwarfs_the_spread(whole):
    block = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * 0.01 + 1000.0
    mask = (torch.arange(500) % 3 > 0).float()[:, None]
    moments = Moments(torch.full((3,), 1000.0), whole=whole)
    for part, chosen in zip(block.split(200), mask.split(200), strict=True):
        moments.add(part, chosen)
    mean, spread = moments.finish(int(mask.sum()))
    kept = block[mask[:, 0] > 0].double()
    expected = torch.cov(kept.T, correction=0)
    torch.testing.assert_close(mean, kept.mean(dim=0), rtol=1e-7, atol=0)
    torch.testing.assert_close(spread, expected if whole else expected.diag(), rtol=1e-3, atol=1e-8)


@given(st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=9))
def test_first_maximum_breaks_ties_like_numpy(rows):
    values = torch.tensor(rows, dtype=torch.float32)
    expected = values.numpy().argmax(axis=1).tolist()
    assert first_maximum_(values, torch.arange(4.0, 0.0, -1.0)).tolist() == expected


def test_products_are_products():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.rand(7, 5, generator=generator), torch.rand(5, 3, generator=generator)
    torch.testing.assert_close(product(a, b), a @ b)
    torch.testing.assert_close(product(b.t(), a.t()), b.t() @ a.t())
    torch.testing.assert_close(linear(a, b.t(), torch.ones(3)), a @ b + 1)
