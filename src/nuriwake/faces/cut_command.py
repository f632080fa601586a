"""The command ``nuriwake cut``: another number of regions from a saved result, no training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.options import OutputFlag, OverwriteFlag, QuietFlag

if TYPE_CHECKING:
    from nuriwake.regions.tree import Detail

RegionsFlag = Annotated[
    str, typer.Option(help="how many connected regions, or auto", metavar="N|auto")
]
DetailFlag = Annotated[
    str | None,
    typer.Option(
        help="how fine the regions are, in place of --regions: fine, medium (about what a person "
        "would outline) or coarse",
        metavar="fine|medium|coarse",
    ),
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
    detail: DetailFlag = None,
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
    from nuriwake.result_file import load_result
    from nuriwake.results import write_cut, write_results

    n_regions = parse_regions(regions)
    kinds = parse_kinds(save, among=CUT_KINDS)
    plan = plan_outputs([result], output, kinds)[0]
    partition = load_result(result)
    if altitude is not None:
        if n_regions is not None or detail is not None:
            raise UsageError("give `--regions`, `--detail` or `--altitude`, not two of them.")
        n_regions = partition.tree.count_at(altitude)
    partition = partition.read(n_regions, labels, parse_detail(detail, n_regions))
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


def parse_detail(text: str | None, n_regions: int | None = None) -> Detail | None:
    """Check the value of ``--detail``.

    Raises
    ------
    UsageError
        If there is no such detail, or a number of regions is given too.

    Examples
    --------
    >>> parse_detail("medium")
    'medium'
    """
    from nuriwake.regions.tree import DETAILS

    if text is None:
        return None
    if n_regions is not None:
        raise UsageError("give `--regions` or `--detail`, not both.")
    for detail in DETAILS:
        if text == detail:
            return detail
    raise UsageError(out_of_range("--detail", f"one of {', '.join(DETAILS)}", text))
