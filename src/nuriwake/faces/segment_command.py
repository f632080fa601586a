"""The command ``nuriwake segment``: each input in turn, and one line for each that fails."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.errors import InputError, OutputError
from nuriwake.faces.options import gather_settings, with_settings

if TYPE_CHECKING:
    from nuriwake.io.outputs import OutputPlan
    from nuriwake.io.sidecar import RunRecord
    from nuriwake.segmentation import Segmentation
    from nuriwake.settings import Settings

_INTERRUPTED = 130


@dataclass(frozen=True)
class Reporting:
    """What is printed, and what Ctrl-C does."""

    json: bool
    quiet: bool
    keep_partial: bool

    def say(self, text: str) -> None:
        """Print a line for people, on standard error."""
        if not self.quiet:
            typer.echo(text, err=True)


@with_settings
def segment(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="pictures, folders of them, or globs")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="a file for one input, else a folder", metavar="PATH"),
    ] = None,
    save: Annotated[
        str, typer.Option(help="what to write: labels, overlay, confidence", metavar="WHAT,...")
    ] = "labels,overlay",
    bands: Annotated[
        str, typer.Option(help="bands to use, in this order, such as 4,3,2", metavar="N,...")
    ] = "",
    settings: Annotated[
        Path | None,
        typer.Option(help="read settings from a TOML file or a sidecar", metavar="FILE"),
    ] = None,
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
    """Segment pictures: train a small network on each, write label maps and overlays."""
    from nuriwake.io.formats import expand_inputs
    from nuriwake.io.outputs import parse_kinds, plan_outputs

    chosen = gather_settings(flags, settings)
    plans = plan_outputs(expand_inputs(inputs), output, parse_kinds(save))
    reporting = Reporting(json, quiet, keep_partial)
    band_numbers = parse_bands(bands)
    n_failed = 0
    for plan in plans:
        try:
            record = _segment_one(plan, chosen, band_numbers, reporting, overwrite, resume)
        except (InputError, OutputError) as error:
            typer.echo(f"nuriwake: {error}", err=True)
            n_failed += 1
            continue
        if record is not None and json:
            typer.echo(record.to_json())
        if record is not None and record.partial:
            raise typer.Exit(_INTERRUPTED)
    if n_failed and len(plans) > 1:
        reporting.say(f"{len(plans) - n_failed} of {len(plans)} inputs done, {n_failed} failed.")
    raise typer.Exit(1 if n_failed else 0)


def parse_bands(text: str) -> list[int]:
    """Read the value of ``--bands``.

    Raises
    ------
    UsageError
        If it is not a list of numbers.

    Examples
    --------
    >>> parse_bands("4,3,2")
    [4, 3, 2]
    """
    from nuriwake.errors import UsageError, out_of_range

    try:
        return [int(part) for part in text.split(",")] if text else []
    except ValueError:
        expected = "a comma-separated list of band numbers such as 4,3,2"
        raise UsageError(out_of_range("--bands", expected, text)) from None


def _segment_one(
    plan: OutputPlan,
    settings: Settings,
    bands: Sequence[int],
    reporting: Reporting,
    overwrite: bool,
    resume: bool,
) -> RunRecord | None:
    """Segment one input and write its files; None where they are there already."""
    from nuriwake.faces.progress import training_bar
    from nuriwake.io.formats import read_raster
    from nuriwake.io.outputs import check_writable
    from nuriwake.io.sidecar import file_sha256, is_done, write_sidecar
    from nuriwake.io.writers import describe_run, write_results
    from nuriwake.segmenter import finish_steps, segment_steps

    raster = read_raster(plan.source, bands)
    check_writable(plan, overwrite)
    digest = file_sha256(plan.source)
    if resume and is_done(plan.sidecar, digest, settings.model_dump(), plan.paths):
        reporting.say(f"{plan.source}: done before, skipped.")
        return None
    with (
        training_bar(plan.source.name, settings.max_iter, reporting.quiet) as show,
        _early_stop(reporting.keep_partial) as stopped,
    ):
        result = finish_steps(segment_steps(raster, settings), lambda step: show(step) or stopped())
        partial = stopped()
    write_results(plan, result)
    record = describe_run(plan, result, digest, partial)
    write_sidecar(plan.sidecar, record)
    reporting.say(_summary(plan, result))
    return record


@contextmanager
def _early_stop(keep_partial: bool) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C ask for an early end of the training instead of raising, if wanted."""
    pressed: list[int] = []
    if not keep_partial:
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _summary(plan: OutputPlan, result: Segmentation) -> str:
    files = ", ".join(str(path) for _, path in plan.files)
    return (
        f"{plan.source}: {result.n_labels} labels after {len(result.history)} iterations "
        f"in {result.seconds['total']:.1f} s -> {files}"
    )
