"""Algorithm 1: the network labels the image, its own labels become the targets, and again.

:func:`train` is a generator of steps. The progress bar, the live page and the tests read the same
stream; who stops reading stops the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from nuriwake.engine.schedule import Schedule

#: Labels as an engine gives them: a tensor, or an array.
Labels = TypeVar("Labels")


class Engine(Protocol[Labels]):
    """One way to compute a training step of a network on an image."""

    def label(self) -> Labels:
        """Run the network; return the argmax label of each pixel, int64."""

    def update(self, targets: Labels) -> float:
        """Descend one step towards the targets; return the loss before it."""


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
        Returns the label of each pixel, an ndarray of int64 of shape (B, H, W) in [0, q), before
        this update. Called only by who wants to look.
    """

    iteration: int
    n_labels: int
    loss: float
    labels: Callable[[], NDArray[np.int64]]


def always(_labels: object) -> bool:
    """Let the training stop as soon as few labels are left."""
    return True


def train(
    engine: Engine[Labels],
    judge: Callable[[Labels], tuple[int, Labels]],
    schedule: Schedule,
    show: Callable[[Labels], NDArray[np.int64]],
    may_stop: Callable[[Labels], bool] = always,
) -> Iterator[Step]:
    """Train until the iterations are used up or few labels are left.

    Parameters
    ----------
    engine : Engine
        Computes the steps.
    judge : callable
        Counts the labels in use, and turns the argmax labels into targets: the superpixels' vote,
        the scribbles, or nothing.
    schedule : Schedule
    show : callable
        Turns labels into the array of a :class:`Step`.
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
        n_labels, targets = judge(labels)
        loss = engine.update(targets)
        yield Step(iteration, n_labels, loss, partial(show, labels))
        if n_labels <= schedule.min_labels and may_stop(labels):
            return
