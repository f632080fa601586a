"""The command ``nuriwake segment`` and its flags."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from nuriwake.faces.cut_command import (
    DetailFlag,
    LabelsFlag,
    RegionsFlag,
    parse_detail,
    parse_labels,
    parse_regions,
)
from nuriwake.faces.options import (
    Inputs,
    JsonFlag,
    MemoryFlag,
    OutputFlag,
    OverwriteFlag,
    PartialFlag,
    ProgressFlag,
    QuietFlag,
    ResumeFlag,
    SchedulerFlag,
    ScribblesFlag,
    SettingsFlag,
    SpacingFlag,
    StartFlag,
    VolumeFlag,
    WorkersFlag,
    gather_settings,
    parse_spacing,
    with_settings,
)
from nuriwake.faces.selection import (
    AxesFlag,
    BandsFlag,
    ChannelsFlag,
    PageFlag,
    PlaneFlag,
    parse_selection,
)

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
    channels: ChannelsFlag = "",
    axes: AxesFlag = "",
    plane: PlaneFlag = "",
    page: PageFlag = None,
    volume: VolumeFlag = False,
    spacing: SpacingFlag = "",
    settings: SettingsFlag = None,
    memory: MemoryFlag = "",
    workers: WorkersFlag = 1,
    scheduler: SchedulerFlag = None,
    overwrite: OverwriteFlag = False,
    resume: ResumeFlag = False,
    keep_partial: PartialFlag = False,
    json: JsonFlag = False,
    progress: ProgressFlag = "bar",
    quiet: QuietFlag = False,
    *,
    flags: Mapping[str, str],
) -> None:
    """Segment pictures, each by a network trained on it."""
    from nuriwake.faces.progress import Terminal, parse_progress
    from nuriwake.faces.running import run_inputs, spread
    from nuriwake.io.formats import expand_inputs
    from nuriwake.jobs.inputs import plan_inputs
    from nuriwake.jobs.kinds import parse_kinds
    from nuriwake.jobs.plan import without_results
    from nuriwake.jobs.segment import SegmentJob
    from nuriwake.model_file import load_model
    from nuriwake.scale.memory import parse_bytes
    from nuriwake.volume import VOLUME

    n_regions = parse_regions(regions)
    job = SegmentJob(
        settings=gather_settings(
            flags,
            settings,
            load_model(model).settings if model else None,
            VOLUME if volume else MappingProxyType({}),
        ),
        selection=parse_selection(bands, channels, axes, plane, page),
        n_regions=n_regions,
        detail=parse_detail(detail, n_regions),
        n_labels=parse_labels(labels),
        scribbles=scribbles,
        model=model,
        memory=parse_bytes(memory) if memory else None,
        kinds=parse_kinds(save) if save else None,
        workers=workers,
        scheduler=scheduler,
        overwrite=overwrite,
        resume=resume,
        volume=volume,
        spacing=parse_spacing(spacing, volume),
    )
    planned = plan_inputs(job, without_results(expand_inputs(inputs), inputs), output)
    terminal = Terminal(quiet, keep_partial, parse_progress(progress))
    with spread(job, planned, terminal) as reports:
        raise typer.Exit(run_inputs(reports, len(planned), terminal, json))
