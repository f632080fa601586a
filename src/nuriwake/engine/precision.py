"""Which number format the matrix products use, and on which machines bfloat16 pays.

bfloat16 has the range of float32 and 8 significant bits. Processors with AVX512-BF16 or AMX, and
graphics cards since Ampere, multiply bfloat16 matrices several times faster than float32 ones and
add the products up in float32. On a processor that cannot, "bf16" only stores the maps so, which
takes half of the memory, and the products are float32 (:mod:`nuriwake.engine.kernels`).
"""

from typing import Literal

import torch

from nuriwake.engine import private

Precision = Literal["auto", "bf16", "fp32"]

__all__ = ["Precision", "compute_dtype", "has_fast_bf16", "instruction_set", "multiplies_bf16"]


def multiplies_bf16(device: torch.device) -> bool:
    """Whether there are bfloat16 matrix products on ``device`` at all, fast or not.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool
        On a CPU: oneDNN says that it can. Elsewhere: True, PyTorch sees to it.
    """
    return device.type != "cpu" or private.answers(private.MULTIPLIES_BF16)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are faster than float32 ones on ``device``.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool
        On a CPU: oneDNN can, and the processor has AVX512-BF16 or AMX. On CUDA: the card computes
        in bfloat16 itself. Elsewhere (MPS): False, as its convolutions are no faster in bfloat16.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # oneDNN also claims bfloat16 on plain AVX512, where it is emulated and slower than float32.
    return device.type == "cpu" and multiplies_bf16(device) and private.has_bf16_flag()


def instruction_set() -> str:
    """Name the vector instructions that the CPU's kernels use.

    Returns
    -------
    str
        What PyTorch found (or was told by ``ATEN_CPU_CAPABILITY`` to use), as "AVX2" or "AVX512";
        "AVX512-BF16" where bfloat16 is fast too.
    """
    found = torch.backends.cpu.get_cpu_capability()
    return f"{found}-BF16" if has_fast_bf16(torch.device("cpu")) else found


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
