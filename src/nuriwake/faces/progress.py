"""The progress bar: iteration, labels in use, loss, seconds left; on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nuriwake.learn.training import Step
    from nuriwake.segmenter import StepReader


@contextmanager
def training_bar(title: str, max_iter: int, quiet: bool) -> Iterator[StepReader]:
    """Show the training's progress inside the block.

    Parameters
    ----------
    title : str
        What is being segmented.
    max_iter : int
        Iterations at most.
    quiet : bool
        Show nothing.

    Yields
    ------
    callable
        To be called with every step.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as SecondsLeft

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[n_labels]} labels, loss {task.fields[loss]:.3f}"),
        SecondsLeft(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(title, total=max_iter, n_labels=0, loss=0.0)

        def read(step: Step) -> None:
            progress.update(task, completed=step.iteration, n_labels=step.n_labels, loss=step.loss)

        yield read


@contextmanager
def tile_bar(title: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how many tiles are done inside the block.

    Yields
    ------
    callable
        To be called with the tiles done and all tiles.
    """
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
