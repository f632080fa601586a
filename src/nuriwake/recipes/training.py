"""Algorithm 1: the network labels the image, its own labels become the targets, and again.

:func:`train` is a generator of steps. The progress bar, the live page and the tests read the same
stream; who stops reading stops the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nuriwake.engine.compute import cpu_threads
from nuriwake.engine.plain import Engine, Schedule
from nuriwake.learn.superpixels import Refinement


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


def always(_labels: Tensor) -> bool:
    """Let the training stop as soon as few labels are left."""
    return True


def train(
    engine: Engine,
    refine: Refinement,
    schedule: Schedule,
    valid: Tensor,
    may_stop: Callable[[Tensor], bool] = always,
) -> Iterator[Step]:
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
    may_stop : callable
        Asked, with the labels, when few are left; False goes on.

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
        # PyTorch's own threads, woken up for so little, would spin on beside those of the engine.
        with cpu_threads(1):
            n_labels, targets = count_labels(labels, valid), refine(labels)
        loss = engine.update(targets)
        yield Step(iteration, n_labels, loss, lambda labels=labels: labels)  # type: ignore[misc]
        if n_labels <= schedule.min_labels and may_stop(labels):
            return


def count_labels(labels: Tensor, valid: Tensor) -> int:
    """Count the labels in use, q'.

    Examples
    --------
    >>> count_labels(torch.tensor([0, 4, 4, 7]), torch.tensor([True, True, True, False]))
    2
    """
    counted = torch.where(valid, labels + 1, 0)
    return int((torch.bincount(counted.flatten())[1:] > 0).sum())
