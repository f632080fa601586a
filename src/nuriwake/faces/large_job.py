"""What ``nuriwake segment`` does with a raster that does not fit the memory, and with stacks."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.errors import UsageError

if TYPE_CHECKING:
    from nuriwake.faces.segment_job import SegmentJob
    from nuriwake.io.outputs import OutputPlan
    from nuriwake.scale.products import Existing
    from nuriwake.settings import Settings

_ZARR = ".zarr"
_TIFF = (".tif", ".tiff")


def is_too_large(path: Path, settings: Settings, memory: int | None) -> bool:
    """Tell whether a file must be segmented tile by tile, or page by page.

    Parameters
    ----------
    path : pathlib.Path
    settings : Settings
    memory : int or None
        Bytes; None for half of what is free.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from nuriwake.io.formats import is_geotiff
    from nuriwake.io.stack import is_stack
    from nuriwake.scale.files import needs_tiles
    from nuriwake.scale.memory import default_memory

    if path.suffix.lower() == _ZARR or is_stack(path):
        return True
    if not is_geotiff(path):
        return False
    bytes_allowed = default_memory() if memory is None else memory
    p, q = settings.n_channels, settings.max_labels
    # The recipe fast trains on a coarse grid: its networks never see the whole raster.
    return needs_tiles(path, bytes_allowed, *((0, 0) if settings.recipe == "fast" else (p, q)))


def run_large(plan: OutputPlan, job: SegmentJob) -> None:
    """Segment a large raster or a stack, and say so.

    Raises
    ------
    UsageError
        If a kind of result cannot be written tile by tile.
    InputError
        If the raster cannot be read.
    OutputError
        If a result cannot be written.
    """
    from nuriwake.io.stack import is_stack

    if is_stack(plan.source):
        _run_stack(plan, job)
    else:
        _run_raster(plan, job)


def _run_raster(plan: OutputPlan, job: SegmentJob) -> None:
    from nuriwake.faces.progress import large_bars
    from nuriwake.io.outputs import SIDECAR_SUFFIX, check_writable
    from nuriwake.io.sources import open_source
    from nuriwake.scale.executors import choose_executor
    from nuriwake.scale.large import large_kinds, large_steps
    from nuriwake.scale.memory import default_memory
    from nuriwake.segmenter import finish_steps

    check_writable(plan, job.overwrite)
    kinds = large_kinds(job.settings, job.kinds)
    folder, stem = plan.sidecar.parent, plan.sidecar.name.removesuffix(SIDECAR_SUFFIX)
    suffix = {"polygons": ".gpkg"}
    files = {kind: folder / f"{stem}.{kind}{suffix.get(kind, '.tif')}" for kind in kinds}
    memory = default_memory() if job.memory is None else job.memory
    source = open_source(plan.source, job.bands)
    job.say(f"{plan.source}: larger than --memory {memory >> 20}M allows; tile by tile.")
    existing: Existing = "resume" if job.resume else "overwrite"
    with ExitStack() as stack:
        executor = stack.enter_context(choose_executor(job.workers, job.scheduler))
        bars = large_bars(plan.source.name, job.settings.max_iter, job.quiet)
        show, show_tiles = stack.enter_context(bars)
        steps = large_steps(
            source,
            job.settings,
            files,
            memory,
            executor,
            n_regions=job.n_regions,
            detail=job.detail,
            existing=existing,
            on_progress=show_tiles,
        )
        report = finish_steps(steps, show)
    _write_record(plan, job, files)
    written = ", ".join(map(str, files.values()))
    found = f"{report.n_regions} regions in {report.n_tiles} tiles -> {written}"
    job.say(f"{plan.source}: {'done before, skipped.' if report.skipped else found}")


def _run_stack(plan: OutputPlan, job: SegmentJob) -> None:
    """Train one model on pages of a stack, label every page with it."""
    from nuriwake.faces.progress import training_bar
    from nuriwake.io.outputs import check_writable
    from nuriwake.io.stack import open_stack
    from nuriwake.scale.pages import fit_stack_steps, label_stack
    from nuriwake.segmenter import finish_steps

    pages = open_stack(plan.source)
    if job.settings.recipe == "fast":
        raise UsageError(
            f"{plan.source}: a stack of {len(pages)} pages shares one model. "
            "Use --recipe tip2020 or --recipe icassp2018."
        )
    check_writable(plan, job.overwrite)
    output = plan.sidecar.with_name(f"{plan.source.stem}.labels.tif")
    with training_bar(plan.source.name, job.settings.max_iter, job.quiet) as show:
        model = finish_steps(fit_stack_steps(pages, job.settings), show)
    label_stack(model, pages, output)
    _write_record(plan, job, {"labels": output})
    job.say(f"{plan.source}: {len(pages)} pages -> {output}")


def _write_record(plan: OutputPlan, job: SegmentJob, files: dict[str, Path]) -> None:
    from nuriwake.io.atomic import atomic_path

    record = {
        "input": str(plan.source),
        "settings": job.settings.model_dump(),
        "outputs": {kind: path.name for kind, path in files.items()},
    }
    with atomic_path(plan.sidecar) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
