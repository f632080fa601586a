"""The stream of steps."""

from __future__ import annotations

import numpy as np

from nuriwake.engine.schedule import Schedule
from nuriwake.recipes.training import train


class Shrinking:
    """An engine whose labels in use are 5, 4, 3, ..."""

    def __init__(self) -> None:
        self.n_labels = 6
        self.targets = []

    def label(self) -> np.ndarray:
        self.n_labels -= 1
        return np.arange(10)[None, None] % self.n_labels

    def update(self, targets: np.ndarray) -> float:
        self.targets.append(targets)
        return float(self.n_labels)


def run(engine, schedule, move=0):
    def judge(labels):
        return np.unique(labels).size, labels + move

    return list(train(engine, judge, schedule, np.asarray))


def test_stops_when_few_labels_are_left():
    steps = run(Shrinking(), Schedule(100, min_labels=3))
    assert [step.n_labels for step in steps] == [5, 4, 3]
    assert [step.iteration for step in steps] == [1, 2, 3]
    assert [step.loss for step in steps] == [5.0, 4.0, 3.0]


def test_stops_after_max_iter():
    steps = run(Shrinking(), Schedule(2, min_labels=1))
    assert len(steps) == 2


def test_targets_are_the_refined_labels():
    engine = Shrinking()
    run(engine, Schedule(1, 1), move=7)
    assert engine.targets[0].min() == 7


def test_each_step_shows_its_own_labels():
    steps = run(Shrinking(), Schedule(2, 1))
    assert [int(step.labels().max()) for step in steps] == [4, 3]
