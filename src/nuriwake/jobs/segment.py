"""What ``nuriwake segment`` does with each input."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.io.selection import ALL, Selection
from nuriwake.jobs.commit import Staging
from nuriwake.jobs.kinds import KINDS
from nuriwake.jobs.listener import Listener
from nuriwake.jobs.plan import OutputPlan
from nuriwake.jobs.records import RunRecord
from nuriwake.jobs.route import Route, choose_route, measure, refuse_what_is_lost
from nuriwake.machine import count_cores
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step
    from nuriwake.regions.tree import Detail
    from nuriwake.segmentation import Partition, Segmentation


@dataclass(frozen=True)
class SegmentJob:
    """What every input of one command is segmented with.

    Parameters
    ----------
    settings : Settings
    selection : Selection
        What of each input is used.
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
    volume : bool
        Segment a stack of slices as one volume.
    spacing : tuple of float
        How far its voxels are apart; empty to believe the file.
    """

    settings: Settings
    selection: Selection = ALL
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
    volume: bool = False
    spacing: tuple[float, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """The memory that may be used."""
        from nuriwake.scale.memory import default_memory

        return default_memory() if self.memory is None else self.memory

    def kinds_on(self, route: Route) -> tuple[str, ...]:
        """Name what is written: as asked for, else the map that was meant, and a picture."""
        if self.kinds is not None:
            return self.kinds
        has_labels = self.n_labels is not None or self.scribbles is not None
        shows_labels = has_labels or self.settings.method.shows == "labels"
        has_regions = self.n_regions is not None or self.detail is not None
        # Labels mean the same on all pages of a stack; regions are numbered anew on each.
        main = "labels" if (shows_labels or route == "stack") and not has_regions else "regions"
        return (main,) if route in ("tiled", "stack") else (main, "overlay")

    def for_worker(self, n_workers: int) -> SegmentJob:
        """Return the same job for one of several workers: its share of the cores and the memory."""
        threads = self.settings.threads or max(1, count_cores() // n_workers)
        settings = self.settings.model_copy(update={"threads": threads})
        memory = self.memory_bytes // n_workers
        return replace(self, settings=settings, workers=1, scheduler=None, memory=memory)

    def request(self, source: Path) -> dict[str, str]:
        """Name everything besides the settings that shapes the result.

        Raises
        ------
        InputError
            If a file cannot be read.
        """
        from nuriwake.io.identity import file_identity

        files = {"input": source, "scribbles": self.scribbles, "model": self.model}
        request = {f"{name}_sha256": file_identity(path) for name, path in files.items() if path}
        if self.n_regions:
            request["regions"] = str(self.n_regions)
        if self.detail:
            request["detail"] = self.detail
        if self.n_labels:
            request["labels"] = str(self.n_labels)
        if self.volume:
            request["volume"] = ",".join(map(str, self.spacing)) or "as the file says"
        return request | self.selection.request()

    def route_of(self, source: Path) -> Route:
        """Choose the way of an input, and refuse what it cannot do.

        Raises
        ------
        InputError
            If the input cannot be used.
        UsageError
            If something was asked for that this way cannot do.
        """
        if self.volume:
            from nuriwake.jobs.volume import check_volume

            check_volume(self, source)
            return "volume"
        extent = measure(source, self.selection)
        route = choose_route(extent, self.memory_bytes, self.settings)
        asked = {
            "--regions": self.n_regions,
            "--detail": self.detail,
            "--labels": self.n_labels,
            "--scribbles": self.scribbles,
            "--model": self.model,
        }
        refuse_what_is_lost(source, route, self.settings.method, asked, self.kinds_on(route))
        return route

    def work(
        self,
        plan: OutputPlan,
        route: Route,
        request: Mapping[str, str],
        files: Staging,
        listener: Listener,
    ) -> RunRecord:
        """Segment one input and publish its files."""
        from nuriwake.jobs.pages import segment_stack
        from nuriwake.jobs.tiled import segment_tiled
        from nuriwake.jobs.volume import segment_volume_file

        ways = {
            "whole": _segment_whole,
            "tiled": segment_tiled,
            "stack": segment_stack,
            "volume": segment_volume_file,
        }
        return ways[route](self, plan, request, files, listener)


def _segment_whole(
    job: SegmentJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    """Train on the whole image in memory."""
    from nuriwake.io.sources import read_input

    raster = read_input(plan.source, job.selection)
    if polygons := dict(plan.files).get("polygons"):
        from nuriwake.io.vector import check_polygons

        check_polygons(polygons, raster.shape, raster.georeference)
    scribbles, model = read_guides(job, listener, raster.shape)
    from nuriwake.segmenter import finish_steps, segment_steps

    steps = segment_steps(raster, job.settings, scribbles=scribbles, model=model)
    with listener.training(plan.source.name, job.settings.max_iter) as show:
        reader = StepRecorder(show)
        result = replace(finish_steps(steps, reader), name=plan.source.name)
        result = result.read(job.n_regions, job.n_labels, job.detail)
    write_kinds(plan, result, files)
    record = _describe(plan, result, request, reader.stopped)
    record = files.publish(lambda names, digests: replace(record, outputs=names, digests=digests))
    listener.say(_summary(plan, result, record))
    return record


class StepRecorder:
    """Passes steps on, keeps their history, and whether the user ended the training.

    Parameters
    ----------
    show : callable
        Called with every step; returns True to end the training there.
    """

    def __init__(self, show: object) -> None:
        self._show = show
        self.stopped = False
        self.n_labels: list[int] = []
        self.loss: list[float] = []
        self.started = time.perf_counter()

    def __call__(self, step: Step) -> bool:
        """Hear of a step."""
        self.n_labels.append(step.n_labels)
        self.loss.append(step.loss)
        self.stopped = bool(self._show(step))  # type: ignore[operator]
        return self.stopped

    @property
    def history(self) -> dict[str, list[int] | list[float]]:
        """What the record keeps."""
        return {"n_labels": list(self.n_labels), "loss": list(self.loss)}


def read_guides(
    job: SegmentJob, listener: Listener, shape: tuple[int, int] | None = None
) -> tuple[Scribbles | None, Model | None]:
    """Read the scribbles and the model, and say what was assumed."""
    scribbles, model = None, None
    if job.scribbles:
        from nuriwake.io.scribbles import read_scribbles

        scribbles = read_scribbles(job.scribbles, shape)
        if scribbles.note:
            listener.say(f"{job.scribbles}: {scribbles.note}.")
    if job.model:
        from nuriwake.model_file import load_model

        model = load_model(job.model)
    return scribbles, model


def write_kinds(plan: OutputPlan, partition: Partition, files: Staging) -> None:
    """Write every kind of a plan under its temporary name.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    for kind, final in plan.files:
        KINDS[kind].write(files.temporary(kind, _roomy(kind, final, partition)), partition)


def _roomy(kind: str, path: Path, partition: Partition) -> Path:
    """Name a TIFF where a PNG cannot hold so many ids."""
    if not KINDS[kind].holds_ids or path.suffix.lower() != ".png":
        return path
    from nuriwake.io.image import MAX_IN_PNG

    ids = partition.regions if kind == "regions" else partition.labels
    return path.with_suffix(".tif") if int(ids.max(initial=0)) > MAX_IN_PNG else path


def _describe(
    plan: OutputPlan,
    result: Segmentation,
    request: Mapping[str, str],
    partial: bool,
) -> RunRecord:
    from nuriwake.io.versions import package_versions

    height, width = result.labels.shape
    return RunRecord(
        input=str(plan.source),
        request=request,
        height=height,
        width=width,
        bands=result.raster.n_bands,
        settings=result.settings.model_dump(),
        versions=package_versions(),
        device=result.model.weights.device,
        threads=result.threads,
        seconds={stage: round(value, 3) for stage, value in result.seconds.items()},
        iterations=len(result.history),
        partial=partial,
        n_labels=result.n_labels,
        n_regions=result.n_regions,
        spacing=result.georeference.pixel_size if result.georeference else (),
        unit=result.georeference.unit if result.georeference else "",
        channel_names=result.raster.band_names,
        history={
            "n_labels": [row.n_labels for row in result.history],
            "loss": [row.loss for row in result.history],
        },
        outputs={},
        digests={},
        notes=result.notes,
    )


def _summary(plan: OutputPlan, result: Segmentation, record: RunRecord) -> str:
    files = ", ".join(str(plan.folder / name) for name in record.outputs.values())
    found = f"{result.n_regions} regions, {result.n_labels} labels"
    return f"{plan.source}: {found} in {result.seconds['total']:.1f} s -> {files}"
