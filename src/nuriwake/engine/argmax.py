"""The first maximum of each row, in vectorised passes."""

from __future__ import annotations

from torch import Tensor


def first_maximum_(responses: Tensor, ranks: Tensor) -> Tensor:
    """Return the index of each row's first maximum. Destroys ``responses``.

    Three vectorised passes: several times faster on a CPU than `torch.argmax`, which promises
    nothing about ties besides.

    Parameters
    ----------
    responses : Tensor of float32, shape (N, q)
        Holds anything afterwards.
    ranks : Tensor of float32, shape (q,)
        q, q - 1, ..., 1.

    Returns
    -------
    Tensor of int64, shape (N,)
        In [0, q); q - 1 where a row holds a NaN.

    Examples
    --------
    >>> import torch
    >>> first_maximum_(torch.tensor([[0.0, 5.0, 5.0]]), torch.tensor([3.0, 2.0, 1.0]))
    tensor([1])
    """
    largest = responses.amax(dim=1, keepdim=True)
    rank = responses.eq_(largest).mul_(ranks).amax(dim=1)
    return (len(ranks) - rank).long().clamp_(max=len(ranks) - 1)
