"""The command ``nuriwake segment``: its flags, and one line for each input that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.faces.cut_command import (
    DetailFlag,
    LabelsFlag,
    RegionsFlag,
    parse_detail,
    parse_regions,
)
from nuriwake.faces.options import (
    BandsFlag,
    Inputs,
    JsonFlag,
    MemoryFlag,
    OutputFlag,
    OverwriteFlag,
    PartialFlag,
    QuietFlag,
    ResumeFlag,
    SchedulerFlag,
    ScribblesFlag,
    SettingsFlag,
    StartFlag,
    WorkersFlag,
    gather_settings,
    parse_bands,
    with_settings,
)
from nuriwake.faces.segment_job import Outcome, SegmentJob, attempt

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan

_INTERRUPTED = 130


SaveFlag = Annotated[
    str,
    typer.Option(
        help="what to write: labels, regions, overlay, contours, confidence, polygons, result "
        "(default regions,overlay; labels,overlay for the published recipes, --labels)",
        metavar="WHAT,...",
        show_default=False,
    ),
]


@with_settings
def segment(
    inputs: Inputs,
    output: OutputFlag = None,
    regions: RegionsFlag = "auto",
    detail: DetailFlag = None,
    labels: LabelsFlag = None,
    save: SaveFlag = "",
    scribbles: ScribblesFlag = None,
    model: StartFlag = None,
    bands: BandsFlag = "",
    settings: SettingsFlag = None,
    memory: MemoryFlag = "",
    workers: WorkersFlag = 1,
    scheduler: SchedulerFlag = None,
    overwrite: OverwriteFlag = False,
    resume: ResumeFlag = False,
    keep_partial: PartialFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
    *,
    flags: Mapping[str, str],
) -> None:
    """Segment pictures, each by a network trained on it."""
    from nuriwake.io.formats import expand_inputs
    from nuriwake.io.model import load_model
    from nuriwake.io.outputs import parse_kinds, plan_outputs
    from nuriwake.scale.memory import parse_bytes

    n_regions = parse_regions(regions)
    job = SegmentJob(
        settings=gather_settings(flags, settings, load_model(model).settings if model else None),
        bands=tuple(parse_bands(bands)),
        n_regions=n_regions,
        detail=parse_detail(detail, n_regions),
        n_labels=labels,
        scribbles=scribbles,
        model=model,
        memory=parse_bytes(memory) if memory else None,
        kinds=parse_kinds(save) if save else None,
        workers=workers,
        scheduler=scheduler,
        overwrite=overwrite,
        resume=resume,
        keep_partial=keep_partial,
        quiet=quiet,
    )
    plans = plan_outputs(expand_inputs(inputs), output, job.chosen_kinds)
    raise typer.Exit(_run_all(job, plans, json))


def _run_all(job: SegmentJob, plans: Sequence[OutputPlan], json: bool) -> int:
    """Segment each input; return the exit code."""
    n_failed = 0
    with _spread(job, plans) as outcomes:
        for outcome in outcomes:
            if outcome.error:
                typer.echo(f"nuriwake: {outcome.error}", err=True)
                n_failed += 1
            if outcome.record is not None and json:
                typer.echo(outcome.record.to_json())
            if outcome.record is not None and outcome.record.partial:
                return _INTERRUPTED
    if n_failed and len(plans) > 1 and not job.quiet:
        done = len(plans) - n_failed
        typer.echo(f"{done} of {len(plans)} inputs done, {n_failed} failed.", err=True)
    return 1 if n_failed else 0


@contextmanager
def _spread(job: SegmentJob, plans: Sequence[OutputPlan]) -> Iterator[Iterator[Outcome]]:
    """Run the inputs one after the other, or several at once where workers were asked for."""
    if len(plans) < 2 or (job.workers < 2 and job.scheduler is None):
        yield (attempt((job, plan)) for plan in plans)
        return
    from nuriwake.faces.progress import tile_bar
    from nuriwake.scale.executors import choose_executor

    with (
        choose_executor(job.workers, job.scheduler) as executor,
        tile_bar("inputs", job.quiet) as show,
    ):
        tasks = [(job.for_worker(executor.n_workers), plan) for plan in plans]

        def outcomes() -> Iterator[Outcome]:
            for done, (_, outcome) in enumerate(executor.run(attempt, tasks), start=1):
                show(done, len(tasks))
                yield outcome

        yield outcomes()
