"""Matrix products and convolutions by the fastest kernels that PyTorch ships.

`torch.mm` on float32 calls the BLAS, which on AMD processors uses half of the vector unit; oneDNN's
product, of the same accuracy, is up to twice as fast there. And `conv2d` leaves oneDNN for a loop
of its own where a float32 input has few numbers, as a strip of an image with few bands has.
oneDNN refuses bfloat16 on processors that cannot multiply it: those widen it to float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from nuriwake.engine import private
from nuriwake.engine.precision import multiplies_bf16


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute x W^T + b in the dtype of the three.

    Parameters
    ----------
    x : Tensor of shape (N, p)
    weight : Tensor of shape (q, p)
    bias : Tensor of shape (q,)

    Returns
    -------
    Tensor of shape (N, q)

    Examples
    --------
    >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([0.5]))
    tensor([[3.5000]])
    """
    if _must_widen(x):
        return linear(x.float(), weight.float(), bias.float()).to(x.dtype)
    kernel = _onednn(private.LINEAR, x)
    if kernel is None:
        return functional.linear(x, weight, bias)
    result: Tensor = kernel(x, weight, bias, "none", [], "")
    return result


def product(a: Tensor, b: Tensor) -> Tensor:
    """Compute A B in the dtype of the two.

    Parameters
    ----------
    a : Tensor of shape (m, n)
    b : Tensor of shape (n, k)

    Returns
    -------
    Tensor of shape (m, k)

    Examples
    --------
    >>> product(torch.ones(1, 2), torch.ones(2, 1))
    tensor([[2.]])
    """
    if _must_widen(a):
        return product(a.float(), b.float()).to(a.dtype)
    is_wide = a.dtype == torch.float32 and a.shape[0] >= a.shape[1]
    kernel = _onednn(private.LINEAR, a) if is_wide else None
    if kernel is None:
        return a @ b
    result: Tensor = kernel(a, b.t(), None, "none", [], "")
    return result


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, *, relu: bool = False) -> Tensor:
    """Convolve with a 3x3 kernel, without padding, and apply a ReLU where asked for.

    Parameters
    ----------
    x : Tensor of shape (rows, columns, C)
        Float32 or bfloat16.
    weight : Tensor of shape (C', C, 3, 3)
        Fastest where its channels lie together (``channels_last``).
    bias : Tensor of shape (C',), optional
    relu : bool

    Returns
    -------
    Tensor of shape (rows - 2, columns - 2, C')

    Examples
    --------
    >>> convolve(torch.ones(3, 4, 1), -torch.ones(1, 1, 3, 3), None)
    tensor([[[-9.],
             [-9.]]])
    >>> convolve(torch.ones(3, 3, 1), -torch.ones(1, 1, 3, 3), None, relu=True)
    tensor([[[0.]]])
    """
    if _must_widen(x):
        wide = None if bias is None else bias.float()
        return convolve(x.float(), weight.float(), wide, relu=relu).to(x.dtype)
    image = x.permute(2, 0, 1)[None]
    kernel = _onednn(private.CONVOLUTION, x)
    if kernel is None:
        result = functional.conv2d(image, weight, bias)
        result = result.relu_() if relu else result
    else:
        after = "relu" if relu else "none"
        result = kernel(image, weight, bias, [0, 0], [1, 1], [1, 1], 1, after, [], "")
    return result[0].permute(1, 2, 0).contiguous()


def relu_backward(gradient: Tensor, output: Tensor) -> Tensor:
    """Return the gradient of a ReLU's input: that of its output where this is positive, else 0.

    Examples
    --------
    >>> relu_backward(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 1.0]))
    tensor([0., 4.])
    """
    kernel = private.find(private.THRESHOLD_BACKWARD)
    if kernel is None:
        return gradient * (output > 0)
    result: Tensor = kernel(gradient, output, 0.0)
    return result


def _must_widen(x: Tensor) -> bool:
    return x.dtype == torch.bfloat16 and not multiplies_bf16(x.device)


def _onednn(name: str, x: Tensor) -> Callable[..., Any] | None:
    """Return oneDNN's kernel of this name, None where it cannot be called for ``x``."""
    is_there = x.device.type == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return private.find(name) if is_there else None
