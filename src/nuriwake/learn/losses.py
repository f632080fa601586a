"""The three terms of the loss: similarity, continuity, scribbles.

Similarity and scribbles are one weighted cross-entropy: a pixel's weight says how much its target
counts, so that the training step needs to know neither.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def pixel_weights(valid: Tensor, scribbled: Tensor | None, scribble_weight: float) -> Tensor:
    """How much each pixel counts in the cross-entropy.

    Without scribbles every valid pixel counts 1 / N, which makes the weighted sum the mean. With
    scribbles the unscribbled pixels share weight 1, the scribbled ones ``scribble_weight``.

    Parameters
    ----------
    valid : Tensor of bool, shape (..., H, W)
    scribbled : Tensor of bool, same shape, or None
    scribble_weight : float
        nu of the paper.

    Returns
    -------
    Tensor of float32, same shape as ``valid``

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, equation 1 and section III-C (scribbles).

    Examples
    --------
    >>> valid = torch.tensor([[True, True, True, False]])
    >>> scribbled = torch.tensor([[True, False, False, False]])
    >>> pixel_weights(valid, scribbled, 0.5)
    tensor([[0.5000, 0.5000, 0.5000, 0.0000]])
    """
    weights = torch.zeros(valid.shape, dtype=torch.float32, device=valid.device)
    if scribbled is None:
        scribbled = torch.zeros_like(valid)
    for group, total in ((valid & ~scribbled, 1.0), (valid & scribbled, scribble_weight)):
        n_pixels = int(group.sum())
        if n_pixels:
            weights[group] = total / n_pixels
    return weights


def similarity(responses: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted softmax cross-entropy between responses and target labels.

    Parameters
    ----------
    responses : Tensor of shape (B, q, H, W)
    targets : Tensor of int64, shape (B, H, W), in [0, q)
    weights : Tensor of shape (B, H, W)
        From :func:`pixel_weights`.

    Returns
    -------
    Tensor, a scalar

    References
    ----------
    Kanezaki, ICASSP 2018, section 2.3; Kim et al., TIP 2020, equation 2.

    Examples
    --------
    >>> responses = torch.zeros(1, 2, 1, 1)
    >>> similarity(responses, torch.zeros(1, 1, 1, dtype=torch.long), torch.ones(1, 1, 1))
    tensor(0.6931)
    """
    return (functional.cross_entropy(responses, targets, reduction="none") * weights).sum()


def continuity(responses: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean absolute difference of vertical neighbours plus that of horizontal neighbours.

    Parameters
    ----------
    responses : Tensor of shape (B, q, H, W)
    valid : Tensor of bool, shape (B, 1, H, W), or None
        Pairs with an invalid pixel do not count.

    Returns
    -------
    Tensor, a scalar
        0 in a direction that has no pair.

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, equation 3.

    Examples
    --------
    >>> continuity(torch.tensor([[0.0, 1.0], [0.0, 3.0]]).reshape(1, 1, 2, 2))
    tensor(3.)
    """
    total = responses.new_zeros(())
    for axis in (2, 3):
        length = responses.shape[axis]
        if length < 2:
            continue
        far, near = responses.narrow(axis, 1, length - 1), responses.narrow(axis, 0, length - 1)
        difference = (far - near).abs()
        if valid is None:
            total = total + difference.mean()
            continue
        pair = valid.narrow(axis, 0, length - 1) & valid.narrow(axis, 1, length - 1)
        n_values = pair.sum() * responses.shape[1]
        total = total + (difference * pair).sum() / n_values.clamp(min=1)
    return total
