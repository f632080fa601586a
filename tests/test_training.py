"""The stream of steps."""

from __future__ import annotations

import torch

from nuriwake.engine.compute import cpu_threads
from nuriwake.engine.plain import Schedule
from nuriwake.recipes.training import count_labels, train


class Shrinking:
    """An engine whose labels in use are 5, 4, 3, ..."""

    def __init__(self) -> None:
        self.n_labels = 6
        self.targets = []

    def label(self) -> torch.Tensor:
        self.n_labels -= 1
        return torch.arange(10)[None, None] % self.n_labels

    def update(self, targets: torch.Tensor) -> float:
        self.targets.append(targets)
        return float(self.n_labels)


VALID = torch.ones(1, 1, 10, dtype=torch.bool)


def test_stops_when_few_labels_are_left():
    steps = list(train(Shrinking(), lambda c: c, Schedule(100, min_labels=3), VALID))
    assert [step.n_labels for step in steps] == [5, 4, 3]
    assert [step.iteration for step in steps] == [1, 2, 3]
    assert [step.loss for step in steps] == [5.0, 4.0, 3.0]


def test_stops_after_max_iter():
    steps = list(train(Shrinking(), lambda c: c, Schedule(2, min_labels=1), VALID))
    assert len(steps) == 2


def test_targets_are_the_refined_labels():
    engine = Shrinking()
    list(train(engine, lambda c: c + 7, Schedule(1, 1), VALID))
    assert engine.targets[0].min() == 7


def test_making_targets_wakes_no_threads():
    threads = []

    def refine(labels: torch.Tensor) -> torch.Tensor:
        threads.append(torch.get_num_threads())
        return labels

    with cpu_threads(2):
        steps = train(Shrinking(), refine, Schedule(1, 1), VALID)
        threads.extend(torch.get_num_threads() for _ in steps)
    assert threads == [1, 2]


def test_each_step_shows_its_own_labels():
    steps = list(train(Shrinking(), lambda c: c, Schedule(2, 1), VALID))
    assert [int(step.labels().max()) for step in steps] == [4, 3]


def test_labels_of_invalid_pixels_do_not_count():
    assert count_labels(torch.tensor([0, 1, 2]), torch.tensor([True, True, False])) == 2
