"""The page's work in earnest: the recipes' steps, reported one by one."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from nuriwake.faces.web.work import Grown, JobProgress, Report, Task
from nuriwake.segmentation import Partition

if TYPE_CHECKING:
    from nuriwake.recipes.training import Step


def run_task(task: Task, report: Report) -> Grown:
    """Segment a task's image.

    Parameters
    ----------
    task : Task
    report : callable
        Called after each training step; when it raises, the training is simply not read on.

    Returns
    -------
    Grown
    """
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.segmenter import finish_steps, segment_steps

    def show(step: Step) -> None:
        report(
            JobProgress(
                iteration=step.iteration,
                max_iter=task.settings.max_iter,
                n_labels=step.n_labels,
                loss=step.loss,
                labels=lambda: step.labels()[0],
            )
        )

    scribbles = None if task.scribbles is None else Scribbles(task.scribbles)
    result = finish_steps(segment_steps(task.raster, task.settings, scribbles=scribbles), show)
    # Without what the page never shows again: the model and the raster.
    kept = {field.name: getattr(result, field.name) for field in fields(Partition)}
    return Grown(Partition(**{**kept, "name": task.name}))
