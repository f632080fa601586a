"""What a training step computes, and the reference way to compute it.

:class:`PlainEngine` leaves the gradients to PyTorch; :class:`nuriwake.engine.fused.FusedEngine`
computes the same faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuriwake.engine.schedule import Schedule
from nuriwake.learn.losses import continuity, similarity
from nuriwake.learn.network import Network


@dataclass(frozen=True)
class Objective:
    """What a training step minimises: weighted cross-entropy + mu * continuity.

    Parameters
    ----------
    weights : Tensor of float32, shape (B, H, W)
        How much each pixel's target counts (:func:`nuriwake.learn.losses.pixel_weights`).
    continuity : float
        mu; 0 leaves the term out.
    """

    weights: Tensor
    continuity: float = 0.0


class PlainEngine:
    """The training step by PyTorch's automatic differentiation: the reference for every other.

    Parameters
    ----------
    network : Network
        Trained in place.
    image : Tensor of float32, shape (B, bands, H, W)
    valid : Tensor of bool, shape (B, H, W)
    objective : Objective
    schedule : Schedule

    Examples
    --------
    >>> network = Network(n_bands=1, n_channels=2, n_labels=2, n_layers=1)
    >>> valid = torch.ones(1, 3, 3, dtype=torch.bool)
    >>> objective = Objective(weights=valid / 9)
    >>> engine = PlainEngine(network, torch.rand(1, 1, 3, 3), valid, objective, Schedule(1, 1))
    >>> engine.update(engine.label()) > 0
    True
    """

    def __init__(
        self,
        network: Network,
        image: Tensor,
        valid: Tensor,
        objective: Objective,
        schedule: Schedule,
    ) -> None:
        self._network = network.train()
        self._responses = torch.empty(0)
        self._optimiser = torch.optim.SGD(
            network.parameters(), lr=schedule.learning_rate, momentum=schedule.momentum
        )
        self.load(image, valid, objective)

    def load(self, image: Tensor, valid: Tensor, objective: Objective) -> None:
        """Go on with another batch; the momentum stays."""
        self._image = image
        # No mask where there is nothing to mask: PyTorch's own normalisation is much faster.
        self._valid = None if bool(valid.all()) else valid[:, None]
        self._objective = objective

    def label(self) -> Tensor:
        """Run the network; return the argmax label of each pixel, int64 (B, H, W)."""
        valid = None if self._valid is None else self._valid.to(self._image.dtype)
        self._responses = self._network(self._image, valid)
        return self._responses.argmax(dim=1)

    def update(self, targets: Tensor) -> float:
        """Descend one step towards the targets; return the loss before it."""
        self._optimiser.zero_grad()
        loss = similarity(self._responses, targets, self._objective.weights)
        if self._objective.continuity:
            loss = loss + self._objective.continuity * continuity(self._responses, self._valid)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return float(loss.detach())
