"""What is done with a raster that does not fit the memory: learn from a sample, label its tiles."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.jobs.records import RunRecord
from nuriwake.machine import count_cores
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.jobs.commit import Staging
    from nuriwake.jobs.listener import Listener, TileReader
    from nuriwake.jobs.plan import OutputPlan
    from nuriwake.jobs.segment import SegmentJob, StepRecorder
    from nuriwake.raster import WindowedSource
    from nuriwake.scale.executors import Executor
    from nuriwake.scale.products import DoneMap
    from nuriwake.segmenter import StepReader

#: What the workers of a scene need, and import while this process imports what it learns with.
SCENE_MODULES = (
    "nuriwake.scale.scene_tiles",
    "nuriwake.recipes.growing",
    "nuriwake.regions.basins",
    "scipy.ndimage",
)


def segment_tiled(
    job: SegmentJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    """Segment a raster tile by tile.

    Raises
    ------
    InputError
        If the raster cannot be read.
    OutputError
        If a result cannot be written; what is done is kept for ``--resume``.
    UsageError
        If the memory is too small for one tile.
    """
    from nuriwake.io.sources import open_windows
    from nuriwake.scale.executors import choose_executor

    source = open_windows(plan.source, job.selection)
    megabytes = job.memory_bytes >> 20
    listener.say(f"{plan.source}: larger than --memory {megabytes}M allows; tile by tile.")
    ahead = () if job.settings.method.is_local else SCENE_MODULES
    with choose_executor(job.workers, job.scheduler, ahead) as executor:
        published = _segment_on(executor, source, job, plan, request, files, listener)
    return published.say_so(listener)


def _segment_on(
    executor: Executor,
    source: WindowedSource,
    job: SegmentJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> Published:
    """Learn from the raster, label its tiles and publish the files."""
    # What follows takes numba along, or PyTorch, whose imports take long: workers start meanwhile.
    from nuriwake.io.drawn import open_scribbles
    from nuriwake.jobs.segment import StepRecorder
    from nuriwake.model_file import load_model
    from nuriwake.scale.large import large_steps
    from nuriwake.scale.products import MosaicOutputs
    from nuriwake.scale.scene import SceneCut
    from nuriwake.segmenter import finish_steps

    drawn = open_scribbles(job.scribbles, source.shape) if job.scribbles else None
    if drawn is not None:
        listener.say(f"{job.scribbles}: {drawn.note}.")
    model = load_model(job.model) if job.model else None
    with _two_bars(listener, plan.source.name, job.settings.max_iter) as (show, show_tiles):
        reader = StepRecorder(show)
        published = Published(plan, request, source, job.settings, files, reader)
        steps = large_steps(
            source,
            job.settings,
            MosaicOutputs(**dict(plan.files), beside=plan.sidecar),
            job.memory_bytes,
            executor,
            cut=SceneCut(job.n_regions, job.detail, job.n_labels, drawn),
            model=model,
            existing="continue" if job.resume else "overwrite",
            publish=published,
            on_progress=show_tiles,
        )
        finish_steps(steps, reader)
    return published


@contextmanager
def _two_bars(
    listener: Listener, title: str, max_iter: int
) -> Iterator[tuple[StepReader, TileReader]]:
    """Follow the training, and after it the tiles."""
    with ExitStack() as bars:
        show = bars.enter_context(listener.training(title, max_iter))
        tiles: list[TileReader] = []

        def show_tiles(done: int, total: int) -> None:
            if not tiles:
                bars.close()  # that of the training, which is over
                tiles.append(bars.enter_context(listener.tiles(title)))
            tiles[0](done, total)

        yield show, show_tiles


@dataclass
class Published:
    """Gives the finished files their names and writes the record of a tiled run.

    Parameters
    ----------
    plan : OutputPlan
    request : Mapping
    source : WindowedSource
    settings : Settings
    files : Staging
    reader : StepRecorder or None
        None where nothing was trained.
    """

    plan: OutputPlan
    request: Mapping[str, str]
    source: WindowedSource
    settings: Settings
    files: Staging
    reader: StepRecorder | None = None
    record: RunRecord | None = None

    def __post_init__(self) -> None:
        self._started = time.perf_counter()

    def __call__(self, finished: Mapping[str, Path], done: DoneMap) -> None:
        """Publish what lies in the work folder."""
        for kind, path in finished.items():
            self.files.adopt(kind, path, dict(self.plan.files)[kind])
        record = self._describe(done)
        self.record = self.files.publish(
            lambda names, digests: replace(record, outputs=names, digests=digests)
        )

    def _describe(self, done: DoneMap) -> RunRecord:
        from nuriwake.io.versions import package_versions

        height, width = self.source.shape
        place = self.source.georeference
        history = {} if self.reader is None else self.reader.history
        return RunRecord(
            input=str(self.plan.source),
            request=self.request,
            height=height,
            width=width,
            bands=self.source.n_bands,
            settings=self.settings.model_dump(),
            versions=package_versions(),
            device=_device_of(self.settings),
            threads=self.settings.threads or count_cores(),
            seconds={"total": round(time.perf_counter() - self._started, 3)},
            iterations=len(history.get("loss", [])),
            partial=self.reader is not None and self.reader.stopped,
            n_labels=done.count_labels(),
            n_regions=done.n_regions,
            spacing=place.pixel_size if place else (),
            unit=place.unit if place else "",
            channel_names=getattr(self.source, "band_names", ()),
            history=history,
            outputs={},
            digests={},
            route="tiled",
            pieces=len(done.plan),
        )

    def say_so(self, listener: Listener) -> RunRecord:
        """Tell people what was written."""
        record = self.record
        if record is None:
            raise RuntimeError("nothing was published")
        written = ", ".join(str(self.plan.folder / name) for name in record.outputs.values())
        regions = f"{record.n_regions} regions, " if record.n_regions else ""
        tiles = f"{record.pieces} tile{'' if record.pieces == 1 else 's'}"
        found = f"{regions}{record.n_labels} labels in {tiles}"
        seconds = record.seconds["total"]
        listener.say(f"{self.plan.source}: {found}, {seconds:.1f} s -> {written}")
        return record


def _device_of(settings: Settings) -> str:
    """Say where a recipe computes; PyTorch is asked only where it is used."""
    from nuriwake.recipes.grid_learning import needs_torch

    if not settings.method.is_local and not needs_torch(settings, settings.grid_cells):
        return "cpu"
    from nuriwake.engine.compute import choose_device

    return str(choose_device(settings.device))
