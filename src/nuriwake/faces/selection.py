"""The flags that choose a part of each input: bands, channels, axes, a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nuriwake.errors import UsageError, out_of_range

if TYPE_CHECKING:
    from nuriwake.io.selection import Selection

BandsFlag = Annotated[
    str, typer.Option(help="bands to use, in this order, counted from 1: 4,3,2", metavar="N,...")
]
ChannelsFlag = Annotated[
    str,
    typer.Option(
        help="the same as --bands, counted from 0 as microscopes do: --channels 0,2 is --bands 1,3",
        metavar="N,...",
    ),
]
AxesFlag = Annotated[
    str,
    typer.Option(
        help="a letter for each dimension of a file that does not say it itself: T, Z, C, Y, X, "
        "such as ZCYX",
        metavar="LETTERS",
    ),
]
PlaneFlag = Annotated[
    str,
    typer.Option(
        help="one position of a stack, counted from 0, such as z=5 or t=0,z=5", metavar="AXIS=N,..."
    ),
]
PageFlag = Annotated[
    int | None,
    typer.Option(help="one page of a TIFF or of an animation, counted from 1", metavar="N"),
]


def parse_selection(
    bands: str, channels: str, axes: str, plane: str, page: int | None = None
) -> Selection:
    """Read the flags that choose a part of each input.

    Raises
    ------
    UsageError
        If one cannot be read, or both bands and channels are given.

    Examples
    --------
    >>> parse_selection("", "0,2", "zcyx", "z=5")
    Selection(bands=(1, 3), axes='ZCYX', plane=(('Z', 5),), page=None)
    """
    from nuriwake.io.selection import Selection

    if bands and channels:
        raise UsageError(
            "`--bands` and `--channels` choose the same, counted from 1 and from 0. Give one."
        )
    numbers = _numbers("--bands", bands, 1) or tuple(
        number + 1 for number in _numbers("--channels", channels, 0)
    )
    if page is not None and page < 1:
        raise UsageError(out_of_range("--page", "an int of at least 1", page))
    return Selection(numbers, _letters(axes), _positions(plane), page)


def _numbers(flag: str, text: str, first: int) -> tuple[int, ...]:
    expected = f"a comma-separated list of numbers from {first}, such as 4,3,2"
    try:
        numbers = tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(out_of_range(flag, expected, text)) from None
    if min(numbers, default=first) < first:
        raise UsageError(out_of_range(flag, expected, text))
    return numbers


def _letters(text: str) -> str:
    letters = text.upper()
    is_fine = set("YX") <= set(letters) <= set("TZCYXI") and len(set(letters)) == len(letters)
    if letters and not is_fine:
        expected = "letters of T, Z, C, Y, X, I (pages), each once, Y and X among them"
        raise UsageError(out_of_range("--axes", expected, text, "Such as ZCYX."))
    return letters


def _positions(text: str) -> tuple[tuple[str, int], ...]:
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    letters = [name.strip().upper() for name, _, _ in pairs]
    is_fine = all(number.strip().isdecimal() for _, _, number in pairs)
    if not is_fine or not set(letters) <= set("TZI") or len(set(letters)) < len(letters):
        expected = "an axis (t, z or i) and a position from 0, such as z=5 or t=0,z=5"
        raise UsageError(out_of_range("--plane", expected, text))
    return tuple(
        (letter, int(number)) for letter, (_, _, number) in zip(letters, pairs, strict=True)
    )
