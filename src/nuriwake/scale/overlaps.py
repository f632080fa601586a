"""Partitions that were made tile by tile, joined where they agree in the halos.

Unlike labels, the regions of a merge tree depend on all of what was read, so the two sides of a
seam may differ. The halos show both sides the same pixels: two regions that face each other over
the seam become one if they share at least half of the smaller one there. The result is close to
that of the whole raster in one piece, not equal to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap, Window
from nuriwake.scale.sieve import connect
from nuriwake.scale.tile_components import Ids, Longs
from nuriwake.scale.tiles import Seam, TilePlan

#: Share of the smaller region that two sides must have in common to become one.
MIN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class JoinedRegions:
    """Which regions of all tiles belong together.

    Parameters
    ----------
    offsets : ndarray of int64, shape (n_tiles + 1,)
        Where each tile's regions begin in ``groups``.
    groups : ndarray of int32
        Group of each region of each tile, from 1, in the order of their first regions.
    """

    offsets: Longs
    groups: Ids

    @property
    def n_regions(self) -> int:
        """How many groups."""
        return int(self.groups.max(initial=0))

    def table(self, index: int) -> Ids:
        """Return the groups of a tile's regions, by their number in the tile; 0 stays 0."""
        start, stop = self.offsets[index : index + 2]
        return np.concatenate([np.zeros(1, np.int32), self.groups[start:stop]])

    def of_core(self, plan: TilePlan, index: int, partition: LabelMap) -> LabelMap:
        """Return the groups of a tile's core, from the partition of what was read for it."""
        return self.table(index)[partition[plan[index].core_in_read.slices]]


def join_regions(counts: Sequence[int], matches: Iterable[tuple[int, int, Longs]]) -> JoinedRegions:
    """Make one group of all regions that matches connect, over any number of tiles.

    Parameters
    ----------
    counts : sequence of int
        How many regions each tile has.
    matches : iterable of (int, int, ndarray of int64 of shape (m, 2))
        Two tiles, and pairs of their regions, from 1: of :func:`match_over_seam`.

    Returns
    -------
    JoinedRegions

    Examples
    --------
    >>> join_regions([2, 1], [(0, 1, np.array([[2, 1]]))]).groups
    array([1, 2, 2], dtype=int32)
    """
    offsets = np.cumsum([0, *counts])
    pairs = [np.zeros((0, 2), np.int64)]
    pairs += [found - 1 + offsets[[first, second]] for first, second, found in matches]
    groups = connect(int(offsets[-1]), np.concatenate(pairs)) + 1
    return JoinedRegions(offsets, groups.astype(np.int32))


def match_over_seam(
    plan: TilePlan, seam: Seam, first: LabelMap, second: LabelMap, min_share: float = MIN_SHARE
) -> Longs:
    """Find the pairs of regions that face each other over a seam and agree where tiles overlap.

    Parameters
    ----------
    plan : TilePlan
        With a halo of at least one pixel.
    seam : Seam
    first, second : ndarray of int32
        Partitions of what was read for its two tiles: 1..n, 0 = no data.
    min_share : float
        In (0, 1].

    Returns
    -------
    ndarray of int64, shape (m, 2)

    Raises
    ------
    UsageError
        If the tiles do not overlap.
    """
    if plan.halo < 1:
        raise UsageError(out_of_range("halo", "an int of at least 1", plan.halo))
    read_first, read_second = plan[seam.first].read, plan[seam.second].read

    def look(partition: LabelMap, read: Window, window: Window) -> Longs:
        return partition[window.relative_to(read).slices].ravel().astype(np.int64)

    facing = np.stack(
        [look(first, read_first, seam.before), look(second, read_second, seam.after)], axis=1
    )
    facing = np.unique(facing[(facing > 0).all(axis=1)], axis=0)
    common = read_first.intersect(read_second)
    one, other = look(first, read_first, common), look(second, read_second, common)
    size_one, size_other = np.bincount(one), np.bincount(other)
    # A pair of ids as one number; sparse, as tiles of many regions have few pairs in common.
    width = len(size_other)
    codes, shared = np.unique(one * width + other, return_counts=True)
    wanted = facing[:, 0] * width + facing[:, 1]
    place = np.searchsorted(codes, wanted).clip(max=len(codes) - 1)
    overlap = np.where(codes[place] == wanted, shared[place], 0)
    smaller = np.minimum(size_one[facing[:, 0]], size_other[facing[:, 1]])
    matches: Longs = facing[overlap >= min_share * smaller]
    return matches
