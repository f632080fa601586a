"""What every run over tiles does: take up what an earlier one left, run the rest, leave nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from nuriwake.errors import InputError, UsageError, WorkersLost
from nuriwake.io.vector import check_polygons
from nuriwake.raster import WindowedSource
from nuriwake.scale.executors import Executor
from nuriwake.scale.products import Existing, MosaicOutputs, holds_results
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.workfolder import WorkFolder

Job = TypeVar("Job")
#: Called with the number of tiles done and of all tiles.
Progress = Callable[[int, int], None]


class Tally:
    """Counts what is done and passes it on.

    Parameters
    ----------
    total : int
    report : callable, optional
        Called with what is done and the total, after every change.

    Examples
    --------
    >>> tally = Tally(3, print)
    >>> tally.add(2)
    2 3
    """

    def __init__(self, total: int, report: Progress | None = None) -> None:
        self._done, self._total = 0, total
        self._report = report or (lambda _done, _all: None)

    def add(self, steps: int = 1) -> None:
        """Count so many more; nothing new is told only at the start."""
        if steps or not self._done:
            self._done += steps
            self._report(self._done, self._total)


@contextmanager
def tiled_run(
    source: WindowedSource, outputs: MosaicOutputs, run: str, existing: Existing
) -> Iterator[WorkFolder | None]:
    """Open the folder of a run beside its outputs; it goes with the run, unless it can go on.

    Parameters
    ----------
    source : WindowedSource
    outputs : MosaicOutputs
    run : str
        Fingerprint of everything that decides the result.
    existing : str

    Yields
    ------
    WorkFolder or None
        None where the results are there already.

    Raises
    ------
    InputError
        If polygons of the source cannot be written as was asked for.
    UsageError
        If results are there and neither ``resume`` nor ``overwrite`` was asked for.
    """
    if outputs.polygons is not None:
        check_polygons(outputs.polygons, source.shape, source.georeference)
    if holds_results(outputs, run, existing):
        yield None
        return
    folder = WorkFolder.beside(outputs.anchor, run)
    if existing == "overwrite":
        folder.remove()
    folder.remove_others(outputs.anchor)
    try:
        yield folder
    except WorkersLost:
        raise
    except (InputError, UsageError):
        # It would end there again.
        folder.remove()
        raise
    folder.remove()


def run_tiles(
    work: Callable[[Job], Any],
    job_of: Callable[[Tile], Job],
    plan: TilePlan,
    folder: WorkFolder,
    executor: Executor,
    tally: Tally,
    path_of: Callable[[int], Path] | None = None,
) -> int:
    """Run the tiles that no earlier run has done.

    Parameters
    ----------
    work : callable
        Works on one tile and keeps it in the folder.
    job_of : callable
        Makes what ``work`` needs for a tile.
    plan : TilePlan
    folder : WorkFolder
    executor : Executor
    tally : Tally
    path_of : callable, optional
        Returns the file that is there when a tile is done. Default: that of its labels.

    Returns
    -------
    int
        How many tiles were done before.
    """
    path_of = path_of or folder.tile_path
    left = [tile for tile in plan if not path_of(tile.index).exists()]
    tally.add(len(plan) - len(left))
    for _ in executor.run(work, [job_of(tile) for tile in left]):
        tally.add()
    return len(plan) - len(left)
