"""Scribbles among the targets of a training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nuriwake.learn.voting import Refinement
from nuriwake.raster import LabelMap

#: Share of the scribbled pixels that must have their label before the training may stop early.
FOLLOWED_SHARE = 0.99


class Guide:
    """Scribbled pixels keep the label that was drawn, whatever the targets' refinement says.

    Parameters
    ----------
    refine : callable
        The recipe's own refinement.
    scribbles : ndarray of int32, shape (height, width)
        0 = not scribbled.
    device : torch.device

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, section III-C.

    Examples
    --------
    >>> guide = Guide(lambda labels: labels, np.array([[0, 3]], np.int32), torch.device("cpu"))
    >>> guide(torch.tensor([[[7, 7]]]))
    tensor([[[7, 2]]])
    """

    def __init__(self, refine: Refinement, scribbles: LabelMap, device: torch.device) -> None:
        drawn = torch.from_numpy(scribbles.astype(np.int64))[None].to(device)
        self._refine = refine
        self._is_drawn, self._targets = drawn > 0, drawn - 1

    def __call__(self, labels: Tensor) -> Tensor:
        """Return the targets."""
        return torch.where(self._is_drawn, self._targets, self._refine(labels))

    def is_followed(self, labels: Tensor) -> bool:
        """Tell whether the network gives nearly every scribbled pixel its label.

        The papers stop when as many labels are in use as were drawn. They need not be the same
        labels: early in the training one region may still have a label that nobody drew.
        """
        hits = (labels == self._targets) & self._is_drawn
        return bool(hits.sum() >= FOLLOWED_SHARE * self._is_drawn.sum())
