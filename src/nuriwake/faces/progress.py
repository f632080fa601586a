"""What a terminal shows of a job: lines and progress bars, on standard error."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

import typer

from nuriwake.errors import UsageError, out_of_range
from nuriwake.jobs.listener import TileReader

if TYPE_CHECKING:
    from nuriwake.recipes.training import Step
    from nuriwake.segmenter import StepReader

ProgressForm = Literal["bar", "json"]
#: Called with what is done, with all there is to do, and with a few words.
Show = Callable[[int, int, str], None]


def parse_progress(text: str) -> ProgressForm:
    """Check the value of ``--progress``.

    Raises
    ------
    UsageError
        If there is no such form.

    Examples
    --------
    >>> parse_progress("json")
    'json'
    """
    for form in get_args(ProgressForm):
        if text == form:
            return form  # type: ignore[no-any-return]
    raise UsageError(out_of_range("--progress", "bar or json", text))


class Terminal:
    """Tells a person at a terminal.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    keeps_partial : bool
        Let Ctrl-C end a training early, and keep what it reached, instead of ending the run.
    progress : {"bar", "json"}
        A bar for people, or a line of JSON for each step, for programs.
    """

    def __init__(
        self, quiet: bool = False, keeps_partial: bool = False, progress: ProgressForm = "bar"
    ) -> None:
        self._quiet = quiet
        self._keeps_partial = keeps_partial
        self._progress = progress
        self._said: set[str] = set()

    def say(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            typer.echo(text, err=True)

    def say_once(self, text: str) -> None:
        """Print a line, unless it was printed before."""
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    @contextmanager
    def training(self, title: str, max_iter: int) -> Iterator[StepReader]:
        """Show iteration, labels in use, loss and the seconds left."""
        with self._shown(title) as show, _early_stop(self._keeps_partial) as stopped:

            def read(step: Step) -> bool:
                show(step.iteration, max_iter, f"{step.n_labels} labels, loss {step.loss:.3f}")
                return stopped()

            yield read

    @contextmanager
    def tiles(self, title: str) -> Iterator[TileReader]:
        """Show how many parts are done."""
        with self._shown(f"{title}: tiles") as show:
            yield lambda done, total: show(done, total, "")

    @contextmanager
    def _shown(self, title: str) -> Iterator[Show]:
        if self._quiet:
            yield lambda _done, _total, _note: None
        elif self._progress == "json":
            yield lambda done, total, note: typer.echo(
                json.dumps({"progress": title, "done": done, "total": total, "note": note}),
                err=True,
            )
        else:
            with _bar(title) as show:
                yield show


@contextmanager
def _bar(title: str) -> Iterator[Show]:
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
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None, note="")
        yield lambda done, total, note: progress.update(
            task, completed=done, total=total, note=note
        )


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
