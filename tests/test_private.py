"""The names of PyTorch that it does not promise to keep, and the roads without them."""

from __future__ import annotations

import pytest
import torch

from nuriwake.engine import kernels, private


@pytest.mark.parametrize("name", private.NAMES)
def test_pytorch_still_has_it(name):
    assert callable(private.find(name)), f"this PyTorch has no torch.{name} any more"


def results() -> list[torch.Tensor]:
    """What each kernel makes of the same numbers."""
    generator = torch.Generator().manual_seed(0)
    rows, weight = torch.randn(2, 6, 6, generator=generator)
    image = torch.randn(5, 7, 6, generator=generator)
    kernel = torch.randn(4, 6, 3, 3, generator=generator)
    return [
        kernels.linear(rows, weight, rows[0]),
        kernels.product(rows, weight),
        kernels.convolve(image, kernel, rows[0, :4], relu=True),
        kernels.convolve(image, kernel, None),
        kernels.relu_backward(rows, weight),
    ]


@pytest.mark.parametrize("gone", [*([name] for name in private.NAMES), list(private.NAMES)])
def test_without_it_the_plain_road_gives_the_same(gone, monkeypatch):
    expected = results()
    find = private.find
    monkeypatch.setattr(private, "find", lambda name: None if name in gone else find(name))
    for one, other in zip(results(), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_flags_of_old_versions(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    for yes in (private.HAS_AVX512_BF16, private.HAS_AMX, None):
        monkeypatch.setattr(private, "find", lambda name, yes=yes: lambda: name == yes)
        assert private.has_bf16_flag() == (yes is not None)
