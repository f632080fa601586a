"""The commands ``nuriwake fit`` and ``nuriwake apply``: one model for many images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.faces.options import (
    BandsFlag,
    Inputs,
    MemoryFlag,
    OutputFlag,
    QuietFlag,
    ResumeFlag,
    SchedulerFlag,
    SettingsFlag,
    WorkersFlag,
    gather_settings,
    parse_bands,
    with_settings,
)

if TYPE_CHECKING:
    from nuriwake.scale.products import Existing

#: Unless told otherwise: fast sees one whole image at a time, so that its models fit no tiles.
FIT_RECIPE = "tip2020"


@with_settings
def fit(
    inputs: Inputs,
    model: Annotated[
        Path, typer.Option("-m", "--model", help="the file to write", metavar="MODEL.safetensors")
    ],
    bands: BandsFlag = "",
    settings: SettingsFlag = None,
    quiet: QuietFlag = False,
    *,
    flags: Mapping[str, str],
) -> None:
    """Train one model on reference images (recipe tip2020)."""
    from nuriwake.faces.progress import training_bar
    from nuriwake.io.formats import expand_inputs, read_raster
    from nuriwake.io.model import check_model_path, save_model
    from nuriwake.segmenter import finish_steps, fit_steps

    chosen = gather_settings(
        {"recipe": FIT_RECIPE, **flags} if settings is None else flags, settings
    )
    check_model_path(model)
    numbers = parse_bands(bands)
    rasters = [read_raster(path, numbers) for path in expand_inputs(inputs)]
    with training_bar(model.name, chosen.max_iter, quiet) as show:
        trained = finish_steps(fit_steps(rasters, chosen), show)
    save_model(model, trained)
    if not quiet:
        typer.echo(f"trained on {len(rasters)} images -> {model}", err=True)


def apply(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a file that fit has written")],
    inputs: Inputs,
    output: OutputFlag = None,
    save: Annotated[
        str,
        typer.Option(
            help="what to write: labels, overlay, and for georeferenced rasters regions, polygons "
            "(default labels,overlay; labels for georeferenced rasters)",
            metavar="WHAT,...",
            show_default=False,
        ),
    ] = "",
    bands: BandsFlag = "",
    memory: MemoryFlag = "",
    workers: WorkersFlag = 1,
    scheduler: SchedulerFlag = None,
    min_area: Annotated[
        str,
        typer.Option(help="join smaller regions to a neighbour: pixels, or 500m2, 2ha, 1km2"),
    ] = "1",
    tolerance: Annotated[
        float, typer.Option(help="how much polygons may be simplified, in pixels")
    ] = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace results that are there already")
    ] = False,
    resume: ResumeFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Label images with a trained model: same meaning, same colour."""
    from nuriwake.faces.apply_job import ApplyJob
    from nuriwake.io.formats import expand_inputs
    from nuriwake.io.model import load_model
    from nuriwake.jobs.files import ScaleFlags

    existing: Existing = "overwrite" if overwrite else "resume" if resume else "refuse"
    job = ApplyJob(
        model=load_model(model),
        kinds=save,
        bands=tuple(parse_bands(bands)),
        scale=ScaleFlags(memory, workers, scheduler, min_area, tolerance, existing),
        quiet=quiet,
    )
    raise typer.Exit(job.run_all(expand_inputs(inputs), output))
