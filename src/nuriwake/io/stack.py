"""Stacks: the planes of a file, one picture after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from nuriwake.errors import UsageError, out_of_range
from nuriwake.io.families import family_of
from nuriwake.io.grid import Grid
from nuriwake.io.planes import PlaneSource, plane_of
from nuriwake.io.selection import ALL, Selection
from nuriwake.io.stored import Stored
from nuriwake.io.stored_files import open_stored
from nuriwake.io.tiff import opened_tiff, pictures_of
from nuriwake.raster import Raster, Window


@dataclass(frozen=True, eq=False)
class StackSource:
    """The planes of a file, read one at a time; made by :func:`open_stack`.

    Parameters
    ----------
    path : pathlib.Path
    stored : Stored
    bands : tuple of int
        Channels to read, in this order, numbered from 1; empty for all.
    fixed : Mapping of letter to int
        Axes of which one position was chosen.
    """

    path: Path
    stored: Stored
    bands: tuple[int, ...] = ()
    fixed: Mapping[str, int] = field(default_factory=dict)

    @property
    def page_axes(self) -> str:
        """The axes along which the pages lie, such as ``TZ``."""
        others = (axis for axis in self.stored.axes if axis not in "YXC")
        return "".join(axis for axis in others if axis not in self.fixed)

    @property
    def grid(self) -> Grid:
        """The axes of a label map of the whole stack."""
        axes = self.page_axes + "YX"
        sizes, steps = tuple(map(self.stored.size, axes)), tuple(map(self.stored.step, axes))
        return Grid(axes, sizes, steps, self.stored.unit)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a page."""
        return self.stored.size("Y"), self.stored.size("X")

    @property
    def n_bands(self) -> int:
        """Bands of a page, as they are read."""
        return self.plane(0).n_bands

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands that are read; empty where the file has none."""
        return self.plane(0).band_names

    def __len__(self) -> int:
        return prod(self.stored.size(axis) for axis in self.page_axes)

    def plane(self, index: int) -> PlaneSource:
        """Return one page, unread.

        Parameters
        ----------
        index : int
            From 0; the last axis of :attr:`page_axes` runs fastest.

        Raises
        ------
        UsageError
            If there is no such page or band.
        """
        if not 0 <= index < len(self):
            raise UsageError(out_of_range("page", f"an int in [0, {len(self) - 1}]", index))
        sizes = tuple(self.stored.size(axis) for axis in self.page_axes)
        at = [int(position) for position in np.unravel_index(index, sizes)] if sizes else []
        positions = {**self.fixed, **dict(zip(self.page_axes, at, strict=True))}
        plane = plane_of(self.path, self.stored, positions)
        return plane.select(self.bands) if self.bands else plane

    def page(self, index: int) -> Raster:
        """Read one page; it may be without any valid pixel.

        Raises
        ------
        UsageError
            If there is no such page.
        InputError
            If the page is damaged.
        """
        return self.plane(index).read(Window.full(self.shape))

    def __iter__(self) -> Iterator[Raster]:
        return (self.page(index) for index in range(len(self)))


def open_stack(path: Path, selection: Selection = ALL) -> StackSource:
    """Open a file that has axes with all its planes but those that were left out.

    Parameters
    ----------
    path : pathlib.Path
    selection : Selection

    Returns
    -------
    StackSource
        Of one page where the file holds one picture.

    Raises
    ------
    InputError
        If the file is missing or damaged, or does not say clearly which axis is which.
    UsageError
        If a band, an axis or a plane does not exist.
    """
    stored = open_stored(path, selection.axes, selection.page)
    for axis, position in selection.plane:
        _check_position(path, stored, axis, position)
    stack = StackSource(path, stored, selection.bands, dict(selection.plane))
    stack.plane(0)
    return stack


def _check_position(path: Path, stored: Stored, axis: str, position: int) -> None:
    choices = [one for one in stored.axes if one not in "YXC"]
    if axis not in choices:
        found = f"along {' or '.join(choices)}" if choices else "left out"
        hint = " Channels are chosen with --channels." if axis == "C" else ""
        raise UsageError(
            f"`--plane` must be {found} for {path}, whose axes are {stored.axes}; got {axis}.{hint}"
        )
    size = stored.size(axis)
    if not 0 <= position < size:
        raise UsageError(
            f"`--plane` must be an int in [0, {size - 1}] along {axis} of {path}; got {position}."
        )


def is_stack(path: Path) -> bool:
    """Tell whether a TIFF has several pages that are pictures of their own.

    Raises
    ------
    InputError
        If the file is missing or damaged.

    Examples
    --------
    >>> is_stack(Path("photo.jpg"))
    False
    """
    if family_of(path) != "tiff":
        return False
    with opened_tiff(path) as file:
        series = pictures_of(file)
        return (
            len(series) == 1
            and not series[0].axes.startswith(("S", "C"))
            and len(series[0].pages) > 1
        )
