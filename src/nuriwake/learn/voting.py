"""Spatial continuity by a vote: every superpixel takes the label most frequent in it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Turns the network's labels into targets: the superpixels' vote, the scribbles, or nothing.
Refinement = Callable[[Tensor], Tensor]


def count_labels(labels: Tensor, valid: Tensor) -> int:
    """Count the labels in use, q'.

    Examples
    --------
    >>> count_labels(torch.tensor([0, 4, 4, 7]), torch.tensor([True, True, True, False]))
    2
    """
    counted = torch.where(valid, labels + 1, 0)
    return int((torch.bincount(counted.flatten())[1:] > 0).sum())


def majority_vote(labels: Tensor, superpixels: Tensor, n_labels: int) -> Tensor:
    """Give every pixel the label most frequent in its superpixel.

    Parameters
    ----------
    labels : Tensor of int64, shape (..., H, W), in [0, n_labels)
    superpixels : Tensor of int64, same shape
        Dense ids; pixels with a negative id keep their label.
    n_labels : int
        q.

    Returns
    -------
    Tensor of int64, same shape
        A tie goes to the smallest label.

    References
    ----------
    Kanezaki, ICASSP 2018, section 2.2.

    Examples
    --------
    >>> labels = torch.tensor([[2, 1, 1, 5]])
    >>> majority_vote(labels, torch.tensor([[0, 0, 0, 1]]), n_labels=6)
    tensor([[1, 1, 1, 5]])
    """
    return MajorityVote(superpixels, n_labels)(labels)


class MajorityVote:
    """:func:`majority_vote` in superpixels that stay, as they do while a network is trained.

    Parameters
    ----------
    superpixels : Tensor of int64
        Dense ids; pixels with a negative id keep their label.
    n_labels : int
        q.

    Examples
    --------
    >>> vote = MajorityVote(torch.tensor([[0, 0, 0, 1, -1]]), n_labels=6)
    >>> vote(torch.tensor([[2, 1, 1, 5, 3]])), vote(torch.tensor([[0, 0, 1, 2, 4]]))
    (tensor([[1, 1, 1, 5, 3]]), tensor([[0, 0, 0, 2, 4]]))
    """

    def __init__(self, superpixels: Tensor, n_labels: int) -> None:
        outside = superpixels < 0
        self._outside = outside if bool(outside.any()) else None
        n_segments = int(superpixels.max()) + 1 if superpixels.numel() else 0
        # One more superpixel for the pixels that are in none; what it votes is not used.
        self._ids = torch.where(outside, n_segments, superpixels)
        self._first_cell = (self._ids * n_labels).flatten()
        # A cell holds n_labels x votes + rank: the largest cell has most votes, and of those with
        # as many the smallest label. The memory is kept: fresh pages would cost more than the vote.
        self._ranks = torch.arange(n_labels - 1, -1, -1, device=superpixels.device)
        self._table = self._ranks.repeat(n_segments + 1, 1)
        self._vote = self._first_cell.new_full((1,), n_labels).expand(self._first_cell.shape)

    def __call__(self, labels: Tensor) -> Tensor:
        """Return the label most frequent in each pixel's superpixel; like `superpixels`."""
        n_labels = len(self._ranks)
        self._table.copy_(self._ranks.expand_as(self._table))
        self._table.view(-1).scatter_add_(0, self._first_cell + labels.flatten(), self._vote)
        winners = (n_labels - 1) - self._table.amax(dim=1) % n_labels
        voted = winners[self._ids]
        return voted if self._outside is None else torch.where(self._outside, labels, voted)
