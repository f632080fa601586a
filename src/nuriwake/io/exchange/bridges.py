"""Polygons for forms without holes: each hole is joined to the ring around it."""

from __future__ import annotations

import numpy as np

from nuriwake.io.outlines import Outline
from nuriwake.io.rings import Ring


def bridged(piece: Outline) -> Ring:
    """Join the holes of a piece to its exterior by cuts without width.

    Parameters
    ----------
    piece : Outline

    Returns
    -------
    ndarray of int32, shape (n, 2)
        One closed ring of corners (row, col). The cuts run straight up, from a hole's highest
        corner to the ring above it, so that they cross neither that hole nor another one.

    Examples
    --------
    >>> square = np.array([[0, 0], [0, 3], [3, 3], [3, 0], [0, 0]], np.int32)
    >>> hole = np.array([[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]], np.int32)
    >>> bridged(Outline(1, square, (hole,)))[:6].tolist()
    [[0, 0], [0, 1], [1, 1], [2, 1], [2, 2], [1, 2]]
    """
    ring = piece.exterior
    # From above to below: what lies above a hole is part of the ring already.
    for hole in sorted(piece.holes, key=lambda each: each[:, 0].min()):
        ring = _join(ring, hole)
    return ring


def _join(ring: Ring, hole: Ring) -> Ring:
    """Enter the hole from the side of the ring that lies straight above its highest corner."""
    open_hole = hole[:-1]
    # The leftmost of the highest corners, so that the cut leaves along the hole's own corner.
    start = int(np.lexsort((open_hole[:, 1], open_hole[:, 0]))[0])
    row, col = open_hole[start]
    place, height = _side_above(ring, int(row), int(col))
    door = np.array([[height, col]], ring.dtype)
    turned = np.roll(open_hole, -start, axis=0)
    return np.concatenate([ring[: place + 1], door, turned, turned[:1], door, ring[place + 1 :]])


def _side_above(ring: Ring, row: int, col: int) -> tuple[int, int]:
    """Find the horizontal side of a ring nearest above a corner; return its first point and row."""
    first, second = ring[:-1], ring[1:]
    low, high = np.minimum(first[:, 1], second[:, 1]), np.maximum(first[:, 1], second[:, 1])
    spans = (first[:, 0] == second[:, 0]) & (low <= col) & (col < high) & (first[:, 0] < row)
    found = np.flatnonzero(spans)
    best = int(found[np.argmax(first[found, 0])])
    return best, int(first[best, 0])
