"""The command ``nuriwake segment``: its flags, and one line for each input that fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.faces.cut_command import LabelsFlag, RegionsFlag, parse_regions
from nuriwake.faces.options import (
    MemoryFlag,
    SchedulerFlag,
    WorkersFlag,
    gather_settings,
    parse_bands,
    with_settings,
)
from nuriwake.faces.segment_job import Outcome, SegmentJob, attempt

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan

_INTERRUPTED = 130


@with_settings
def segment(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="pictures, folders of them, or globs")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="a file for one input, else a folder", metavar="PATH"),
    ] = None,
    regions: RegionsFlag = "auto",
    labels: LabelsFlag = None,
    save: Annotated[
        str,
        typer.Option(
            help="what to write: labels, regions, overlay, contours, confidence, polygons, result "
            "(default regions,overlay; labels,overlay for the published recipes, --labels)",
            metavar="WHAT,...",
            show_default=False,
        ),
    ] = "",
    scribbles: Annotated[
        Path | None,
        typer.Option(help="a PNG or TIFF of drawn labels, for one input", metavar="FILE"),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="start from the weights of this model", metavar="MODEL.safetensors"),
    ] = None,
    bands: Annotated[
        str, typer.Option(help="bands to use, in this order, such as 4,3,2", metavar="N,...")
    ] = "",
    settings: Annotated[
        Path | None,
        typer.Option(help="read settings from a TOML file or a sidecar", metavar="FILE"),
    ] = None,
    memory: MemoryFlag = "",
    workers: WorkersFlag = 1,
    scheduler: SchedulerFlag = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace files that nuriwake did not write")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="skip inputs whose results are there already")
    ] = False,
    keep_partial: Annotated[
        bool, typer.Option("--keep-partial", help="on Ctrl-C, keep the labels reached so far")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="print one JSON record per input to standard output")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print errors only")] = False,
    *,
    flags: Mapping[str, str],
) -> None:
    """Segment pictures, each by a network trained on it."""
    from nuriwake.io.formats import expand_inputs
    from nuriwake.io.model import load_model
    from nuriwake.io.outputs import parse_kinds, plan_outputs
    from nuriwake.scale.memory import parse_bytes

    job = SegmentJob(
        settings=gather_settings(flags, settings, load_model(model).settings if model else None),
        bands=tuple(parse_bands(bands)),
        n_regions=parse_regions(regions),
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
