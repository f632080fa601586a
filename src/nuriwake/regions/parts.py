"""The graph and the evidence of an image that is looked at part by part.

Sums over regions and over borders add up, so that tiles of a scene and slabs of a volume give what
the whole would give, and only one of them is held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap
from nuriwake.regions.cues import (
    CueSums,
    GridCues,
    add_sums,
    empty_sums,
    sum_border_cues,
    sum_colour_edges,
    sum_cues,
)
from nuriwake.regions.graph import Frame, RegionGraph, region_graph
from nuriwake.regions.linkage import Evidence
from nuriwake.settings import Settings


@dataclass(frozen=True, eq=False)
class PartSums:
    """What a part adds: to regions by id (from 1), and to borders by their pair of ids."""

    ids: NDArray[np.integer]
    pairs: NDArray[np.integer]
    sums: CueSums


def sum_part(
    leaves: LabelMap,
    core: tuple[int, ...],
    colours: NDArray[np.float32],
    edges: NDArray[np.float32],
    grid: GridCues,
    settings: Settings,
    frame: Frame,
    weights: NDArray[np.float32] | None = None,
) -> PartSums:
    """Sum the cues of one part of an image.

    Parameters
    ----------
    leaves : ndarray of int32, shape (height, width)
        Ids of the whole image's regions, 1..n; 0 = no data.
    core : tuple of int
        Shape of what counts: one line less than the part along every axis on which others follow.
    colours : ndarray of float32, shape (height, width, bands)
    edges : ndarray of float32, shape (height, width)
    grid : GridCues
        Of the whole image.
    settings : Settings
    frame : Frame
        Where the part lies.
    weights : ndarray of float32, shape (height, width), optional
        How much each pixel counts for the colours and the size of its region. Default: 1.

    Returns
    -------
    PartSums
    """
    ids, compact = np.unique(leaves, return_inverse=True)
    first = 0 if ids[0] == 0 else 1
    base = (compact.reshape(leaves.shape) + first).astype(np.int32)
    ids = ids[ids > 0]
    graph = region_graph(base, core)
    sums = sum_cues(graph, colours, edges, grid, settings, frame, weights)
    return PartSums(ids, ids[graph.pairs], sums)


def sum_seam(
    before: NDArray[np.integer],
    after: NDArray[np.integer],
    axis: int,
    edges: NDArray[np.float32],
    grid: GridCues,
    settings: Settings,
    frame: Frame,
) -> PartSums:
    """Sum the cues of the borders between two parts of an image that were cut apart.

    Parameters
    ----------
    before, after : ndarray of int, shape (n,)
        The regions on the last line of the first part and on the first line of the second; 0 = no
        data.
    axis : int
        Along which the parts follow each other.
    edges : ndarray of float32, shape (2, n) or (n, 2)
        Of the two lines.
    grid, settings, frame
        As in :func:`sum_part`; the frame starts with the first line.

    Returns
    -------
    PartSums
        Of borders alone.
    """
    base = np.stack([before, after], axis=axis)
    ids, compact = np.unique(base, return_inverse=True)
    first = 0 if ids[0] == 0 else 1
    core = (1, before.size) if axis == 0 else (before.size, 1)
    base = (compact.reshape(base.shape) + first).astype(np.int32)
    graph = region_graph(base, core, axes=(axis,))
    colour = sum_colour_edges(graph, edges)
    strengths, jumps = sum_border_cues(graph, grid, settings, frame)
    none = np.zeros((0, 0))
    sums = CueSums(none, none, none, none, none, graph.lengths, colour, strengths, *jumps)
    ids = ids[ids > 0]
    return PartSums(ids[:0], ids[graph.pairs], sums)


def add_up(parts: Iterable[PartSums], n: int) -> tuple[RegionGraph, Evidence]:
    """Make the whole image's graph and its evidence from the sums of all parts.

    Parameters
    ----------
    parts : iterable of PartSums
        Gone through twice, one after the other: those that are read from files need not be held.
        The first one is of regions, not of a seam.
    n : int
        Regions of the whole image.

    Returns
    -------
    graph : RegionGraph
        Its base is one row that holds the regions 1..n, and it has no sides.
    evidence : Evidence
    """
    found = [np.unique(_codes(part, n)) for part in parts]
    codes = np.unique(np.concatenate(found))
    codes = codes[codes >= 0]
    sums: CueSums | None = None
    for part in parts:
        sums = sums or empty_sums(part.sums, n, codes.size)
        code = _codes(part, n)
        border = np.where(code >= 0, np.searchsorted(codes, code), -1)
        sign = np.where(part.pairs[:, 0] <= part.pairs[:, 1], 1, -1)
        add_sums(sums, part.sums, part.ids - 1, border, sign)
    if sums is None:
        raise ValueError("there must be a part")
    graph = RegionGraph(
        base=np.arange(1, n + 1, dtype=np.int32)[np.newaxis],
        areas=sums.areas,
        pairs=np.stack(np.divmod(codes, n), axis=1).astype(np.int32),
        lengths=sums.lengths,
        sides=np.zeros((0, 3), np.int32),
        edge_of_side=np.zeros(0, np.int32),
        core=(1, n),
    )
    return graph, sums.evidence()


def _codes(part: PartSums, n: int) -> NDArray[np.int64]:
    """Each border of a part as one number; -1 for one between regions that have become one."""
    ends = part.pairs.astype(np.int64).reshape(-1, 2) - 1
    first, second = ends.min(axis=1), ends.max(axis=1)
    return np.where(first == second, -1, first * n + second)
