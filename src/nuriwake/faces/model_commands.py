"""The commands ``nuriwake fit`` and ``nuriwake apply``: one model for many images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.errors import InputError, OutputError
from nuriwake.faces.options import gather_settings, parse_bands, with_settings

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan
    from nuriwake.model import Model

#: Unless told otherwise: fast sees one whole image at a time, so that its models fit no tiles.
FIT_RECIPE = "tip2020"

Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="pictures, folders of them, or globs")
]
Bands = Annotated[
    str, typer.Option(help="bands to use, in this order, such as 4,3,2", metavar="N,...")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="print errors only")]


@with_settings
def fit(
    inputs: Inputs,
    model: Annotated[
        Path, typer.Option("-m", "--model", help="the file to write", metavar="MODEL.safetensors")
    ],
    bands: Bands = "",
    settings: Annotated[
        Path | None,
        typer.Option(help="read settings from a TOML file or a sidecar", metavar="FILE"),
    ] = None,
    quiet: Quiet = False,
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
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="a file for one input, else a folder", metavar="PATH"),
    ] = None,
    save: Annotated[
        str, typer.Option(help="what to write: labels, overlay", metavar="WHAT,...")
    ] = "labels,overlay",
    bands: Bands = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace files that nuriwake did not write")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Label images with a trained model: same meaning, same colour."""
    from nuriwake.io.formats import expand_inputs
    from nuriwake.io.model import load_model
    from nuriwake.io.outputs import parse_kinds, plan_outputs

    trained = load_model(model)
    kinds = parse_kinds(save, among=("labels", "overlay"))
    plans = plan_outputs(expand_inputs(inputs), output, kinds)
    numbers = parse_bands(bands)
    n_failed = 0
    for plan in plans:
        try:
            _apply_one(plan, trained, numbers, overwrite)
        except (InputError, OutputError) as error:
            typer.echo(f"nuriwake: {error}", err=True)
            n_failed += 1
            continue
        if not quiet:
            files = ", ".join(str(path) for _, path in plan.files)
            typer.echo(f"{plan.source} -> {files}", err=True)
    raise typer.Exit(1 if n_failed else 0)


def _apply_one(plan: OutputPlan, model: Model, bands: list[int], overwrite: bool) -> None:
    from nuriwake.io.formats import read_raster
    from nuriwake.io.outputs import check_writable
    from nuriwake.results import write_applied

    raster = read_raster(plan.source, bands)
    check_writable(plan, overwrite)
    write_applied(plan, raster, model)
