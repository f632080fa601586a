"""Simplification of arcs that keeps the topology: borders never cross, and no region vanishes.

Corners are dropped, those of the smallest triangles first (Visvalingam and Whyatt), as long as no
other corner lies in the triangle and the new piece does not fall on another one. Where that holds,
sweeping the border over the triangle meets nothing: all neighbours keep their places. Everything is
integer arithmetic on the grid, so that there is nothing to round.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.io.arcs import Arcs, Points, Surroundings

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class _Limits(NamedTuple):
    """What a piece of an arc may not do."""

    twice_area: float  # of the triangles that may be dropped
    span: int  # longest piece; 0 for any length
    last_row: int  # lines that belong to the next tiles: no piece may lie on them; -1 for none
    last_col: int


class _Polylines(NamedTuple):
    """Arcs while corners are dropped from them: doubly linked lists."""

    points: Points
    before: Ints
    after: Ints
    arc: Ints
    n_inner: Ints  # corners between the ends, of each arc
    is_ring: Bools  # of each arc
    pair: Ints  # equal for arcs between the same two ends
    has_chord: Bools  # of each pair: whether one of its arcs is a single piece


def simplify(arcs: Arcs, around: Surroundings, tolerance: float, span: int = 0) -> Arcs:
    """Drop corners from the arcs between two regions; the border to no data stays.

    Parameters
    ----------
    arcs : Arcs
        Of one tile.
    around : Surroundings
        The tile.
    tolerance : float
        The square root of the area, in pixels, of the triangles that may be dropped.
    span : int
        Length in pixels that no new piece may exceed; 0 for any.

    Returns
    -------
    Arcs
        With the same ends.

    References
    ----------
    Visvalingam and Whyatt, "Line generalisation by repeated elimination of points", The
    Cartographic Journal, 1993.
    """
    window = around.window
    limits = _Limits(
        2 * tolerance**2,
        span,
        window.end_row if around.goes_on_below else -1,
        window.end_col if around.goes_on_right else -1,
    )
    is_between = (arcs.left > 0) & (arcs.right > 0)
    occupied = np.zeros((window.height + 1, window.width + 1), bool)
    corner = np.array([window.row, window.col])
    occupied[tuple((arcs.points - corner).T)] = True
    is_kept = _drop(_polylines(arcs), is_between, occupied, corner, limits)
    kept_before = np.concatenate([[0], np.cumsum(is_kept)])
    return replace(arcs, points=arcs.points[is_kept], first=kept_before[arcs.first])


def _polylines(arcs: Arcs) -> _Polylines:
    n_points, n_arcs = len(arcs.points), len(arcs.left)
    sizes = np.diff(arcs.first)
    index = np.arange(n_points)
    before, after = index - 1, index + 1
    before[arcs.first[:-1]] = -1
    after[arcs.first[1:] - 1] = -1
    starts, ends = arcs.points[arcs.first[:-1]], arcs.points[arcs.first[1:] - 1]
    is_turned = (starts[:, 0] > ends[:, 0]) | (
        (starts[:, 0] == ends[:, 0]) & (starts[:, 1] > ends[:, 1])
    )
    ordered = np.where(is_turned[:, None], np.hstack([ends, starts]), np.hstack([starts, ends]))
    pair = np.unique(ordered, axis=0, return_inverse=True)[1].reshape(n_arcs)
    has_chord = np.zeros(n_arcs, bool)
    has_chord[pair[sizes == 2]] = True
    return _Polylines(
        points=arcs.points,
        before=before,
        after=after,
        arc=np.repeat(np.arange(n_arcs), sizes),
        n_inner=sizes - 2,
        is_ring=(starts == ends).all(axis=1),
        pair=pair.astype(np.int64),
        has_chord=has_chord,
    )


@compiled
def _triangle(lines: _Polylines, point: int) -> tuple[Points, Points, Points]:
    """Return a point between its two neighbours."""
    before, after = lines.before[point], lines.after[point]
    return lines.points[before], lines.points[point], lines.points[after]


@compiled
def _twice_area(lines: _Polylines, point: int) -> int:
    a, b, c = _triangle(lines, point)
    return int(
        abs(
            (np.int64(b[0]) - a[0]) * (np.int64(c[1]) - a[1])
            - (np.int64(b[1]) - a[1]) * (np.int64(c[0]) - a[0])
        )
    )


@compiled
def _column(p: Points, q: Points, row: int) -> tuple[int, int]:
    """Return the column, rounded up and down, where a line that is not level meets a row."""
    way = (np.int64(q[1]) - p[1]) * (row - np.int64(p[0]))
    height = np.int64(q[0]) - p[0]
    return int(p[1] - (-way) // height), int(p[1] + way // height)


@compiled
def _holds_a_corner(lines: _Polylines, point: int, occupied: Bools, corner: Ints) -> bool:
    """Tell whether a corner of any arc lies in the closed triangle of a point."""
    a, b, c = _triangle(lines, point)
    for row in range(min(a[0], b[0], c[0]), max(a[0], b[0], c[0]) + 1):
        low, high = 1 << 40, -1
        for p, q in ((a, b), (b, c), (c, a)):
            if row < min(p[0], q[0]) or row > max(p[0], q[0]):
                continue
            if p[0] == q[0]:
                low, high = min(low, int(p[1]), int(q[1])), max(high, int(p[1]), int(q[1]))
            else:
                up, down = _column(p, q, row)
                low, high = min(low, up), max(high, down)
        for col in range(low, high + 1):
            if not occupied[row - corner[0], col - corner[1]]:
                continue
            is_own = False
            for own in (a, b, c):
                is_own = is_own or (own[0] == row and own[1] == col)
            if not is_own:
                return True
    return False


@compiled
def _may_go(lines: _Polylines, point: int, occupied: Bools, corner: Ints, limits: _Limits) -> bool:
    """Tell whether the topology stays when a point is dropped."""
    arc = lines.arc[point]
    a, c = lines.points[lines.before[point]], lines.points[lines.after[point]]
    if lines.is_ring[arc] and lines.n_inner[arc] <= 2:
        return False
    if lines.n_inner[arc] == 1 and lines.has_chord[lines.pair[arc]]:
        return False
    if a[0] == c[0] == limits.last_row or a[1] == c[1] == limits.last_col:
        return False
    rows, cols = np.int64(c[0]) - a[0], np.int64(c[1]) - a[1]
    if limits.span > 0 and rows * rows + cols * cols > limits.span * limits.span:
        return False
    return not _holds_a_corner(lines, point, occupied, corner)


@compiled
def _drop(
    lines: _Polylines, is_between: Bools, occupied: Bools, corner: Ints, limits: _Limits
) -> Bools:
    """Drop points, the smallest triangles first; return which are kept."""
    is_kept = np.ones(len(lines.points), np.bool_)
    heap = [
        (_twice_area(lines, point), point)
        for point in range(len(lines.points))
        if is_between[lines.arc[point]] and lines.before[point] >= 0 and lines.after[point] >= 0
    ]
    heapq.heapify(heap)
    while heap and heap[0][0] <= limits.twice_area:
        area, point = heapq.heappop(heap)
        if not is_kept[point] or area != _twice_area(lines, point):
            continue
        if not _may_go(lines, point, occupied, corner, limits):
            continue
        is_kept[point] = False
        occupied[lines.points[point, 0] - corner[0], lines.points[point, 1] - corner[1]] = False
        arc = lines.arc[point]
        lines.n_inner[arc] -= 1
        if lines.n_inner[arc] == 0:
            lines.has_chord[lines.pair[arc]] = True
        before, after = lines.before[point], lines.after[point]
        lines.after[before], lines.before[after] = after, before
        for other in (before, after):
            if lines.before[other] >= 0 and lines.after[other] >= 0:
                heapq.heappush(heap, (_twice_area(lines, other), other))
    return is_kept
