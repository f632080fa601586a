"""What is done with the pages of a stack: one model for all, so that labels mean the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.jobs.records import RunRecord
from nuriwake.segmentation import Reading

if TYPE_CHECKING:
    from nuriwake.io.stack import StackSource
    from nuriwake.jobs.commit import Staging
    from nuriwake.jobs.listener import Listener
    from nuriwake.jobs.plan import OutputPlan
    from nuriwake.jobs.segment import SegmentJob
    from nuriwake.model import Model

#: The labels as they are; of each page the automatic cut.
AUTOMATIC = Reading()


def segment_stack(
    job: SegmentJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    """Train one model on pages of a stack, and label every page with it.

    Raises
    ------
    InputError
        If a page cannot be used.
    OutputError
        If the labels cannot be written.
    """
    from nuriwake.io.stack import open_stack
    from nuriwake.jobs.segment import StepRecorder
    from nuriwake.scale.pages import fit_stack_steps
    from nuriwake.segmenter import finish_steps

    pages = open_stack(plan.source, job.selection)
    with listener.training(plan.source.name, job.settings.max_iter) as show:
        reader = StepRecorder(show)
        model = finish_steps(fit_stack_steps(pages, job.settings), reader)
    return label_pages(
        model,
        pages,
        plan,
        request,
        files,
        listener,
        history=reader.history,
        partial=reader.stopped,
        started=reader.started,
        cuts=Reading(job.n_regions, job.n_labels, detail=job.detail),
    )


def label_pages(
    model: Model,
    pages: StackSource,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
    *,
    history: Mapping[str, list[int] | list[float]],
    partial: bool,
    started: float,
    cuts: Reading = AUTOMATIC,
) -> RunRecord:
    """Label every page with a trained model, or cut its tree; write them and the record."""
    from nuriwake.io.versions import package_versions

    counts = {
        kind: _write_pages(model, pages, kind, files.temporary(kind, final), cuts, listener)
        for kind, final in plan.files
    }
    height, width = pages.shape
    record = RunRecord(
        input=str(plan.source),
        request=request,
        height=height,
        width=width,
        bands=pages.n_bands,
        settings=model.settings.model_dump(),
        versions=package_versions(),
        device=model.weights.device,
        threads=model.settings.threads,
        seconds={"total": round(time.perf_counter() - started, 3)},
        iterations=len(history.get("loss", [])),
        partial=partial,
        n_labels=counts.get("labels", 0),
        n_regions=counts.get("regions", 0),
        history=history,
        outputs={},
        digests={},
        route="stack",
        pieces=len(pages),
        axes=pages.grid.axes,
        spacing=pages.grid.spacing if pages.grid.is_named else (),
        unit=pages.grid.unit,
        channel_names=pages.band_names,
    )
    record = files.publish(lambda names, digests: replace(record, outputs=names, digests=digests))
    found = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    written = ", ".join(str(plan.folder / name) for name in record.outputs.values())
    listener.say(f"{plan.source}: {len(pages)} pages, {found} -> {written}")
    return record


def _write_pages(
    model: Model, pages: StackSource, kind: str, path: Path, cuts: Reading, listener: Listener
) -> int:
    """Write one kind of map of all pages; return how many labels or regions it has."""
    from nuriwake.scale.pages import cut_stack, label_stack

    with listener.tiles(pages.path.name) as show:
        if kind == "regions":
            return cut_stack(model, pages, path, cuts.n_regions, cuts.detail, show)
        return label_stack(model, pages, path, show, cuts.n_labels)
