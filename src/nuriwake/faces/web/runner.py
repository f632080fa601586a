"""The page's work in earnest: the recipes' steps, reported one by one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from nuriwake.faces.web.work import Progress, Report, Task
from nuriwake.raster import as_raster
from nuriwake.regions.tree import LabelTree, MergeTree, RegionTree
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.learn.training import Step

Result = TypeVar("Result")


def run_task(task: Task, report: Report) -> MergeTree:
    """Segment a task's image.

    Parameters
    ----------
    task : Task
    report : callable
        Called after each training step; when it raises, the training is simply not read on.

    Returns
    -------
    MergeTree
        Of regions by the recipe ``fast``, of labels by the published ones.
    """

    def show(step: Step) -> None:
        report(
            Progress(
                iteration=step.iteration,
                max_iter=task.settings.max_iter,
                n_labels=step.n_labels,
                loss=step.loss,
                labels=lambda: step.labels()[0].cpu().numpy(),
            )
        )

    return _grow_regions(task, show) if task.settings.recipe == "fast" else _grow_labels(task, show)


def _grow_regions(task: Task, show: Callable[[Step], None]) -> RegionTree:
    from nuriwake.fast import fast_steps
    from nuriwake.learn.compute import cpu_threads
    from nuriwake.learn.normalise import band_statistics, normalise

    raster = task.raster
    with cpu_threads(task.settings.threads):
        statistics = band_statistics(raster.array, raster.valid)
        unit = normalise(raster.array, raster.valid, statistics)
        return _read(fast_steps(unit, raster.valid, task.settings, task.scribbles), show).regions


def _grow_labels(task: Task, show: Callable[[Step], None]) -> LabelTree:
    """Segment by a published recipe, whose result is labels; they merge by their mean colours."""
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.regions.labels import label_tree, mean_responses
    from nuriwake.segmenter import segment_steps

    scribbles = None if task.scribbles is None else Scribbles(task.scribbles)
    result = _read(segment_steps(task.raster, task.settings, scribbles=scribbles), show)
    tree = label_tree(result.labels, mean_responses(result.labels, result.picture / 255.0))
    return tree.with_automatic_altitude(-1.0)  # all labels, as published


def _read(steps: Generator[Step, bool | None, Result], show: Callable[[Step], None]) -> Result:
    """Read steps to their end. An error of ``show`` leaves the rest of the training unread."""
    while True:
        try:
            step = next(steps)
        except StopIteration as done:
            result: Result = done.value
            return result
        show(step)


def warm_up() -> None:
    """Load libraries and compiled code by segmenting a tiny picture."""
    squares = np.zeros((64, 64, 3), np.uint8)
    squares[16:48, 16:48] = np.arange(32, dtype=np.uint8)[:, np.newaxis]
    settings = Settings(recipe="fast", max_iter=2)
    run_task(Task("warm-up", as_raster(squares), settings), lambda _: None)
