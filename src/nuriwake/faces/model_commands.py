"""The commands ``nuriwake fit`` and ``nuriwake apply``: one model for many images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.faces.options import (
    Inputs,
    JsonFlag,
    MemoryFlag,
    OutputFlag,
    OverwriteFlag,
    ProgressFlag,
    QuietFlag,
    ResumeFlag,
    SchedulerFlag,
    SettingsFlag,
    WorkersFlag,
    gather_settings,
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
    from nuriwake.jobs.apply import ApplyJob

#: Unless told otherwise: fast sees one whole image at a time, so that its models fit no tiles.
FIT_RECIPE = "tip2020"


@with_settings(recipe=FIT_RECIPE)
def fit(
    inputs: Inputs,
    model: Annotated[
        Path, typer.Option("-m", "--model", help="the file to write", metavar="MODEL.safetensors")
    ],
    bands: BandsFlag = "",
    channels: ChannelsFlag = "",
    axes: AxesFlag = "",
    plane: PlaneFlag = "",
    page: PageFlag = None,
    settings: SettingsFlag = None,
    memory: MemoryFlag = "",
    overwrite: OverwriteFlag = False,
    progress: ProgressFlag = "bar",
    quiet: QuietFlag = False,
    *,
    flags: Mapping[str, str],
) -> None:
    """Train one model on reference images (recipe tip2020)."""
    from nuriwake.faces.progress import Terminal, parse_progress
    from nuriwake.io.formats import expand_inputs
    from nuriwake.jobs.fit import FitJob, fit_model
    from nuriwake.scale.memory import parse_bytes

    chosen = gather_settings(
        {"recipe": FIT_RECIPE, **flags} if settings is None else flags, settings
    )
    job = FitJob(
        settings=chosen,
        selection=parse_selection(bands, channels, axes, plane, page),
        memory=parse_bytes(memory) if memory else None,
        overwrite=overwrite,
    )
    fit_model(job, expand_inputs(inputs), model, Terminal(quiet, progress=parse_progress(progress)))


@dataclass(frozen=True)
class ApplyFlags:
    """The flags of ``nuriwake apply``, in the order of its help."""

    output: OutputFlag = None
    save: Annotated[
        str,
        typer.Option(
            help="what to write: labels, regions, overlay, polygons "
            "(default labels,overlay; labels beyond --memory)",
            metavar="WHAT,...",
            show_default=False,
        ),
    ] = ""
    bands: BandsFlag = ""
    channels: ChannelsFlag = ""
    axes: AxesFlag = ""
    plane: PlaneFlag = ""
    page: PageFlag = None
    memory: MemoryFlag = ""
    workers: WorkersFlag = 1
    scheduler: SchedulerFlag = None
    min_area: Annotated[
        str,
        typer.Option(help="join smaller regions to a neighbour: pixels, or 500m2, 2ha, 1km2"),
    ] = "1"
    tolerance: Annotated[
        float, typer.Option(help="how much polygons may be simplified, in pixels")
    ] = 0.0
    overwrite: OverwriteFlag = False
    resume: ResumeFlag = False
    json: JsonFlag = False
    progress: ProgressFlag = "bar"
    quiet: QuietFlag = False

    def job(self, model: Path) -> ApplyJob:
        """Say what every input is labelled with.

        Raises
        ------
        UsageError
            If a flag is out of its range, or contradicts another.
        ModelError
            If the model cannot be read.
        """
        from nuriwake.io.identity import file_identity
        from nuriwake.jobs.apply import ApplyJob
        from nuriwake.jobs.kinds import APPLY_KINDS, parse_kinds
        from nuriwake.model_file import load_model
        from nuriwake.scale.memory import parse_bytes

        return ApplyJob(
            model=load_model(model),
            model_digest=file_identity(model),
            kinds=parse_kinds(self.save, among=APPLY_KINDS) if self.save else None,
            selection=parse_selection(self.bands, self.channels, self.axes, self.plane, self.page),
            memory=parse_bytes(self.memory) if self.memory else None,
            workers=self.workers,
            scheduler=self.scheduler,
            min_area=self.min_area,
            tolerance=self.tolerance,
            overwrite=self.overwrite,
            resume=self.resume,
        )


@with_group
def apply(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a file that fit has written")],
    inputs: Inputs,
    *,
    given: ApplyFlags,
) -> None:
    """Label images with a trained model: same meaning, same colour."""
    from nuriwake.faces.progress import Terminal, parse_progress
    from nuriwake.faces.running import run_inputs
    from nuriwake.io.formats import expand_inputs
    from nuriwake.jobs.inputs import plan_inputs, run_input
    from nuriwake.jobs.plan import without_results

    job = given.job(model)
    planned = plan_inputs(job, without_results(expand_inputs(inputs), inputs), given.output)
    terminal = Terminal(given.quiet, progress=parse_progress(given.progress))
    reports = (run_input(job, one, terminal) for one in planned)
    raise typer.Exit(run_inputs(reports, len(planned), terminal, given.json))
