"""The progress bar: iteration, labels in use, loss, seconds left; on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from nuriwake.recipes.training import Step
    from nuriwake.segmenter import StepReader

#: Called with the tiles done and all tiles.
TileReader = Callable[[int, int], None]


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
    with _bars(quiet) as progress:
        yield _training(progress, title, max_iter)


@contextmanager
def large_bars(title: str, max_iter: int, quiet: bool) -> Iterator[tuple[StepReader, TileReader]]:
    """Show the training's progress inside the block, and then that of the tiles.

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
    tuple of callables
        To be called with every step; and with the tiles done and all tiles.
    """
    with _bars(quiet) as progress:
        read = _training(progress, title, max_iter)
        tiles: list[TaskID] = []

        def read_tiles(done: int, total: int) -> None:
            if not tiles:
                tiles.append(progress.add_task("tiles", note=""))
            progress.update(tiles[0], completed=done, total=total)

        yield read, read_tiles


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


def _training(progress: Progress, title: str, max_iter: int) -> StepReader:
    task = progress.add_task(title, total=max_iter, note="")

    def read(step: Step) -> None:
        note = f"{step.n_labels} labels, loss {step.loss:.3f}"
        progress.update(task, completed=step.iteration, note=note)

    return read


@contextmanager
def tile_bar(title: str, quiet: bool) -> Iterator[TileReader]:
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
