"""What people draw, as pixels: rings, circles, lines; each within the box that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuriwake.raster import BoolMap

Shape = tuple[int, int]
Corners = NDArray[np.float64]
#: Pixels from the picture's corner; nobody draws farther out.
_FARTHEST = 1e7
#: Crossings of edges and rows that are kept at once.
_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Patch:
    """The pixels of one object, in a box of its picture.

    Parameters
    ----------
    top, left : int
        Where the box begins.
    mask : ndarray of bool, shape (height, width)
        Of the box.
    """

    top: int
    left: int
    mask: BoolMap

    @property
    def slices(self) -> tuple[slice, slice]:
        """The box within the picture."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def corners_of(values: ArrayLike) -> Corners:
    """Turn x, y, x, y, ... into rows and columns.

    Raises
    ------
    ValueError
        If one has no other half, or lies nowhere near a picture.

    Examples
    --------
    >>> corners_of([3, 1, 4, 2])
    array([[1., 3.],
           [2., 4.]])
    """
    corners = np.asarray(values, np.float64).reshape(-1, 2)[:, ::-1]
    if not (np.abs(corners) <= _FARTHEST).all():
        raise ValueError(f"a corner that is not within {_FARTHEST:.0f} pixels")
    return corners


def fill(rings: Iterable[Corners], shape: Shape) -> Patch:
    """Fill rings: the pixels whose centres lie inside an odd number of them.

    The cost is that of the rows which the edges cross, and of the box: skimage's ``polygon`` asks
    every corner about every pixel.

    Parameters
    ----------
    rings : iterable of ndarray of float64, shape (n, 2)
        Corners (row, column); 0 is the upper and left edge of the picture.
    shape : tuple of int
        Of the picture; what lies outside is cut off.

    Examples
    --------
    >>> fill([np.array([[0.0, 1.0], [0.0, 3.0], [1.0, 3.0], [1.0, 1.0]])], (2, 4))
    Patch(top=0, left=1, mask=array([[ True,  True]]))
    """
    closed = [ring for ring in rings if len(ring) > 2]
    if not closed:
        return Patch(0, 0, np.zeros((0, 0), bool))
    box = _box(np.concatenate(closed), 0, shape)
    starts = np.concatenate(closed) - box[0]
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in closed]) - box[0]
    height, width = (box[1] - box[0]).tolist()
    # Of every row, where one enters or leaves; the last column is beyond the box.
    turns = np.zeros((height, width + 1), bool)
    for start, end in _edges_at_once(starts, ends, height):
        rows, columns = _crossings(start, end, height)
        places = np.clip(np.ceil(columns - 0.5), 0, width).astype(np.int64)
        np.logical_xor.at(turns, (rows, places), True)
    mask: BoolMap = np.logical_xor.accumulate(turns, axis=1)[:, :-1]
    return Patch(int(box[0, 0]), int(box[0, 1]), mask)


def _box(corners: Corners, margin: int, shape: Shape) -> NDArray[np.int64]:
    """Return the first and the last but one row and column, within the picture."""
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    box: NDArray[np.int64] = np.clip([low - margin, high + margin], 0, shape).astype(np.int64)
    return box


def _rows(edges: Corners, height: int) -> NDArray[np.int64]:
    """Return the first row whose centre lies at or below the ends of edges."""
    rows: NDArray[np.int64] = np.clip(np.ceil(edges[:, 0] - 0.5), 0, height).astype(np.int64)
    return rows


def _edges_at_once(
    starts: Corners, ends: Corners, height: int
) -> Iterable[tuple[Corners, Corners]]:
    crossed = np.cumsum(np.abs(_rows(ends, height) - _rows(starts, height)))
    cuts = np.flatnonzero(np.diff(crossed // _AT_ONCE)) + 1
    return zip(np.split(starts, cuts), np.split(ends, cuts), strict=True)


def _crossings(
    starts: Corners, ends: Corners, height: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where edges cross the middle lines of rows: row and column."""
    first, last = np.sort([_rows(starts, height), _rows(ends, height)], axis=0)
    counts = last - first
    edge = np.repeat(np.arange(len(starts)), counts)
    rows = np.arange(edge.size) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    step = ends[edge] - starts[edge]
    columns = starts[edge, 1] + (rows + 0.5 - starts[edge, 0]) * step[:, 1] / step[:, 0]
    return rows, columns


def rectangle(low: Corners, high: Corners, shape: Shape) -> Patch:
    """Fill a rectangle between two corners.

    Examples
    --------
    >>> rectangle(np.array([0.0, 1.0]), np.array([1.0, 9.0]), (2, 3))
    Patch(top=0, left=1, mask=array([[ True,  True]]))
    """
    (top, left), (bottom, right) = low, high
    return fill([np.array([[top, left], [top, right], [bottom, right], [bottom, left]])], shape)


def circle(centre: Corners, radius: float, shape: Shape) -> Patch:
    """Fill a circle: the pixels whose centres lie in it.

    Examples
    --------
    >>> circle(np.array([1.5, 1.5]), 1.0, (3, 3)).mask.astype(int)
    array([[0, 1, 0],
           [1, 1, 1],
           [0, 1, 0]])
    """
    (top, left), (bottom, right) = _box(np.array([centre - radius, centre + radius]), 0, shape)
    rows, columns = np.ogrid[top + 0.5 : bottom + 0.5, left + 0.5 : right + 0.5]
    inside: BoolMap = np.hypot(rows - centre[0], columns - centre[1]) <= radius
    return Patch(int(top), int(left), inside)


def strokes(points: Corners, shape: Shape, *, is_line: bool) -> Patch:
    """Draw points, or lines between them, three pixels wide.

    Examples
    --------
    >>> strokes(np.array([[0.5, 0.5]]), (9, 9), is_line=False)
    Patch(top=0, left=0, mask=array([[ True,  True],
           [ True,  True]]))
    """
    from skimage.draw import line
    from skimage.morphology import dilation, footprint_rectangle

    pixels = np.clip(np.floor(points).astype(np.int64), 0, np.array(shape) - 1)
    low, high = _box(np.concatenate([pixels, pixels + 1]).astype(np.float64), 1, shape)
    inside = np.zeros(high - low, bool)
    pixels -= low
    inside[tuple(pixels.T)] = True
    for start, end in pairwise(pixels) if is_line else ():
        inside[line(*start, *end)] = True
    thick: BoolMap = dilation(inside, footprint_rectangle((3, 3)))
    return Patch(int(low[0]), int(low[1]), thick)


def placed(mask: BoolMap, corner: Sequence[int], shape: Shape) -> Patch:
    """Lay a mask on a picture.

    Raises
    ------
    ValueError
        If it does not lie within.
    """
    top, left = corner
    if min(top, left) < 0 or top + mask.shape[0] > shape[0] or left + mask.shape[1] > shape[1]:
        raise ValueError("a mask that runs over the picture")
    return Patch(top, left, mask)
