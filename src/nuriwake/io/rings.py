"""Rings of the arcs around one region, such that the polygons are valid by construction.

Following the region's own pixel at every corner goes around each 4-connected piece. Where such a
walk comes back to a corner it touches itself, and is cut there into rings that do not: a piece then
has one ring around it, and holes that touch it or each other in single corners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.arcs import Arcs

Ring = NDArray[np.int32]
Corner = tuple[int, int]


class Arc(NamedTuple):
    """A part of the border of one region, which lies to its right.

    Parameters
    ----------
    points : ndarray of int32, shape (n, 2)
        Corners (row, col), at least two.
    start, end : tuple of int
        The first and the last of them.
    departs, arrives : int
        Directions of the first and of the last step on the grid, as in :class:`.arcs.Arcs`.
    starts_plain, ends_plain : bool
        Whether only two borders are known to meet there.
    """

    points: Ring
    start: Corner
    end: Corner
    departs: int
    arrives: int
    starts_plain: bool
    ends_plain: bool


class Piece(NamedTuple):
    """What one walk around a region gave.

    Parameters
    ----------
    exterior : ndarray of int32, shape (n, 2), or None
        Clockwise on the screen and closed: the last corner equals the first. None for a walk
        around a hole.
    holes : list of ndarray
        Of the same form, counter-clockwise.
    """

    exterior: Ring | None
    holes: list[Ring]


def arcs_of_regions(arcs: Arcs) -> dict[int, list[Arc]]:
    """Sort arcs by the regions that they bound, each turned so that the region is on its right."""
    found: dict[int, list[Arc]] = {}
    columns = (arcs.left, arcs.right, arcs.directions, arcs.is_plain, arcs.first)
    left, right, directions, is_plain, first = (column.tolist() for column in columns)
    for i, (departs, arrives) in enumerate(directions):
        points = arcs.points[first[i] : first[i + 1]].copy()
        start, end = (tuple(corner) for corner in points[[0, -1]].tolist())
        plain = is_plain[i]
        if right[i]:
            arc = Arc(points, start, end, departs, arrives, *plain)
            found.setdefault(right[i], []).append(arc)
        if left[i]:
            back = (arrives + 2) % 4, (departs + 2) % 4
            arc = Arc(points[::-1], end, start, *back, *plain[::-1])
            found.setdefault(left[i], []).append(arc)
    return found


def assemble(arcs: Sequence[Arc], span: int = 0) -> list[Piece]:
    """Join all arcs of one region to rings.

    Parameters
    ----------
    arcs : sequence of Arc
        Every border of the region, once.
    span : int
        As in :func:`.arcs.trace_arcs`.

    Returns
    -------
    list of Piece
        In the order of their first corners, whatever the order of the arcs.
    """
    pieces = []
    for walk in _walks(arcs):
        rings = sorted((_ring(cycle, span) for cycle in walk), key=_first_corner)
        exteriors = [ring for ring in rings if is_clockwise(ring)]
        holes = [ring for ring in rings if not is_clockwise(ring)]
        pieces.append(Piece(exteriors[0] if exteriors else None, holes))
    return sorted(pieces, key=lambda piece: _first_corner(_outer(piece)))


def _outer(piece: Piece) -> Ring:
    return piece.holes[0] if piece.exterior is None else piece.exterior


def _first_corner(ring: Ring) -> list[int]:
    return ring[0].tolist()  # type: ignore[no-any-return]


def _walks(arcs: Sequence[Arc]) -> Iterator[list[list[Arc]]]:
    """Yield for each walk the rings that it consists of."""
    leaving: dict[Corner, dict[int, int]] = {}
    for i, arc in enumerate(arcs):
        leaving.setdefault(arc.start, {})[arc.departs] = i
    following = [_following(arc, leaving[arc.end]) for arc in arcs]
    is_walked = [False] * len(arcs)
    for first in range(len(arcs)):
        walk, i = [], first
        while not is_walked[i]:
            is_walked[i] = True
            walk.append(arcs[i])
            i = following[i]
        if walk:
            yield _cut_where_it_touches(walk)


def _following(arc: Arc, leaving: dict[int, int]) -> int:
    """Return the arc that goes on around the same pixel: the one to the right if there are two."""
    turns = (1, 0, 3)
    return next(
        leaving[direction]
        for direction in ((arc.arrives + turn) % 4 for turn in turns)
        if direction in leaving
    )


def _cut_where_it_touches(walk: Sequence[Arc]) -> list[list[Arc]]:
    """Cut a closed walk at every corner that it comes back to."""
    rings: list[list[Arc]] = []
    trail: list[Arc] = []
    place: dict[Corner, int] = {}
    for arc in walk:
        place[arc.start] = len(trail)
        trail.append(arc)
        if arc.end in place:
            ring = trail[place[arc.end] :]
            del trail[place[arc.end] :]
            for part in ring:
                del place[part.start]
            rings.append(ring)
    return rings


def _ring(cycle: Sequence[Arc], span: int) -> Ring:
    """Join arcs end to end, without the corners that only the tiles made."""
    ring = np.concatenate([arc.points[:-1] for arc in cycle])
    firsts = np.cumsum([0, *(len(arc.points) - 1 for arc in cycle[:-1])])
    is_plain = np.zeros(len(ring), bool)
    is_plain[firsts] = [
        arc.starts_plain or before.ends_plain
        for arc, before in zip(cycle, (cycle[-1], *cycle[:-1]), strict=True)
    ]
    ring = ring[~(is_plain & _is_straight(ring, span))]
    first = np.lexsort((ring[:, 1], ring[:, 0]))[0]
    ring = np.roll(ring, -first, axis=0)
    return np.concatenate([ring, ring[:1]])


def _is_straight(ring: Ring, span: int) -> NDArray[np.bool_]:
    """Tell where a ring runs straight on along a row or a column, and is not divided by a span."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    stays = (before == ring) & (ring == after)
    if span > 0:
        stays &= ring[:, ::-1] % span != 0
    is_straight: NDArray[np.bool_] = stays.any(axis=1)
    return is_straight


def is_clockwise(ring: Ring) -> bool:
    """Tell how a closed ring turns on the screen, where rows grow downwards.

    Examples
    --------
    >>> is_clockwise(np.array([[0, 0], [0, 1], [1, 1], [0, 0]], np.int32))
    True
    """
    rows, cols = ring[:, 0].astype(np.int64), ring[:, 1].astype(np.int64)
    return bool((cols[:-1] * rows[1:] - cols[1:] * rows[:-1]).sum() > 0)
