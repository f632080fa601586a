"""The float32 product that gives the responses, by the fastest kernel that PyTorch ships."""

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

    Notes
    -----
    `torch.nn.functional.linear` calls the BLAS, which on AMD processors uses half of the vector
    unit; oneDNN's product, of the same accuracy, is twice as fast there.

    Examples
    --------
    >>> linear(torch.ones(1, 2), torch.tensor([[1.0, 2.0]]), torch.tensor([0.5]))
    tensor([[3.5000]])
    """
    if x.device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
        return result
    return functional.linear(x, weight, bias)
