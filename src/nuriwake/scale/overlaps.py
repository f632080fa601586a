"""Partitions that were made tile by tile, joined where they agree in the halos.

Unlike labels, the regions of a merge tree depend on all of what was read, so the two sides of a
seam may differ. The halos show both sides the same pixels: two regions that face each other over
the seam become one if they share at least half of the smaller one there. The result is close to
that of the whole raster in one piece, not equal to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap, Window
from nuriwake.scale.sieve import connect
from nuriwake.scale.tile_components import Ids, Longs
from nuriwake.scale.tiles import Seam, TilePlan

#: Returns the partition of what was read for a tile: 1..n, 0 = no data.
ReadPartition = Callable[[int], LabelMap]
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
        Group of each region of each tile, from 1.
    """

    offsets: Longs
    groups: Ids

    def of_core(self, plan: TilePlan, index: int, partition: LabelMap) -> LabelMap:
        """Return the groups of a tile's core, from the partition of what was read for it."""
        start, stop = self.offsets[index : index + 2]
        table = np.concatenate([np.zeros(1, np.int32), self.groups[start:stop]])
        return table[partition[plan[index].core_in_read.slices]]


def join_over_halos(
    plan: TilePlan, read: ReadPartition, min_share: float = MIN_SHARE
) -> JoinedRegions:
    """Decide which regions of neighbouring tiles are one.

    Parameters
    ----------
    plan : TilePlan
        With a halo of at least one pixel.
    read : callable
        Returns a tile's partition; called a few times for each.
    min_share : float
        In (0, 1].

    Returns
    -------
    JoinedRegions

    Raises
    ------
    UsageError
        If the tiles do not overlap.
    """
    if plan.halo < 1 and len(plan) > 1:
        raise UsageError(out_of_range("halo", "an int of at least 1", plan.halo))
    counts = [int(read(tile.index).max(initial=0)) for tile in plan]
    offsets = np.cumsum([0, *counts])
    pairs = [np.zeros((0, 2), np.int64)]
    for seam in plan.seams():
        matches = _matches(plan, seam, read(seam.first), read(seam.second), min_share)
        pairs.append(matches - 1 + offsets[[seam.first, seam.second]])
    groups = connect(int(offsets[-1]), np.concatenate(pairs)) + 1
    return JoinedRegions(offsets, groups.astype(np.int32))


def _matches(
    plan: TilePlan, seam: Seam, first: LabelMap, second: LabelMap, min_share: float
) -> Longs:
    """Pairs of regions that face each other over a seam and agree where the tiles overlap."""
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
