"""Algorithm 1: the network labels the image, its own labels become the targets, and again.

:func:`train` is a generator of steps. The progress bar, the live page and the tests read the same
stream; who stops reading stops the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from nuriwake.learn.losses import continuity, similarity
from nuriwake.learn.network import Network

Refinement = Callable[[Tensor], Tensor]


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


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    max_iter : int
        T, iterations at most.
    min_labels : int
        Stop when this many labels or fewer are in use.
    learning_rate, momentum : float
        Of the stochastic gradient descent.
    """

    max_iter: int
    min_labels: int
    learning_rate: float = 0.1
    momentum: float = 0.9


@dataclass(frozen=True)
class Step:
    """One iteration, as its readers see it.

    Parameters
    ----------
    iteration : int
        Counted from 1.
    n_labels : int
        q', the labels in use before this update.
    loss : float
        The loss before this update.
    labels : callable
        Returns the label of each pixel, int64 of shape (B, H, W) in [0, q), before this update.
        Called only by who wants to look.
    """

    iteration: int
    n_labels: int
    loss: float
    labels: Callable[[], Tensor]


class Engine(Protocol):
    """One way to compute a training step of a network on an image."""

    def label(self) -> Tensor:
        """Run the network; return the argmax label of each pixel, int64 (B, H, W)."""

    def update(self, targets: Tensor) -> float:
        """Descend one step towards the targets; return the loss before it."""


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
        self._image = image
        # No mask where there is nothing to mask: PyTorch's own normalisation is much faster.
        self._valid = None if bool(valid.all()) else valid[:, None]
        self._objective = objective
        self._responses = torch.empty(0)
        self._optimiser = torch.optim.SGD(
            network.parameters(), lr=schedule.learning_rate, momentum=schedule.momentum
        )

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


def train(engine: Engine, refine: Refinement, schedule: Schedule, valid: Tensor) -> Iterator[Step]:
    """Train until the iterations are used up or few labels are left.

    Parameters
    ----------
    engine : Engine
        Computes the steps.
    refine : callable
        Turns the argmax labels into targets: the superpixels' vote, the scribbles, or nothing.
    schedule : Schedule
    valid : Tensor of bool, shape (B, H, W)
        Which pixels' labels are counted.

    Yields
    ------
    Step
        After each update.

    References
    ----------
    Kanezaki, ICASSP 2018, algorithm 1.
    """
    for iteration in range(1, schedule.max_iter + 1):
        labels = engine.label()
        n_labels = count_labels(labels, valid)
        loss = engine.update(refine(labels))
        yield Step(iteration, n_labels, loss, lambda labels=labels: labels)  # type: ignore[misc]
        if n_labels <= schedule.min_labels:
            return


def count_labels(labels: Tensor, valid: Tensor) -> int:
    """Count the labels in use, q'.

    Examples
    --------
    >>> count_labels(torch.tensor([0, 4, 4, 7]), torch.tensor([True, True, True, False]))
    2
    """
    return int((torch.bincount(labels[valid]) > 0).sum())
