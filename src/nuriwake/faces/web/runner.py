"""The page's work in earnest: the segmenter's steps, reported one by one."""

from __future__ import annotations

from nuriwake.faces.web.work import Outcome, Progress, Report, Task


def run_task(task: Task, report: Report) -> Outcome:
    """Segment a task's image.

    Parameters
    ----------
    task : Task
    report : callable
        Called after each training step; when it raises, the training is simply not read on.

    Returns
    -------
    Outcome
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
    return Outcome(result.tree, result.n_regions)
