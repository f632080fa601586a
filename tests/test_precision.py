"""Which number format a machine gets, by what it can do and what it does fast."""

from __future__ import annotations

import pytest
import torch

from nuriwake.engine import kernels, precision, private
from nuriwake.engine.precision import compute_dtype, has_fast_bf16, instruction_set

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("onednn", "flag", "fast"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_bf16_is_fast_where_both_onednn_and_the_processor_say_so(onednn, flag, fast, monkeypatch):
    monkeypatch.setattr(private, "answers", lambda name: onednn)
    monkeypatch.setattr(private, "has_bf16_flag", lambda: flag)
    assert has_fast_bf16(CPU) == fast
    assert compute_dtype("auto", CPU) == (torch.bfloat16 if fast else torch.float32)
    assert compute_dtype("bf16", CPU) == torch.bfloat16
    assert compute_dtype("fp32", CPU) == torch.float32
    assert instruction_set().endswith("-BF16") == fast


def test_cards_are_asked_by_pytorch(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert has_fast_bf16(torch.device("cuda"))
    assert not has_fast_bf16(torch.device("mps"))
    assert precision.multiplies_bf16(torch.device("mps"))


def test_a_processor_without_bf16_products_widens_and_rounds_once(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(4, 5, 3, generator=generator).bfloat16()
    kernel = torch.randn(2, 3, 3, 3, generator=generator).bfloat16()
    rows = image.flatten(0, 1)
    monkeypatch.setattr(private, "answers", lambda name: False)
    found = [
        kernels.convolve(image, kernel, kernel[:, 0, 0, 0]),
        kernels.product(rows.t(), rows),
        kernels.linear(rows, rows[:4], rows[:4, 0]),
    ]
    expected = [
        kernels.convolve(image.float(), kernel.float(), kernel[:, 0, 0, 0].float()),
        kernels.product(rows.float().t(), rows.float()),
        kernels.linear(rows.float(), rows[:4].float(), rows[:4, 0].float()),
    ]
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other.bfloat16())
