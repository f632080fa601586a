"""What a terminal shows of a job: lines and progress bars, on standard error."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from nuriwake.jobs.listener import TileReader

if TYPE_CHECKING:
    from rich.progress import Progress

    from nuriwake.recipes.training import Step
    from nuriwake.segmenter import StepReader


class Terminal:
    """Tells a person at a terminal.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    keeps_partial : bool
        Let Ctrl-C end a training early, and keep what it reached, instead of ending the run.
    """

    def __init__(self, quiet: bool = False, keeps_partial: bool = False) -> None:
        self._quiet = quiet
        self._keeps_partial = keeps_partial

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            typer.echo(text, err=True)

    @contextmanager
    def training(self, title: str, max_iter: int) -> Iterator[StepReader]:
        """Show iteration, labels in use, loss and the seconds left."""
        with _bars(self._quiet) as progress, _early_stop(self._keeps_partial) as stopped:
            task = progress.add_task(title, total=max_iter, note="")

            def read(step: Step) -> bool:
                note = f"{step.n_labels} labels, loss {step.loss:.3f}"
                progress.update(task, completed=step.iteration, note=note)
                return stopped()

            yield read

    @contextmanager
    def tiles(self, title: str) -> Iterator[TileReader]:
        """Show how many parts are done."""
        with _bars(self._quiet) as progress:
            task = progress.add_task(f"{title}: tiles", total=None, note="")
            yield lambda done, total: progress.update(task, completed=done, total=total)


def _bars(quiet: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as SecondsLeft

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        SecondsLeft(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet)


@contextmanager
def _early_stop(keeps_partial: bool) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an early end of the training instead of raising, if wanted."""
    pressed: list[int] = []
    if not keeps_partial:
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
