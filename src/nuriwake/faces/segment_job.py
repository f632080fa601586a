"""What ``nuriwake segment`` does with one input."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nuriwake.errors import InputError, OutputError
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan
    from nuriwake.io.sidecar import RunRecord
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.model import Model
    from nuriwake.raster import Raster
    from nuriwake.regions.tree import Detail
    from nuriwake.segmentation import Segmentation


@dataclass(frozen=True)
class SegmentJob:
    """What every input of one command is segmented with.

    Parameters
    ----------
    settings : Settings
    bands : tuple of int
        Bands to use, from 1; empty for all.
    n_regions, n_labels : int or None
        Cuts to read from the trees; None for the automatic cut and for the network's labels.
    detail : str or None
        ``fine``, ``medium`` or ``coarse`` regions, in place of a number of them.
    scribbles : pathlib.Path or None
    model : pathlib.Path or None
        Start from its weights.
    memory : int or None
        Bytes; a raster that needs more is segmented tile by tile. None: half of what is free.
    kinds : tuple of str or None
        What to write; None for the usual kinds.
    workers : int
        Processes, for several inputs or for the tiles of a large raster.
    scheduler : str or None
        Address of a Dask scheduler, or ``local``.
    overwrite, resume : bool
        Replace foreign files; skip inputs that are done.
    keep_partial : bool
        On Ctrl-C keep what was reached.
    quiet : bool
    shows_bar : bool
        Whether each training has a progress bar of its own.
    """

    settings: Settings
    bands: tuple[int, ...] = ()
    n_regions: int | None = None
    n_labels: int | None = None
    detail: Detail | None = None
    scribbles: Path | None = None
    model: Path | None = None
    memory: int | None = None
    kinds: tuple[str, ...] | None = None
    workers: int = 1
    scheduler: str | None = None
    overwrite: bool = False
    resume: bool = False
    keep_partial: bool = False
    quiet: bool = False
    shows_bar: bool = True

    @property
    def chosen_kinds(self) -> tuple[str, ...]:
        """What is written: as asked for, else the map that was meant and a picture of it."""
        if self.kinds is not None:
            return self.kinds
        if self.n_regions is not None or self.detail is not None:
            return "regions", "overlay"
        has_labels = self.n_labels is not None or self.scribbles is not None
        return "labels" if has_labels or self.settings.recipe != "fast" else "regions", "overlay"

    def run(self, plan: OutputPlan) -> RunRecord | None:
        """Segment one input and write its files; None where they are there already.

        Raises
        ------
        InputError
            If the input cannot be used.
        OutputError
            If a file cannot be written.
        """
        from nuriwake.faces.large_job import is_too_large, run_large
        from nuriwake.io.formats import read_raster
        from nuriwake.io.outputs import check_writable
        from nuriwake.io.sidecar import file_sha256, is_done, write_sidecar
        from nuriwake.results import describe_run, write_results

        if is_too_large(plan.source, self.settings, self.memory):
            run_large(plan, self)
            return None
        raster = read_raster(plan.source, self.bands)
        check_writable(plan, self.overwrite)
        request = self.request(file_sha256(plan.source))
        if self.resume and is_done(plan, request, self.settings.model_dump()):
            self.say(f"{plan.source}: done before, skipped.")
            return None
        result, partial = self._train(raster, plan.source.name)
        written = write_results(plan, result)
        record = describe_run(plan, result, request, partial, written)
        write_sidecar(plan.sidecar, record)
        self.say(_summary(plan, result, written))
        return record

    def for_worker(self, n_workers: int) -> SegmentJob:
        """Return the same job for one of several workers: its share of the cores, no bar."""
        from nuriwake.learn.compute import count_cores

        threads = self.settings.threads or max(1, count_cores() // n_workers)
        settings = self.settings.model_copy(update={"threads": threads})
        return replace(self, settings=settings, workers=1, scheduler=None, shows_bar=False)

    def request(self, digest: str) -> dict[str, str]:
        """Name everything besides the settings that shapes the result."""
        from nuriwake.io.sidecar import file_sha256

        request = {"input_sha256": digest}
        if self.n_regions:
            request["regions"] = str(self.n_regions)
        if self.detail:
            request["detail"] = self.detail
        if self.n_labels:
            request["labels"] = str(self.n_labels)
        if self.bands:
            request["bands"] = ",".join(map(str, self.bands))
        if self.scribbles:
            request["scribbles_sha256"] = file_sha256(self.scribbles)
        if self.model:
            request["model_sha256"] = file_sha256(self.model)
        return request

    def _train(self, raster: Raster, title: str) -> tuple[Segmentation, bool]:
        from nuriwake.faces.progress import training_bar
        from nuriwake.segmenter import finish_steps, segment_steps

        scribbles, model = self._guides()
        steps = segment_steps(raster, self.settings, scribbles=scribbles, model=model)
        with (
            training_bar(title, self.settings.max_iter, self.quiet or not self.shows_bar) as show,
            _early_stop(self.keep_partial) as stopped,
        ):
            result = finish_steps(steps, lambda step: show(step) or stopped())
            return result.read(self.n_regions, self.n_labels, self.detail), stopped()

    def _guides(self) -> tuple[Scribbles | None, Model | None]:
        """Read the scribbles and the model, and say what was assumed."""
        from nuriwake.io.model import load_model
        from nuriwake.io.scribbles import read_scribbles

        scribbles = read_scribbles(self.scribbles) if self.scribbles else None
        if scribbles and scribbles.note:
            self.say(f"{self.scribbles}: {scribbles.note}.")
        return scribbles, load_model(self.model) if self.model else None

    def say(self, text: str) -> None:
        """Print a line for people, on standard error."""
        if not self.quiet:
            typer.echo(text, err=True)


@dataclass(frozen=True, eq=False)
class Outcome:
    """How one input went: its record (None where it was skipped), or what was wrong with it."""

    record: RunRecord | None
    error: str = ""


def attempt(task: tuple[SegmentJob, OutputPlan]) -> Outcome:
    """Segment one input; what is wrong with it becomes a message. This is what workers run."""
    job, plan = task
    try:
        return Outcome(job.run(plan))
    except (InputError, OutputError) as error:
        return Outcome(None, str(error))


@contextmanager
def _early_stop(keep_partial: bool) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an early end of the training instead of raising, if wanted."""
    pressed: list[int] = []
    if not keep_partial:
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _summary(plan: OutputPlan, result: Segmentation, written: Mapping[str, Path]) -> str:
    files = ", ".join(map(str, written.values()))
    found = f"{result.n_regions} regions, {result.n_labels} labels"
    seconds = result.seconds["total"]
    return f"{plan.source}: {found} in {seconds:.1f} s -> {files}"
