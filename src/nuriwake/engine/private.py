"""The names of PyTorch that it does not promise to keep: all that the package uses are found here.

Each has a plain road for the day when it is gone; ``tests/test_private.py`` says at once which one
that is.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import torch

#: oneDNN's matrix product and convolution, which `torch.mm` and `conv2d` do not always call.
LINEAR = "ops.mkldnn._linear_pointwise"
CONVOLUTION = "ops.mkldnn._convolution_pointwise"
#: Whether oneDNN multiplies bfloat16 on this processor, ``ONEDNN_MAX_CPU_ISA`` considered.
MULTIPLIES_BF16 = "ops.mkldnn._is_mkldnn_bf16_supported"
#: The gradient of a ReLU in one pass.
THRESHOLD_BACKWARD = "ops.aten.threshold_backward"
#: The processor's own flags, for versions without ``torch.cpu.get_capabilities``.
HAS_AVX512_BF16 = "cpu._is_avx512_bf16_supported"
HAS_AMX = "cpu._is_amx_tile_supported"
NAMES = (LINEAR, CONVOLUTION, MULTIPLIES_BF16, THRESHOLD_BACKWARD, HAS_AVX512_BF16, HAS_AMX)


def find(name: str) -> Callable[..., Any] | None:
    """Return one of :data:`NAMES`, None where this version of PyTorch has it no more.

    Examples
    --------
    >>> find("ops.mkldnn.never_was") is None
    True
    """
    try:
        function: Callable[..., Any] = attrgetter(name)(torch)
    except AttributeError:
        return None
    return function


def answers(name: str) -> bool:
    """Whether the question ``name`` can be asked and is answered with yes."""
    ask = find(name)
    return ask is not None and bool(ask())


def has_bf16_flag() -> bool:
    """Whether the processor itself has instructions for bfloat16 products (AVX512-BF16 or AMX)."""
    if hasattr(torch.cpu, "get_capabilities"):
        flags = torch.cpu.get_capabilities()
        return bool(flags.get("avx512_bf16") or flags.get("amx_bf16"))
    return answers(HAS_AVX512_BF16) or answers(HAS_AMX)
