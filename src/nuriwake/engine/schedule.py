"""The schedule of a training, whichever engine computes it."""

from __future__ import annotations

from dataclasses import dataclass


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
