"""The merge of regions, cheapest first: a sparse graph with a queue of its edges, compiled.

Each contraction updates the merged region's means and the borders that become one, and moves its
edges in the queue to where their new costs belong; edges that are gone are dropped when they come
up. So the work is E log E for regions of bounded degree, and never n * n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined
from nuriwake.regions.graph import RegionGraph
from nuriwake.regions.linkage import Evidence, Linkage, Things
from nuriwake.regions.queue import Queue, change_cost, queue_of, take_first

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: A number of regions that is never left.
_NO_PAUSE = np.array([-1.0, 0.0, 0.0])
#: Not infinite: compiled loops are told that nothing is.
_NO_LIMIT = float(np.finfo(np.float64).max)


class Regions(NamedTuple):
    """The regions while they grow; a merged region lives on in the slot of one of its parts.

    Histograms are weighted; their roots are kept beside them, since a region is compared more
    often than it grows.
    """

    areas: Floats
    colours: Floats
    histograms: Floats
    roots: Floats
    roughness: Floats
    groups: Ints
    node: Ints
    head: Ints
    degree: Ints


class Borders(NamedTuple):
    """The edges while they unite; half-edge 2 e + t hangs in the list of end t of edge e."""

    ends: Ints
    length: Floats
    strength: Floats
    of_textons: Floats
    texton_jumps: Floats
    texture_jumps: Floats
    is_gone: NDArray[np.bool_]
    next_half: Ints


class Growth(NamedTuple):
    """The tree so far.

    Of ``counts``, the first is that of the merges, the second that of the borders in the queue; no
    merge to come is below ``floor``.
    """

    queue: Queue
    merges: NDArray[np.int32]
    altitudes: Floats
    counts: Ints
    floor: Floats


def merge_regions(
    graph: RegionGraph,
    evidence: Evidence,
    linkage: Linkage,
    groups: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.int32], Floats]:
    """Merge the regions of a graph pair by pair, the cheapest pair first.

    Parameters
    ----------
    graph : RegionGraph
    evidence : Evidence
    linkage : Linkage
    groups : ndarray of int, shape (n,), optional
        Regions of two different groups never merge; group 0 goes with any. Default: all 0.

    Returns
    -------
    merges : ndarray of int32, shape (n - 1, 2)
        Merge k makes node n + k of two nodes.
    altitudes : ndarray of float64, shape (n - 1,)
        Cost of each merge, as the running maximum; infinite where what is left does not touch or
        may not merge.

    Examples
    --------
    >>> from nuriwake.regions.graph import region_graph
    >>> graph = region_graph(np.array([[1, 2, 3]], np.int32))
    >>> colours = np.array([[0.0], [1.0], [5.0]])
    >>> none = np.zeros((3, 0))
    >>> borders = np.ones(2), np.zeros(2), np.zeros((2, 0)), np.zeros((2, 0))
    >>> evidence = Evidence(colours, none, none, np.zeros(3), *borders)
    >>> merges, altitudes = merge_regions(graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0))
    >>> merges.tolist(), altitudes.tolist()
    ([[0, 1], [2, 3]], [1.0, 4.5])
    """
    n, unit = graph.n_regions, graph.areas.sum() / linkage.scenes
    q = evidence.textons.shape[1]
    histograms = np.empty((n, q + evidence.tones.shape[1]))
    np.multiply(evidence.textons, linkage.texton_weight, out=histograms[:, :q])
    np.multiply(evidence.tones, linkage.tone_weight, out=histograms[:, q:])
    regions = Regions(
        areas=graph.areas / unit,
        colours=np.array(evidence.colours, np.float64, order="C"),
        histograms=histograms,
        roots=np.sqrt(histograms),
        roughness=linkage.roughness * evidence.roughness.astype(np.float64),
        groups=np.zeros(n, np.int64) if groups is None else groups.astype(np.int64),
        node=np.arange(n),
        head=np.full(n, -1),
        degree=np.zeros(n, np.int64),
    )
    borders = Borders(
        ends=graph.pairs.astype(np.int64),
        length=graph.lengths / unit**linkage.surface_power,
        strength=evidence.border + evidence.texton_border,
        of_textons=np.array(evidence.texton_border, np.float64),
        texton_jumps=np.array(evidence.texton_jumps, np.float64, order="C"),
        texture_jumps=np.array(evidence.texture_jumps, np.float64, order="C"),
        is_gone=np.zeros(graph.n_edges, bool),
        next_half=np.full(2 * graph.n_edges, -1),
    )
    weights = _weights(linkage, linkage.size_power, 0.5, float(histograms[:1].sum()))
    growth = _begin(regions, borders, weights)
    if linkage.things is not None:
        _merge(regions, borders, weights, growth, _pause(graph, linkage.things))
        _weigh_as_things(regions, borders, linkage.things, q)
        powers = linkage.things.size_power, linkage.things.difference_power
        weights = _weights(linkage, *powers, float(histograms[:1].sum()))
        _change_all_costs(regions, borders, weights, growth)
    _merge(regions, borders, weights, growth, _NO_PAUSE)
    done = growth.counts[0]
    return _complete(n, growth.merges[:done], growth.altitudes[:done])


def _weights(
    linkage: Linkage, size_power: float, difference_power: float, histograms: float
) -> Floats:
    return np.array(
        [
            size_power + linkage.surface_power * linkage.contact_power,
            linkage.border_offset,
            linkage.border_power,
            histograms,
            linkage.size_limit * linkage.scenes,
            -linkage.contact_power,
            difference_power - 0.5,
            1.0 / histograms if histograms > 0 else 1.0,
        ]
    )


def _pause(graph: RegionGraph, things: Things) -> Floats:
    n_regions = things.n_regions + count_parts(graph.pairs, graph.n_regions) - 1
    # Where there never were as many, the first merge tells what an image's costs are like.
    return np.array([min(n_regions, graph.n_regions - 1), things.altitude, things.adaptation])


def _weigh_as_things(regions: Regions, borders: Borders, things: Things, n_textons: int) -> None:
    """Let textons and tones count more from here on, and mean colours less."""
    gain = things.texton_gain
    regions.histograms[:, :n_textons] *= gain
    regions.histograms[:, n_textons:] *= things.tone_gain
    np.sqrt(regions.histograms, out=regions.roots)
    regions.colours[:] /= things.tone_gain
    borders.strength[:] += (gain - 1.0) * borders.of_textons
    borders.texton_jumps[:] *= gain


def _complete(
    n: int, merges: NDArray[np.int32], altitudes: Floats
) -> tuple[NDArray[np.int32], Floats]:
    """Join what is left, oldest node first, at infinite altitude."""
    is_root = np.ones(n + len(merges), bool)
    is_root[merges] = False
    roots = np.flatnonzero(is_root)
    rest = np.empty((roots.size - 1, 2), np.int32)
    rest[:, 1] = roots[1:]
    rest[:1, 0] = roots[:1]
    rest[1:, 0] = np.arange(n + len(merges), n + len(merges) + rest.shape[0] - 1)
    rest.sort(axis=1)
    infinite = np.full(len(rest), np.inf)
    return np.concatenate([merges, rest]), np.concatenate([altitudes, infinite])


@compiled
def count_parts(pairs: NDArray[np.int32], n: int) -> int:
    """Count the connected parts of a graph of n regions.

    Examples
    --------
    >>> count_parts(np.array([[0, 2], [2, 3]], np.int32), 5)
    3
    """
    above, n_parts = np.arange(n), n
    for k in range(len(pairs)):
        one, other = pairs[k, 0], pairs[k, 1]
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        while above[other] != other:
            above[other] = above[above[other]]
            other = above[other]
        n_parts -= one != other
        above[max(one, other)] = min(one, other)
    return int(n_parts)


@inlined
def _norm(vector: Floats) -> float:
    total = 0.0
    for k in range(vector.size):
        total += vector[k] * vector[k]
    return float(np.sqrt(total))


@inlined
def _cost(regions: Regions, borders: Borders, edge: int, weights: Floats) -> float:
    one, other = borders.ends[edge, 0], borders.ends[edge, 1]
    difference = 0.0
    for k in range(regions.colours.shape[1]):
        step = regions.colours[one, k] - regions.colours[other, k]
        difference += step * step
    # Rows of both kinds of histograms together sum to weights[3].
    overlap = 0.0
    for k in range(regions.roots.shape[1]):
        overlap += regions.roots[one, k] * regions.roots[other, k]
    difference += max(0.0, weights[3] - overlap)
    jump = _norm(borders.texton_jumps[edge]) + _norm(borders.texture_jumps[edge])
    inside = 1.0 + min(regions.roughness[one], regions.roughness[other])
    border = (borders.strength[edge] + jump) / inside
    a, b = min(regions.areas[one], weights[4]), min(regions.areas[other], weights[4])
    size = (a * b / (a + b)) ** weights[0] * borders.length[edge] ** weights[5]
    # The root by itself: of patches, whose weights[6] is 0, nothing is rounded otherwise.
    power = np.sqrt(difference) * (difference * weights[7]) ** weights[6]
    return float(size * (weights[1] + border) ** weights[2] * power)


@compiled
def _hang(regions: Regions, borders: Borders, region: int, half: int) -> None:
    """Put a half-edge into the list of a region."""
    borders.next_half[half] = regions.head[region]
    regions.head[region] = half
    regions.degree[region] += 1


@compiled
def _absorb(regions: Regions, keep: int, gone: int) -> None:
    """Let one region take over the area and the means of another."""
    a, b = regions.areas[keep], regions.areas[gone]
    share = b / (a + b)
    for means in (regions.colours, regions.histograms):
        for k in range(means.shape[1]):
            means[keep, k] += share * (means[gone, k] - means[keep, k])
    for k in range(regions.roots.shape[1]):
        regions.roots[keep, k] = np.sqrt(regions.histograms[keep, k])
    regions.roughness[keep] += share * (regions.roughness[gone] - regions.roughness[keep])
    regions.areas[keep] = a + b
    regions.groups[keep] = max(regions.groups[keep], regions.groups[gone])


@compiled
def _unite(borders: Borders, into: int, edge: int, is_turned: bool) -> None:
    """Make two borders with the same region one; a jump that points the other way is turned."""
    total = borders.length[into] + borders.length[edge]
    share = borders.length[edge] / total
    sign = -1.0 if is_turned else 1.0
    for strength in (borders.strength, borders.of_textons):
        strength[into] += share * (strength[edge] - strength[into])
    for jumps in (borders.texton_jumps, borders.texture_jumps):
        for k in range(jumps.shape[1]):
            jumps[into, k] += share * (sign * jumps[edge, k] - jumps[into, k])
    borders.length[into] = total
    borders.is_gone[edge] = True


@compiled
def _rewire(regions: Regions, borders: Borders, keep: int, gone: int, edge_to: Ints) -> None:
    """Hang the edges of both regions on one; edges that are gone drop out of the lists.

    ``edge_to`` is scratch, -1 everywhere before and after.
    """
    lists = (regions.head[keep], regions.head[gone])
    regions.head[keep] = -1
    regions.degree[keep] = 0
    for half in lists:
        while half >= 0:
            following, edge = borders.next_half[half], half // 2
            far = borders.ends[edge, 1 - half % 2]
            if borders.is_gone[edge]:
                pass
            elif edge_to[far] >= 0:
                is_turned = borders.ends[edge_to[far], half % 2] == far
                _unite(borders, edge_to[far], edge, is_turned)
                regions.degree[far] -= 1
            else:
                borders.ends[edge, half % 2] = keep
                edge_to[far] = edge
                _hang(regions, borders, keep, half)
            half = following
    half = regions.head[keep]
    while half >= 0:
        edge_to[borders.ends[half // 2, 1 - half % 2]] = -1
        half = borders.next_half[half]


@compiled
def _is_forbidden(regions: Regions, one: int, other: int) -> bool:
    a, b = regions.groups[one], regions.groups[other]
    return bool(a > 0 and b > 0 and a != b)


@compiled
def _change_costs(
    regions: Regions, borders: Borders, region: int, weights: Floats, queue: Queue, n_queued: int
) -> None:
    """Give every edge of a region its cost of now."""
    half = regions.head[region]
    while half >= 0:
        edge = half // 2
        change_cost(queue, edge, _cost(regions, borders, edge, weights), n_queued)
        half = borders.next_half[half]


@compiled
def _begin(regions: Regions, borders: Borders, weights: Floats) -> Growth:
    n, costs = regions.areas.size, np.empty(borders.length.size)
    for edge in range(costs.size):
        for end in range(2):
            _hang(regions, borders, borders.ends[edge, end], 2 * edge + end)
        costs[edge] = _cost(regions, borders, edge, weights)
    merges, altitudes = np.empty((max(n - 1, 0), 2), np.int32), np.empty(max(n - 1, 0))
    return Growth(queue_of(costs), merges, altitudes, np.array([0, costs.size]), np.zeros(1))


@compiled
def _change_all_costs(regions: Regions, borders: Borders, weights: Floats, growth: Growth) -> None:
    n_queued = growth.counts[1]
    for edge in growth.queue.heap[:n_queued].copy():
        if not borders.is_gone[edge]:
            cost = _cost(regions, borders, edge, weights)
            change_cost(growth.queue, edge, cost, n_queued)


@compiled
def _merge(
    regions: Regions, borders: Borders, weights: Floats, growth: Growth, pause: Floats
) -> None:
    """Merge on, until nothing is left or, see :class:`Things`, it is time for a pause."""
    n, queue = regions.areas.size, growth.queue
    edge_to = np.full(n, -1)
    done, n_queued = growth.counts[0], growth.counts[1]
    altitude, limit = growth.floor[0], _NO_LIMIT
    while n_queued > 0:
        edge = queue.heap[0]
        keep, gone = borders.ends[edge, 0], borders.ends[edge, 1]
        may_merge = not (borders.is_gone[edge] or _is_forbidden(regions, keep, gone))
        if may_merge and queue.costs[edge] > limit:
            altitude = max(altitude, queue.costs[edge])
            break
        n_queued -= 1
        take_first(queue, n_queued + 1)
        if borders.is_gone[edge]:
            continue
        borders.is_gone[edge] = True
        regions.degree[keep] -= 1
        regions.degree[gone] -= 1
        if not may_merge:
            continue
        if regions.degree[keep] < regions.degree[gone]:
            keep, gone = gone, keep
        one, other = regions.node[keep], regions.node[gone]
        altitude = max(altitude, queue.costs[edge])
        growth.merges[done, 0], growth.merges[done, 1] = min(one, other), max(one, other)
        growth.altitudes[done] = altitude
        regions.node[keep] = n + done
        done += 1
        _absorb(regions, keep, gone)
        _rewire(regions, borders, keep, gone, edge_to)
        _change_costs(regions, borders, keep, weights, queue, n_queued)
        if n - done == pause[0]:
            limit = pause[1] * (altitude ** pause[2] if altitude > 0 else 1.0)
    growth.counts[0], growth.counts[1], growth.floor[0] = done, n_queued, altitude
