"""The borders of a region map as arcs on the grid of pixel corners, tile by tile.

Arcs run between nodes, the corners where three or four borders meet, so that two regions share
their border as one and the same arc. A tile answers for the sides above and to the left of its
pixels; where a border goes on in another tile, the arc ends on the line between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.raster import LabelMap, Window

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Points = NDArray[np.int32]

#: Steps (row, col) of the directions 0 to 3: east, south, west, north.
_STEP_ROW = np.array([0, 1, 0, -1])
_STEP_COL = np.array([1, 0, -1, 0])


@dataclass(frozen=True, eq=False)
class Arcs:
    """The arcs that one tile answers for.

    Parameters
    ----------
    points : ndarray of int32, shape (n_points, 2)
        Corners (row, col) of the whole raster, arc after arc: the ends, and where an arc turns.
    first : ndarray of int64, shape (n_arcs + 1,)
        Where each arc begins in ``points``, and where the last one ends.
    left, right : ndarray of int32, shape (n_arcs,)
        The regions on both sides along the arc; 0 = none.
    directions : ndarray of int8, shape (n_arcs, 2)
        Of the first and of the last step: 0 to 3 for east, south, west and north.
    is_plain : ndarray of bool, shape (n_arcs, 2)
        Whether only two borders meet at the first and at the last corner. It is said for the
        corners of the tile's pixels' upper left, and False for others.
    """

    points: Points
    first: Ints
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    directions: NDArray[np.int8]
    is_plain: Bools


class Surroundings(NamedTuple):
    """A tile of a region map with a frame of one pixel.

    Parameters
    ----------
    regions : ndarray of int32, shape (height + 2, width + 2)
        Above and to the left what is there, 0 outside of the raster. Below and to the right 0.
    window : Window
        Where the tile lies.
    shape : tuple of int
        Height and width of the whole map.
    """

    regions: LabelMap
    window: Window
    shape: tuple[int, int]

    @property
    def goes_on_below(self) -> bool:
        """Whether a tile below answers for the lower sides of the last row."""
        return self.window.end_row < self.shape[0]

    @property
    def goes_on_right(self) -> bool:
        """Whether a tile to the right answers for the right sides of the last column."""
        return self.window.end_col < self.shape[1]


class _Grid(NamedTuple):
    """The borders between the corners of a tile, and the corners where arcs end."""

    across: Bools  # from a corner to the one on the right, shape (height + 1, width)
    down: Bools  # from a corner to the one below, shape (height, width + 1)
    is_end: Bools  # shape (height + 1, width + 1)
    is_plain: Bools


def trace_arcs(around: Surroundings, span: int = 0) -> Arcs:
    """Trace the arcs of a tile.

    Parameters
    ----------
    around : Surroundings
    span : int
        Straight stretches are divided where their row or column is a multiple of this; 0 does not.

    Returns
    -------
    Arcs

    Examples
    --------
    >>> two = np.pad(np.array([[1, 2]], np.int32), 1)
    >>> arcs = trace_arcs(Surroundings(two, Window(0, 0, 1, 2), (1, 2)))
    >>> [arcs.points[a:b].tolist() for a, b in zip(arcs.first, arcs.first[1:])]
    [[[0, 1], [0, 2], [1, 2], [1, 1]], [[0, 1], [1, 1]], [[0, 1], [0, 0], [1, 0], [1, 1]]]
    >>> arcs.left.tolist(), arcs.right.tolist()
    ([0, 2, 1], [2, 1, 0])
    """
    grid = _grid(around)
    corner = np.array([around.window.row, around.window.col])
    points, first, starts, directions = _follow(
        grid.across.copy(), grid.down.copy(), grid.is_end, corner, span
    )
    ends = (points[first[1:] - 1] - corner).astype(np.int64)
    is_plain = np.stack([grid.is_plain[tuple(starts.T)], grid.is_plain[tuple(ends.T)]], axis=1)
    left, right = _sides(around.regions, starts, directions[:, 0])
    return Arcs(points, first, left, right, directions, is_plain)


def _grid(around: Surroundings) -> _Grid:
    """Find the borders that a tile answers for, and the corners where arcs end."""
    regions = around.regions
    across = regions[:-1, 1:-1] != regions[1:, 1:-1]
    down = regions[1:-1, :-1] != regions[1:-1, 1:]
    if around.goes_on_below:
        across[-1] = False
    if around.goes_on_right:
        down[:, -1] = False
    from_above = regions[0, :-1] != regions[0, 1:]
    from_left = regions[:-1, 0] != regions[1:, 0]
    degree = np.zeros((across.shape[0], down.shape[1]), np.int8)
    for part, borders in (
        (degree[:, :-1], across),
        (degree[:, 1:], across),
        (degree[:-1], down),
        (degree[1:], down),
        (degree[0], from_above),
        (degree[:, 0], from_left),
    ):
        part += borders
    is_end, is_plain = degree > 2, degree == 2
    is_end[0] |= from_above
    is_end[:, 0] |= from_left
    # The tiles to come answer for these corners.
    if around.goes_on_below:
        is_end[-1], is_plain[-1] = True, False
    if around.goes_on_right:
        is_end[:, -1], is_plain[:, -1] = True, False
    return _Grid(across, down, is_end, is_plain)


def _sides(
    regions: LabelMap, starts: Ints, direction: NDArray[np.int8]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the regions to the left and to the right of steps from some corners."""
    # Corner (i, j) lies between the framed pixels (i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1).
    left_row, left_col = np.array([0, 1, 1, 0]), np.array([1, 1, 0, 0])
    right_row, right_col = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1])
    row, col = starts.T
    return (
        regions[row + left_row[direction], col + left_col[direction]],
        regions[row + right_row[direction], col + right_col[direction]],
    )


@compiled
def _leaves(across: Bools, down: Bools, row: int, col: int, direction: int) -> bool:
    """Tell whether a border that was not followed yet leaves a corner."""
    if direction == 0:
        return bool(col < across.shape[1] and across[row, col])
    if direction == 1:
        return bool(row < down.shape[0] and down[row, col])
    if direction == 2:
        return bool(col > 0 and across[row, col - 1])
    return bool(row > 0 and down[row - 1, col])


@compiled
def _take(across: Bools, down: Bools, row: int, col: int, direction: int) -> None:
    if direction == 0:
        across[row, col] = False
    elif direction == 1:
        down[row, col] = False
    elif direction == 2:
        across[row, col - 1] = False
    else:
        down[row - 1, col] = False


@compiled
def _walk(
    across: Bools, down: Bools, is_end: Bools, corner: Ints, span: int, points: Points,
    n: int, row: int, col: int, direction: int,
) -> tuple[int, int]:  # fmt: skip
    """Follow one arc, and return the number of points and the direction of the last step."""
    first_row, first_col = row, col
    points[n] = row + corner[0], col + corner[1]
    n += 1
    while True:
        _take(across, down, row, col, direction)
        row += _STEP_ROW[direction]
        col += _STEP_COL[direction]
        if is_end[row, col] or (row == first_row and col == first_col):
            points[n] = row + corner[0], col + corner[1]
            return n + 1, direction
        following = direction
        if not _leaves(across, down, row, col, direction):
            following = (direction + 1) % 4
            if not _leaves(across, down, row, col, following):
                following = (direction + 3) % 4
        along = col + corner[1] if direction % 2 == 0 else row + corner[0]
        if following != direction or (span > 0 and along % span == 0):
            points[n] = row + corner[0], col + corner[1]
            n += 1
        direction = following


@compiled
def _follow(
    across: Bools, down: Bools, is_end: Bools, corner: Ints, span: int
) -> tuple[Points, Ints, Ints, NDArray[np.int8]]:
    """Follow every arc once; the borders are used up."""
    n_borders = across.sum() + down.sum()
    points = np.empty((2 * n_borders, 2), np.int32)
    first = np.zeros(n_borders + 1, np.int64)
    starts = np.empty((n_borders, 2), np.int64)
    directions = np.empty((n_borders, 2), np.int8)
    n = n_arcs = 0
    # First the arcs between ends; what remains are rings without any, from their first corner on.
    for is_ring in (False, True):
        for row in range(is_end.shape[0]):
            for col in range(is_end.shape[1]):
                if is_end[row, col] == is_ring:
                    continue
                for direction in range(1 if is_ring else 4):
                    if not _leaves(across, down, row, col, direction):
                        continue
                    n, last = _walk(
                        across, down, is_end, corner, span, points, n, row, col, direction
                    )
                    starts[n_arcs] = row, col
                    directions[n_arcs] = direction, last
                    n_arcs += 1
                    first[n_arcs] = n
    return (
        points[:n].copy(),
        first[: n_arcs + 1].copy(),
        starts[:n_arcs].copy(),
        directions[:n_arcs].copy(),
    )
