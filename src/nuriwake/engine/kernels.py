"""Matrix products and convolutions by the fastest kernels that PyTorch ships.

`torch.mm` on float32 calls the BLAS, which on AMD processors uses half of the vector unit; oneDNN's
product, of the same accuracy, is up to twice as fast there. And `conv2d` leaves oneDNN for a loop
of its own where a float32 input has few numbers, as a strip of an image with few bands has.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute x W^T + b in float32.

    Parameters
    ----------
    x : Tensor of float32, shape (N, p)
    weight : Tensor of float32, shape (q, p)
    bias : Tensor of float32, shape (q,)

    Returns
    -------
    Tensor of float32, shape (N, q)

    Examples
    --------
    >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([0.5]))
    tensor([[3.5000]])
    """
    if _has_onednn(x):
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return result
    return functional.linear(x, weight, bias)


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
    if a.dtype == torch.float32 and _has_onednn(a):
        result: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")
        return result
    return a @ b


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
    image = x.permute(2, 0, 1)[None]
    if _has_onednn(x):
        after = "relu" if relu else "none"
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            image, weight, bias, [0, 0], [1, 1], [1, 1], 1, after, [], ""
        )
    else:
        result = functional.conv2d(image, weight, bias)
        result = result.relu_() if relu else result
    return result[0].permute(1, 2, 0).contiguous()


def _has_onednn(x: Tensor) -> bool:
    return x.device.type == "cpu" and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
