"""The outlines of regions along pixel edges, as rings of corners: no pixel is gained or lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap

Ring = NDArray[np.int32]

# The four sides of a pixel, clockwise, so that the region lies to the right of the direction of
# travel: the offset (row, col) of the side's first corner and of the neighbour across the side.
_START = ((0, 0), (0, 1), (1, 1), (1, 0))
_ACROSS = ((-1, 0), (0, 1), (1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Outline:
    """One 4-connected piece of a region.

    Parameters
    ----------
    label : int
        The region's number in the label map.
    exterior : ndarray of int32, shape (n, 2)
        Corners (row, col), clockwise on the screen, closed: the last equals the first.
    holes : tuple of ndarray
        Rings of the same form, counter-clockwise.
    """

    label: int
    exterior: Ring
    holes: tuple[Ring, ...] = ()


def trace_outlines(labels: LabelMap) -> list[Outline]:
    """Trace every region along the edges of its pixels.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data, which is not traced.

    Returns
    -------
    list of Outline
        In order of label; a region of several 4-connected pieces has several.

    Examples
    --------
    >>> outline, = trace_outlines(np.array([[0, 7, 7]], np.int32))
    >>> outline.label, outline.exterior.tolist()
    (7, [[0, 1], [0, 3], [1, 3], [1, 1], [0, 1]])
    """
    from skimage.measure import label as connected_components

    pieces = connected_components(labels, background=0, connectivity=1)
    rings: dict[int, list[Ring]] = {}
    for piece, ring in _rings(np.pad(pieces, 1)):
        rings.setdefault(piece, []).append(ring)
    outlines = []
    for piece_rings in rings.values():
        # The clockwise ring is the exterior, and of one piece there is exactly one.
        exterior = next(ring for ring in piece_rings if _is_clockwise(ring))
        holes = tuple(ring for ring in piece_rings if ring is not exterior)
        outlines.append(Outline(_label_of(exterior, labels), exterior, holes))
    return sorted(outlines, key=lambda outline: outline.label)


def _label_of(exterior: Ring, labels: LabelMap) -> int:
    # Rings start at the first corner of a pixel's upper side: that pixel belongs to the region.
    row, col = exterior[0]
    return int(labels[row, col])


def _rings(pieces: NDArray[np.integer]) -> list[tuple[int, Ring]]:
    """Follow the sides of a padded map of pieces; side ``s`` of pixel ``p`` is s * size + p."""
    height, width = pieces.shape
    flat = pieces.ravel()
    successor = _successors(pieces)
    following = successor.tolist()
    sides = np.flatnonzero(successor >= 0)
    # Upper sides come first, and every ring has one: so each ring starts at an upper side.
    starts = sides[sides < flat.size]
    seen = bytearray(len(following))
    rings = []
    for start in starts.tolist():
        if seen[start]:
            continue
        chain, side = [], start
        while not seen[side]:
            seen[side] = 1
            chain.append(side)
            side = following[side]
        rings.append((int(flat[start]), _corners(np.array(chain), height, width)))
    return rings


def _successors(pieces: NDArray[np.integer]) -> NDArray[np.int64]:
    """For each side on a border, the side that follows it around the region; -1 elsewhere."""
    width, size = pieces.shape[1], pieces.size
    flat = pieces.ravel()
    steps = [row * width + col for row, col in _ACROSS]
    successor = np.full((4, size), -1, np.int64)
    for side in range(4):
        ahead, across = steps[(side + 1) % 4], steps[side]
        pixel = np.flatnonzero(flat)  # the padding is 0, so every neighbour exists
        pixel = pixel[flat[pixel] != flat[pixel + across]]
        straight = flat[pixel + ahead] == flat[pixel]
        # A diagonal pixel is met only past the one ahead: pieces are 4-connected.
        left = straight & (flat[pixel + ahead + across] == flat[pixel])
        turn_right = (side + 1) % 4 * size + pixel
        go_straight = side * size + pixel + ahead
        turn_left = (side - 1) % 4 * size + pixel + ahead + across
        successor[side, pixel] = np.where(
            left, turn_left, np.where(straight, go_straight, turn_right)
        )
    return successor.ravel()


def _corners(chain: NDArray[np.int64], height: int, width: int) -> Ring:
    """Turn a ring of sides into its corners: the starts of the sides where the direction turns."""
    side, pixel = np.divmod(chain, height * width)
    # The first side stays although the ring may run straight through it: it tells the region.
    turns = side != np.roll(side, 1)
    turns[0] = True
    side, pixel = side[turns], pixel[turns]
    start = np.array(_START, np.int32)[side]
    rows, cols = np.divmod(pixel, width)
    ring = np.stack((rows - 1, cols - 1), axis=1).astype(np.int32) + start
    return np.concatenate((ring, ring[:1]))


def _is_clockwise(ring: Ring) -> bool:
    rows, cols = ring[:, 0].astype(np.int64), ring[:, 1].astype(np.int64)
    return bool((cols[:-1] * rows[1:] - cols[1:] * rows[:-1]).sum() > 0)
