"""The command ``nuriwake cut``: another number of regions from a saved result, no training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.options import OutputFlag, OverwriteFlag, QuietFlag

RegionsFlag = Annotated[
    str, typer.Option(help="how many connected regions, or auto", metavar="N|auto")
]
LabelsFlag = Annotated[
    int | None,
    typer.Option(help="merge the labels to so many materials, each in any places", metavar="N"),
]


def cut(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="a file that segment --save result has written")
    ],
    regions: RegionsFlag = "auto",
    labels: LabelsFlag = None,
    altitude: Annotated[
        float | None,
        typer.Option(help="cut at this altitude of the tree instead", metavar="NUMBER"),
    ] = None,
    output: OutputFlag = None,
    save: Annotated[
        str,
        typer.Option(
            help="what to write: labels, regions, overlay, contours, confidence", metavar="WHAT,..."
        ),
    ] = "regions,overlay",
    overwrite: OverwriteFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Read any number of regions from a saved result."""
    from nuriwake.io.outputs import CUT_KINDS, check_writable, parse_kinds, plan_outputs
    from nuriwake.jobs.result_file import load_result
    from nuriwake.jobs.results import write_cut, write_results

    n_regions = parse_regions(regions)
    kinds = parse_kinds(save, among=CUT_KINDS)
    plan = plan_outputs([result], output, kinds)[0]
    partition = load_result(result)
    if altitude is not None:
        if n_regions is not None:
            raise UsageError("give `--regions` or `--altitude`, not both.")
        n_regions = partition.tree.count_at(altitude)
    partition = partition.read(n_regions, labels)
    check_writable(plan, overwrite)
    written = write_results(plan, partition)
    write_cut(plan, partition, written)
    if not quiet:
        files = ", ".join(str(path) for path in written.values())
        typer.echo(f"{partition.n_regions} regions -> {files}", err=True)


def parse_regions(text: str) -> int | None:
    """Read the value of ``--regions``; None for auto.

    Raises
    ------
    UsageError
        If it is neither a positive number nor auto.

    Examples
    --------
    >>> parse_regions("12"), parse_regions("auto")
    (12, None)
    """
    if text == "auto":
        return None
    if not text.isdigit() or int(text) < 1:
        raise UsageError(out_of_range("--regions", "a number of at least 1, or auto", text))
    return int(text)
