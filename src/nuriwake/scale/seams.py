"""One numbering of the components of all tiles.

Only components that touch a seam can go on in another tile, so the union over seams is a graph
of those alone. Regions are numbered in raster order of their first pixels, whatever the tiles: the
number of a region is 1 + how many regions begin before it, which is a prefix sum over the rows of
the tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.scale.sieve import ComponentGraph, connect, sieve
from nuriwake.scale.tile_components import Ids, Longs, TileComponents, sum_pairs
from nuriwake.scale.tiles import TilePlan

#: More regions than that need wider ids; a raster of noise has them from some 10^10 pixels on.
MAX_INT32 = np.iinfo(np.int32).max
#: Reads the components of a tile: they are many, so not all tiles' are held at once.
ReadComponents = Callable[[int], TileComponents]


@dataclass(frozen=True, eq=False)
class _Joined:
    """Which components are parts of one region, by global number (tile offset + row).

    ``members`` is sorted; ``roots`` holds for each the member with the first pixel; ``labels`` the
    label of the region.
    """

    members: Longs
    roots: Longs
    labels: Ids

    def within(self, start: int, stop: int) -> slice:
        low, high = np.searchsorted(self.members, [start, stop])
        return slice(int(low), int(high))


@dataclass(frozen=True, eq=False)
class Numbering:
    """The region of every component of every tile.

    Parameters
    ----------
    plan : TilePlan
    read : callable
        Reads the components of a tile.
    offsets : ndarray of int64, shape (n_tiles + 1,)
        Global number of each tile's first component.
    joined : _Joined
        Components that are parts of larger regions.
    begun : ndarray of int64, shape (height, tiles across)
        Regions that begin before a row of a tile.
    root_ids : ndarray of int64
        Region of each member of ``joined``.
    n_regions : int
    """

    plan: TilePlan
    read: ReadComponents
    offsets: Longs
    joined: _Joined
    begun: Longs
    root_ids: Longs
    n_regions: int

    def lookup(self, index: int) -> tuple[NDArray[np.integer], Ids]:
        """Return region and label of a tile's components.

        Parameters
        ----------
        index : int
            The tile.

        Returns
        -------
        regions : ndarray of int32, shape (n + 1,)
            Indexed by the tile's own component numbers; 0 stays 0. Of int64 where there are more
            than 2 147 483 647 regions.
        labels : ndarray of int32, shape (n + 1,)
        """
        components = self.read(index)
        start = int(self.offsets[index])
        part = self.joined.within(start, start + len(components))
        number = np.int32 if self.n_regions <= MAX_INT32 else np.int64
        regions: NDArray[np.integer] = np.zeros(len(components) + 1, number)
        absorbed = _absorbed_rows(self.joined, part, start)
        regions[1:] = _own_ids(self.plan, components, index, self.begun, absorbed)
        labels = np.concatenate([[0], components.labels]).astype(np.int32)
        local = self.joined.members[part] - start + 1
        regions[local] = self.root_ids[part]
        labels[local] = self.joined.labels[part]
        return regions, labels


def number_components(plan: TilePlan, read: ReadComponents, min_pixels: int = 1) -> Numbering:
    """Join components over the seams, sieve small ones, and number the regions.

    Parameters
    ----------
    plan : TilePlan
    read : callable
        Returns the :class:`TileComponents` of a tile; called a few times for each.
    min_pixels : int
        The minimum mapping unit: smaller regions join a neighbour (:func:`.sieve.sieve`). The
        components must have been described with the same value.

    Returns
    -------
    Numbering
    """
    offsets = np.cumsum([0, *(len(read(index)) for index in range(len(plan)))])
    same, different = _face_pairs(plan, read, offsets)
    if min_pixels > 1:
        joined = _join_and_sieve(plan, read, offsets, same, different, min_pixels)
    else:
        nodes, pairs = np.unique(same, return_inverse=True)
        group = connect(len(nodes), pairs.reshape(-1, 2))
        first, _, labels = _gather(read, offsets, nodes)
        joined = _Joined(nodes, _roots(nodes, group, first), labels)
    begun, n_regions = _count_beginnings(plan, read, offsets, joined)
    root_ids = _ids_of_roots(plan, read, offsets, joined, begun)
    return Numbering(plan, read, offsets, joined, begun, root_ids, n_regions)


def _face_pairs(
    plan: TilePlan, read: ReadComponents, offsets: Longs
) -> tuple[Longs, tuple[Longs, Longs]]:
    """Pairs of components that face each other over a seam: of one label; of two, with lengths."""
    same: list[Longs] = [np.zeros((0, 2), np.int64)]
    different: list[Longs] = [np.zeros((0, 2), np.int64)]
    for seam in plan.seams():
        first, second = read(seam.first), read(seam.second)
        before, after = first.face_before(seam), second.face_after(seam)
        holds = (before > 0) & (after > 0)
        before, after = before[holds] - 1, after[holds] - 1
        pairs = np.stack([before + offsets[seam.first], after + offsets[seam.second]], axis=1)
        equal = first.labels[before] == second.labels[after]
        same.append(np.unique(pairs[equal], axis=0))
        different.append(pairs[~equal])
    unlike = np.concatenate(different)
    return np.concatenate(same), sum_pairs(unlike, np.ones(len(unlike), np.int64))


def _gather(read: ReadComponents, offsets: Longs, nodes: Longs) -> tuple[Longs, Longs, Ids]:
    """First pixels, sizes and labels of some components, given by sorted global numbers."""
    first, sizes = np.zeros(len(nodes), np.int64), np.zeros(len(nodes), np.int64)
    labels = np.zeros(len(nodes), np.int32)
    cuts = np.searchsorted(nodes, offsets)
    for index in range(len(offsets) - 1):
        part = slice(cuts[index], cuts[index + 1])
        if part.start < part.stop:
            components, rows = read(index), nodes[part] - offsets[index]
            first[part], sizes[part] = components.first[rows], components.sizes[rows]
            labels[part] = components.labels[rows]
    return first, sizes, labels


def _roots(nodes: Longs, group: Longs, first: Longs) -> Longs:
    """For each node the member of its group whose first pixel comes first."""
    order = np.argsort(first, kind="stable")
    leaders = order[np.unique(group[order], return_index=True)[1]]
    return nodes[leaders][group] if len(nodes) else nodes


def _join_and_sieve(
    plan: TilePlan,
    read: ReadComponents,
    offsets: Longs,
    same: Longs,
    different: tuple[Longs, Longs],
    min_pixels: int,
) -> _Joined:
    """Join over the seams, then sieve the graph of the small components and their neighbours."""
    pairs, lengths = [different[0]], [different[1]]
    for index in range(len(plan)):
        components = read(index)
        pairs.append(components.edges.astype(np.int64) - 1 + offsets[index])
        lengths.append(components.lengths)
    edges, weights = np.concatenate(pairs), np.concatenate(lengths)
    nodes = np.unique(np.concatenate([same.ravel(), edges.ravel()]))
    group = connect(len(nodes), np.searchsorted(nodes, same))
    first, sizes, labels = _gather(read, offsets, nodes)
    graph = _group_graph(group, first, sizes, labels, np.searchsorted(nodes, edges), weights)
    sieved, new_labels = sieve(graph, min_pixels)
    roots = _roots(nodes, sieved[group], first)
    return _Joined(nodes, roots, new_labels[group].astype(np.int32))


def _group_graph(
    group: Longs, first: Longs, sizes: Longs, labels: Ids, edges: Longs, weights: Longs
) -> ComponentGraph:
    """Make the graph of whole components from that of their parts in the tiles."""
    n_groups = int(group.max(initial=-1)) + 1
    total, begin = np.zeros(n_groups, np.int64), np.full(n_groups, np.iinfo(np.int64).max)
    np.add.at(total, group, sizes)
    np.minimum.at(begin, group, first)
    label = np.zeros(n_groups, np.int64)
    label[group] = labels
    whole_edges, lengths = sum_pairs(group[edges], weights)
    return ComponentGraph(total, label, begin, whole_edges, lengths)


def _absorbed_rows(joined: _Joined, part: slice, start: int) -> Longs:
    """Rows of a tile's components that are not the beginning of their region."""
    members = joined.members[part]
    rows: Longs = members[joined.roots[part] != members] - start
    return rows


def _count_beginnings(
    plan: TilePlan, read: ReadComponents, offsets: Longs, joined: _Joined
) -> tuple[Longs, int]:
    """Count, for each row of each tile, the regions that begin before it in raster order."""
    height, width = plan.shape
    n_across = plan.grid[1]
    counts = np.zeros((height, n_across), np.int64)
    for index in range(len(plan)):
        components, start = read(index), int(offsets[index])
        part = joined.within(start, start + len(components))
        begins = np.delete(components.first, _absorbed_rows(joined, part, start))
        rows = begins // width
        np.add.at(counts[:, index % n_across], rows, 1)
    total = np.cumsum(counts)
    begun = np.concatenate([[0], total[:-1]]).reshape(counts.shape)
    return begun, int(total[-1])


def _own_ids(
    plan: TilePlan, components: TileComponents, index: int, begun: Longs, absorbed: Longs
) -> Longs:
    """Region of each component that begins its region; 0 for those that do not."""
    ids = np.zeros(len(components), np.int64)
    begins = np.ones(len(components), bool)
    begins[absorbed] = False
    rows = components.first[begins] // plan.shape[1]
    # First pixels increase, so those of one row are neighbours, in order of their columns.
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    in_row = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    ids[begins] = begun[rows, index % plan.grid[1]] + in_row + 1
    return ids


def _ids_of_roots(
    plan: TilePlan, read: ReadComponents, offsets: Longs, joined: _Joined, begun: Longs
) -> Longs:
    """Region of each joined member: that of its root, which may lie in another tile."""
    own = np.zeros(len(joined.members), np.int64)
    for index in range(len(plan)):
        start, stop = int(offsets[index]), int(offsets[index + 1])
        part = joined.within(start, stop)
        if part.start < part.stop:
            absorbed = _absorbed_rows(joined, part, start)
            ids = _own_ids(plan, read(index), index, begun, absorbed)
            own[part] = ids[joined.members[part] - start]
    return own[np.searchsorted(joined.members, joined.roots)]
