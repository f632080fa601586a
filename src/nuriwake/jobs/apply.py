"""What ``nuriwake apply`` does with each input: any format and size go the same way."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.selection import ALL, Selection
from nuriwake.jobs.commit import Staging
from nuriwake.jobs.kinds import TILED_KINDS
from nuriwake.jobs.listener import Listener
from nuriwake.jobs.plan import OutputPlan
from nuriwake.jobs.records import RunRecord
from nuriwake.jobs.route import Extent, Route, choose_route, measure
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.raster import WindowedSource
    from nuriwake.scale.products import DoneMap


@dataclass(frozen=True, eq=False)
class ApplyJob:
    """A model, and how it is applied.

    Parameters
    ----------
    model : Model
    model_digest : str
        Of its file.
    kinds : tuple of str or None
        What to write; None for the usual kinds.
    selection : Selection
        What of each input is used.
    memory : int or None
        Bytes for all processes; None for half of what is free.
    workers : int
    scheduler : str or None
        Address of a Dask scheduler, or ``local``.
    min_area : str
        The minimum mapping unit in pixels (``20``) or on the ground (``2ha``).
    tolerance : float
        How much polygons may be simplified, in pixels; finite, at least 0.
    overwrite, resume : bool

    Raises
    ------
    UsageError
        If the tolerance is out of its range.
    """

    model: Model
    model_digest: str
    kinds: tuple[str, ...] | None = None
    selection: Selection = ALL
    memory: int | None = None
    workers: int = 1
    scheduler: str | None = None
    min_area: str = "1"
    tolerance: float = 0.0
    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < math.inf:
            expected = "a number of pixels, at least 0"
            raise UsageError(out_of_range("--tolerance", expected, self.tolerance))

    @property
    def memory_bytes(self) -> int:
        """The memory that may be used."""
        from nuriwake.scale.memory import default_memory

        return default_memory() if self.memory is None else self.memory

    def kinds_on(self, route: Route) -> tuple[str, ...]:
        """Name what is written: as asked for, else labels, and a picture of them if possible."""
        return self.kinds or (("labels", "overlay") if route == "whole" else ("labels",))

    def request(self, source: Path) -> dict[str, str]:
        """Name everything besides the settings that shapes the result."""
        from nuriwake.io.identity import file_identity

        request = {"input_sha256": file_identity(source), "model_sha256": self.model_digest}
        request |= self.selection.request()
        if self.min_area != "1":
            request["min_area"] = self.min_area
        if self.tolerance:
            request["tolerance"] = str(self.tolerance)
        return request

    @property
    def settings(self) -> Settings:
        """Those of the training."""
        return self.model.settings

    def route_of(self, source: Path) -> Route:
        """Choose the way of an input, and refuse what it cannot do.

        Raises
        ------
        InputError
            If the input cannot be used.
        UsageError
            If something was asked for that this way cannot do.
        """
        extent = measure(source, self.selection)
        route = choose_route(extent, self.memory_bytes, None)
        _refuse(self, source, route, extent)
        return route

    def work(
        self,
        plan: OutputPlan,
        route: Route,
        request: Mapping[str, str],
        files: Staging,
        listener: Listener,
    ) -> RunRecord:
        """Label one input and publish its files."""
        label = _label_stack if route == "stack" else _label_tiles
        return label(self, plan, request, files, listener)


def _refuse(job: ApplyJob, source: Path, route: Route, extent: Extent) -> None:
    """Refuse what this way cannot do."""
    if extent.n_bands != job.model.n_bands:
        raise InputError(
            f"{source}: {extent.n_bands} bands, where the model was trained on "
            f"{job.model.n_bands}. Choose the same bands with --bands."
        )
    recipe = job.model.settings.recipe
    if route == "tiled" and not job.model.is_local:
        raise UsageError(
            f"{source}: a model of the recipe {recipe} labels whole pictures only, and this one "
            "does not fit --memory. Train one for rasters: nuriwake fit --recipe tip2020"
        )
    possible = {"whole": None, "tiled": TILED_KINDS, "stack": ("labels",)}[route]
    wrong = [kind for kind in job.kinds_on(route) if possible is not None and kind not in possible]
    if wrong and possible is not None:
        what = "a stack of pages" if route == "stack" else "a raster beyond --memory"
        raise UsageError(
            f"{source}: --save {wrong[0]} cannot be done for {what}, which gives "
            f"{', '.join(possible)}."
        )
    if route != "stack":
        return
    asked = {"--min-area": job.min_area != "1", "--tolerance": job.tolerance}
    if lost := [flag for flag, value in asked.items() if value]:
        raise UsageError(f"{source}: {lost[0]} cannot be done for a stack of pages.")


def _label_stack(
    job: ApplyJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    from nuriwake.io.stack import open_stack
    from nuriwake.jobs.pages import label_pages

    pages = open_stack(plan.source, job.selection)
    started = time.perf_counter()
    return label_pages(
        job.model,
        pages,
        plan,
        request,
        files,
        listener,
        history={},
        partial=False,
        started=started,
    )


def _label_tiles(
    job: ApplyJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    """Label tile by tile; an image that fits the memory is simply one of few tiles."""
    from nuriwake.io.ground import minimum_pixels
    from nuriwake.io.sources import open_windows
    from nuriwake.jobs.tiled import Published
    from nuriwake.scale.executors import choose_executor
    from nuriwake.scale.mosaic import MosaicOptions, apply_model
    from nuriwake.scale.products import MosaicOutputs

    source = open_windows(plan.source, job.selection)
    finals = dict(plan.files)
    overlay = finals.pop("overlay", None)
    published = Published(plan, request, source, job.settings, files)

    def publish(finished: Mapping[str, Path], done: DoneMap) -> None:
        if overlay is not None:
            _write_overlay(files.temporary("overlay", overlay), source, done, job.model)
        published(finished, done)

    options = MosaicOptions(
        memory=job.memory_bytes,
        min_pixels=minimum_pixels(job.min_area, source.georeference, source.shape, plan.source),
        tolerance=job.tolerance,
        existing="continue" if job.resume else "overwrite",
        threads=job.model.settings.threads,
    )
    outputs = MosaicOutputs(**finals, beside=plan.sidecar)
    with (
        choose_executor(job.workers, job.scheduler) as executor,
        listener.tiles(plan.source.name) as show,
    ):
        apply_model(
            job.model,
            source,
            outputs,
            options,
            executor=executor,
            on_progress=show,
            publish=publish,
        )
    return published.say_so(listener)


def _write_overlay(path: Path, source: WindowedSource, done: DoneMap, model: Model) -> None:
    """Lay the labels over a picture of the whole image, which fits the memory."""
    import numpy as np

    from nuriwake.io.image import write_picture
    from nuriwake.learn.normalise import normalise
    from nuriwake.painting import as_picture, overlay
    from nuriwake.raster import Window

    raster = source.read(Window.full(source.shape))
    labels = np.zeros(source.shape, np.int32)
    for window, part in done.labels():
        labels[window.slices] = part
    unit = normalise(raster.array, raster.valid, model.statistics)
    write_picture(path, overlay(as_picture(unit), labels))
