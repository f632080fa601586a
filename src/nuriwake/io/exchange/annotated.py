"""A divided picture as annotation tools see it: objects, each of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.outlines import Outline, trace_outlines
from nuriwake.raster import BoolMap, LabelMap

#: The class of an object that nobody named.
UNNAMED = "region"


@dataclass(frozen=True)
class Box:
    """The pixels that just hold an object, [top, bottom) x [left, right)."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Of an array (height, width)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True, eq=False)
class Annotated:
    """A picture and its objects.

    Parameters
    ----------
    name : str
        The picture's file name.
    objects : ndarray of int32, shape (height, width)
        Objects 1, 2, ...; 0 belongs to none.
    class_of : Mapping of int to str
        The class of an object; those that it leaves out are of the class ``region``.

    Examples
    --------
    >>> picture = Annotated("cup.png", np.array([[1, 1, 0], [3, 3, 3]], np.int32), {3: "saucer"})
    >>> picture.classes, picture.ids
    (('region', 'saucer'), (1, 3))
    >>> picture.mask(1)
    array([[ True,  True]])
    """

    name: str
    objects: LabelMap
    class_of: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def height(self) -> int:
        """Of the picture, in pixels."""
        return int(self.objects.shape[0])

    @property
    def width(self) -> int:
        """Of the picture, in pixels."""
        return int(self.objects.shape[1])

    @property
    def ids(self) -> tuple[int, ...]:
        """The objects that there are, in order."""
        return tuple(self.boxes)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in use, by name."""
        return tuple(sorted({self.class_name(each) for each in self.ids}))

    def class_name(self, each: int) -> str:
        """Name the class of an object."""
        return self.class_of.get(each, UNNAMED)

    @cached_property
    def boxes(self) -> Mapping[int, Box]:
        """The box of each object, by its number."""
        from scipy.ndimage import find_objects

        return {
            each: Box(rows.start, cols.start, rows.stop, cols.stop)
            for each, found in enumerate(find_objects(self.objects), start=1)
            if found is not None
            for rows, cols in [found]
        }

    @cached_property
    def outlines(self) -> Mapping[int, tuple[Outline, ...]]:
        """The pieces of each object, as rings along the edges of its pixels."""
        found: dict[int, list[Outline]] = {}
        for outline in trace_outlines(self.objects):
            found.setdefault(outline.label, []).append(outline)
        return {each: tuple(pieces) for each, pieces in found.items()}

    def mask(self, each: int) -> BoolMap:
        """Return which pixels of an object's box are its own."""
        inside: BoolMap = self.objects[self.boxes[each].slices] == each
        return inside


def as_labels(picture: Annotated) -> LabelMap:
    """Give every pixel the number of its object's class, from 1; 0 belongs to none.

    Examples
    --------
    >>> as_labels(Annotated("a.png", np.array([[1, 2, 0]], np.int32), {1: "b", 2: "a"}))
    array([[2, 1, 0]], dtype=int32)
    """
    table = np.zeros(int(picture.objects.max(initial=0)) + 1, np.int32)
    for each in picture.ids:
        table[each] = 1 + picture.classes.index(picture.class_name(each))
    labels: LabelMap = table[picture.objects]
    return labels


def runs_of(values: NDArray[np.bool_]) -> list[int]:
    """Count how long a row of values stays the same, starting with False (0 where it is True).

    Examples
    --------
    >>> runs_of(np.array([True, True, False]))
    [0, 2, 1]
    """
    turns = np.flatnonzero(np.diff(values)) + 1
    lengths = np.diff(np.concatenate([[0], turns, [values.size]])).tolist()
    return [0, *lengths] if values.size and values[0] else lengths
