"""The command ``nuriwake cut``: another number of regions from a saved result, no training."""

from __future__ import annotations

import re
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
SavedRegionsFlag = Annotated[
    str | None,
    typer.Option(
        help="how many connected regions, or auto (default: what the result showed)",
        metavar="N|auto",
        show_default=False,
    ),
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
    regions: SavedRegionsFlag = None,
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
            help="what to write: labels, regions, overlay, contours, confidence, polygons",
            metavar="WHAT,...",
        ),
    ] = "regions,overlay",
    overwrite: OverwriteFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Read any number of regions from a saved result."""
    from nuriwake.faces.progress import Terminal
    from nuriwake.jobs.cut import cut_result
    from nuriwake.jobs.kinds import CUT_KINDS, parse_kinds

    n_regions = parse_regions(regions or "auto")
    if altitude is not None and (n_regions is not None or detail is not None):
        raise UsageError("give `--regions`, `--detail` or `--altitude`, not two of them.")
    cut_result(
        result,
        output,
        parse_kinds(save, among=CUT_KINDS),
        Terminal(quiet),
        n_regions=n_regions or ("auto" if regions else None),
        detail=parse_detail(detail, n_regions),
        n_labels=parse_labels(labels),
        altitude=altitude,
        overwrite=overwrite,
    )


def parse_labels(n_labels: int | None) -> int | None:
    """Check the value of ``--labels``.

    Raises
    ------
    UsageError
        If it is below 1.

    Examples
    --------
    >>> parse_labels(3)
    3
    """
    if n_labels is not None and n_labels < 1:
        raise UsageError(out_of_range("--labels", "an int of at least 1", n_labels))
    return n_labels


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
    # No image has more pixels; and digits of other scripts, or superscripts, are no numbers here.
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < 1:
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
