"""The command ``nuriwake segment`` and its flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

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
    with_group,
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

if TYPE_CHECKING:
    from nuriwake.jobs.segment import SegmentJob
    from nuriwake.settings import Settings

SaveFlag = Annotated[
    str,
    typer.Option(
        help="what to write: labels, regions, overlay, contours, confidence, polygons, result "
        "(default regions,overlay; labels,overlay for the published recipes, --labels)",
        metavar="WHAT,...",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class SegmentFlags:
    """The flags of the command, in the order of its help; those of the settings follow."""

    output: OutputFlag = None
    regions: RegionsFlag = "auto"
    detail: DetailFlag = None
    labels: LabelsFlag = None
    save: SaveFlag = ""
    scribbles: ScribblesFlag = None
    model: StartFlag = None
    bands: BandsFlag = ""
    channels: ChannelsFlag = ""
    axes: AxesFlag = ""
    plane: PlaneFlag = ""
    page: PageFlag = None
    volume: VolumeFlag = False
    spacing: SpacingFlag = ""
    settings: SettingsFlag = None
    memory: MemoryFlag = ""
    workers: WorkersFlag = 1
    scheduler: SchedulerFlag = None
    overwrite: OverwriteFlag = False
    resume: ResumeFlag = False
    keep_partial: PartialFlag = False
    json: JsonFlag = False
    progress: ProgressFlag = "bar"
    quiet: QuietFlag = False

    def job(self, flags: Mapping[str, str]) -> SegmentJob:
        """Say what every input is segmented with.

        Raises
        ------
        UsageError
            If a flag is out of its range, or contradicts another.
        """
        from nuriwake.jobs.kinds import parse_kinds
        from nuriwake.jobs.segment import SegmentJob
        from nuriwake.scale.memory import parse_bytes

        n_regions = parse_regions(self.regions)
        return SegmentJob(
            settings=self._settings(flags),
            selection=parse_selection(self.bands, self.channels, self.axes, self.plane, self.page),
            n_regions=n_regions,
            detail=parse_detail(self.detail, n_regions),
            n_labels=parse_labels(self.labels),
            scribbles=self.scribbles,
            model=self.model,
            memory=parse_bytes(self.memory) if self.memory else None,
            kinds=parse_kinds(self.save) if self.save else None,
            workers=self.workers,
            scheduler=self.scheduler,
            overwrite=self.overwrite,
            resume=self.resume,
            volume=self.volume,
            spacing=parse_spacing(self.spacing, self.volume),
        )

    def _settings(self, flags: Mapping[str, str]) -> Settings:
        from nuriwake.model_file import load_model
        from nuriwake.volume import VOLUME

        start = load_model(self.model).settings if self.model else None
        defaults = VOLUME if self.volume else MappingProxyType({})
        return gather_settings(flags, self.settings, start, defaults)


@with_settings()
@with_group
def segment(inputs: Inputs, *, given: SegmentFlags, flags: Mapping[str, str]) -> None:
    """Segment pictures, each by a network trained on it."""
    from nuriwake.faces.progress import Terminal, parse_progress
    from nuriwake.faces.running import run_inputs, spread
    from nuriwake.io.formats import expand_inputs
    from nuriwake.jobs.inputs import plan_inputs
    from nuriwake.jobs.plan import without_results

    job = given.job(flags)
    planned = plan_inputs(job, without_results(expand_inputs(inputs), inputs), given.output)
    terminal = Terminal(given.quiet, given.keep_partial, parse_progress(given.progress))
    with spread(job, planned, terminal) as reports:
        raise typer.Exit(run_inputs(reports, len(planned), terminal, given.json))
