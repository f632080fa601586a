"""Which number format the matrix products use, and on which machines bfloat16 pays.

bfloat16 has the range of float32 and 8 significant bits. Processors with AVX512-BF16 or AMX, and
graphics cards since Ampere, multiply bfloat16 matrices several times faster than float32 ones and
add the products up in float32.
"""

from typing import Literal

import torch

Precision = Literal["auto", "bf16", "fp32"]

__all__ = ["Precision", "compute_dtype", "has_fast_bf16"]


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 ones on ``device``.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool
        On a CPU: it has AVX512-BF16 or AMX. On CUDA: the card computes in bfloat16 itself.
        Elsewhere (MPS): False, as its convolutions are no faster in bfloat16.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        # The AMX and AVX512-BF16 flags are the compiler-independent facts; oneDNN also claims
        # bfloat16 on plain AVX512, where it is emulated and slower than float32.
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def compute_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Choose the number format of the feature maps and matrix products.

    Parameters
    ----------
    precision : {"auto", "bf16", "fp32"}
        "auto" takes bfloat16 where it is fast (`has_fast_bf16`), float32 elsewhere. "bf16" takes
        it anywhere, also where it is slower.
    device : torch.device

    Returns
    -------
    torch.dtype
        ``torch.bfloat16`` or ``torch.float32``.

    Examples
    --------
    >>> import torch
    >>> compute_dtype("fp32", torch.device("cpu"))
    torch.float32
    """
    if precision == "fp32":
        return torch.float32
    if precision == "bf16" or has_fast_bf16(device):
        return torch.bfloat16
    return torch.float32
