"""The outlines of regions along pixel edges, as rings of corners: no pixel is gained or lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nuriwake.io.arcs import Surroundings, trace_arcs
from nuriwake.io.rings import Arc, Ring, arcs_of_regions, assemble
from nuriwake.raster import LabelMap, Window


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

    pieces = connected_components(labels, background=0, connectivity=1).astype(np.int32)
    whole = Window.full(labels.shape)
    arcs = trace_arcs(Surroundings(np.pad(pieces, 1), whole, labels.shape))
    outlines = [_outline(borders, labels) for _, borders in sorted(arcs_of_regions(arcs).items())]
    return sorted(outlines, key=lambda outline: outline.label)


def _outline(borders: list[Arc], labels: LabelMap) -> Outline:
    """Join the borders of one piece, which has exactly one exterior."""
    walks = assemble(borders)
    exterior = next(walk.exterior for walk in walks if walk.exterior is not None)
    # A ring starts at its upper left corner: that pixel belongs to the region.
    row, col = exterior[0]
    holes = tuple(hole for walk in walks for hole in walk.holes)
    return Outline(int(labels[row, col]), exterior, holes)
