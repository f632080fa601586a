"""The page's work in earnest: the segmenter's steps, reported one by one."""

from __future__ import annotations

from nuriwake.faces.web.work import Progress, Report, Task
from nuriwake.regions.tree import MergeTree


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
        Of regions; of labels for the published recipes, whose result is labels.
    """
    from nuriwake.learn.training import Step
    from nuriwake.segmenter import finish_steps, segment_steps

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

    result = finish_steps(segment_steps(task.raster, task.settings), show)
    return result.tree


def warm_up() -> None:
    """Load libraries and compiled code by segmenting a tiny picture."""
    import numpy as np

    from nuriwake.raster import as_raster
    from nuriwake.settings import Settings

    squares = np.zeros((32, 32, 3), np.uint8)
    squares[8:24, 8:24] = 200
    run_task(Task("warm-up", as_raster(squares), Settings(max_iter=2)), lambda _: None)
