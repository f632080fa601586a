"""The merge of regions, cheapest first: a sparse graph with a queue of its edges, compiled.

Each contraction updates the merged region's means and the borders that become one, and moves its
edges in the queue to where their new costs belong; edges that are gone are dropped when they come
up. So the work is E log E for regions of bounded degree, and never n * n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled, inlined
from nuriwake.regions.graph import RegionGraph
from nuriwake.regions.queue import Queue, change_cost, queue_of, take_first

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Linkage:
    """What it costs to merge two neighbours.

    With areas a and b (as shares of the image, at most ``size_limit``) and h = a b / (a + b), the
    length l of their border (in units of the image's side: the root of its area; in a volume its
    surface, in units of a side of it), mean colours, histograms P and Q of textons, T and U of
    tones, the strength s of their border, its jumps j of textons and k of texture, and the
    roughness r of the smoother of the two::

        h ** size_power * (sqrt(h) / l) ** contact_power
            * (border_offset + (s + |j| + |k|) / (1 + roughness * r)) ** border_power
            * sqrt(|colour - colour'|^2 + texton_weight * (1 - sum(sqrt(P Q)))
                   + tone_weight * (1 - sum(sqrt(T U))))

    Parameters
    ----------
    size_power : float
        0 treats large and small regions alike; 0.5 is Ward's.
    border_offset : float
        Keeps a difference of colour worth something where no edge is seen.
    border_power : float
        How much an edge counts against a difference of the regions.
    texton_weight, tone_weight : float
        Weights of the squared Hellinger distances.
    roughness : float
        How much less an edge counts between two regions that are full of edges themselves.
    contact_power : float
        How much sooner two regions merge whose common border is long for their size: two halves
        of a thing rather than two things that touch. In a volume h ** (2 / 3) / l stands for
        sqrt(h) / l: it has no unit either.
    size_limit : float
        A region that is larger, as a share of the image, counts as if it were of this size: the
        means of both are known well enough, whichever is larger.
    n_axes : int
        2 for pictures, 3 for volumes.

    References
    ----------
    Ward, "Hierarchical grouping to optimize an objective function", JASA 1963 (the size term).
    Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004 (borders
    are judged by the variation inside).
    Koepfler, Lopez and Morel, "A multiscale algorithm for image segmentation by variational
    method", SIAM Journal on Numerical Analysis 1994 (the length of the border that a merge saves).
    """

    size_power: float
    border_offset: float
    border_power: float
    texton_weight: float
    tone_weight: float = 0.0
    roughness: float = 0.0
    contact_power: float = 0.0
    size_limit: float = 1.0
    n_axes: int = 2

    @property
    def surface_power(self) -> float:
        """The border of a thing grows with this power of its size."""
        return (self.n_axes - 1) / self.n_axes


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the merge looks at.

    Parameters
    ----------
    colours : ndarray of float64, shape (n, C)
        Mean colour of each region.
    textons : ndarray of float64, shape (n, q)
        How often each learned label occurs in each region; rows sum to 1. q = 0 leaves it out.
    tones : ndarray of float64, shape (n, B)
        Histogram of the colours of each region; rows sum to 1. B = 0 leaves it out.
    roughness : ndarray of float64, shape (n,)
        Mean strength of the edges inside each region.
    border : ndarray of float64, shape (E,)
        Mean strength of the border of each edge of the graph.
    texton_jumps, texture_jumps : ndarray of float64, shape (E, K)
        Mean change across that border, from the first region of the pair to the second.
    """

    colours: Floats
    textons: Floats
    tones: Floats
    roughness: Floats
    border: Floats
    texton_jumps: Floats
    texture_jumps: Floats


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
    texton_jumps: Floats
    texture_jumps: Floats
    is_gone: NDArray[np.bool_]
    next_half: Ints


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
    >>> borders = np.ones(2), np.zeros((2, 0)), np.zeros((2, 0))
    >>> evidence = Evidence(colours, none, none, np.zeros(3), *borders)
    >>> merges, altitudes = merge_regions(graph, evidence, Linkage(0.0, 0.0, 1.0, 0.0))
    >>> merges.tolist(), altitudes.tolist()
    ([[0, 1], [2, 3]], [1.0, 4.5])
    """
    n = graph.n_regions
    q = evidence.textons.shape[1]
    histograms = np.empty((n, q + evidence.tones.shape[1]))
    np.multiply(evidence.textons, linkage.texton_weight, out=histograms[:, :q])
    np.multiply(evidence.tones, linkage.tone_weight, out=histograms[:, q:])
    regions = Regions(
        areas=graph.areas / graph.areas.sum(),
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
        length=graph.lengths / np.sqrt(graph.areas.sum()) ** (2 * linkage.surface_power),
        strength=np.array(evidence.border, np.float64),
        texton_jumps=np.array(evidence.texton_jumps, np.float64, order="C"),
        texture_jumps=np.array(evidence.texture_jumps, np.float64, order="C"),
        is_gone=np.zeros(graph.n_edges, bool),
        next_half=np.full(2 * graph.n_edges, -1),
    )
    weights = np.array(
        [
            linkage.size_power + linkage.surface_power * linkage.contact_power,
            linkage.border_offset,
            linkage.border_power,
            histograms[:1].sum(),
            linkage.size_limit,
            -linkage.contact_power,
        ]
    )
    merges, altitudes = _merge(regions, borders, weights)
    return _complete(n, merges, altitudes)


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
    return float(size * (weights[1] + border) ** weights[2] * np.sqrt(difference))


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
    borders.strength[into] += share * (borders.strength[edge] - borders.strength[into])
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
def _first_queue(regions: Regions, borders: Borders, weights: Floats) -> Queue:
    costs = np.empty(borders.length.size)
    for edge in range(costs.size):
        for end in range(2):
            _hang(regions, borders, borders.ends[edge, end], 2 * edge + end)
        costs[edge] = _cost(regions, borders, edge, weights)
    return queue_of(costs)


@compiled
def _merge(regions: Regions, borders: Borders, weights: Floats) -> tuple[NDArray[np.int32], Floats]:
    n = regions.areas.size
    merges, altitudes = np.empty((max(n - 1, 0), 2), np.int32), np.empty(max(n - 1, 0))
    edge_to = np.full(n, -1)
    queue = _first_queue(regions, borders, weights)
    done, altitude = 0, 0.0
    for n_queued in range(queue.costs.size - 1, -1, -1):
        edge = take_first(queue, n_queued + 1)
        if borders.is_gone[edge]:
            continue
        borders.is_gone[edge] = True
        keep, gone = borders.ends[edge, 0], borders.ends[edge, 1]
        regions.degree[keep] -= 1
        regions.degree[gone] -= 1
        if _is_forbidden(regions, keep, gone):
            continue
        if regions.degree[keep] < regions.degree[gone]:
            keep, gone = gone, keep
        one, other = regions.node[keep], regions.node[gone]
        altitude = max(altitude, queue.costs[edge])
        merges[done, 0], merges[done, 1], altitudes[done] = (
            min(one, other),
            max(one, other),
            altitude,
        )
        regions.node[keep] = n + done
        done += 1
        _absorb(regions, keep, gone)
        _rewire(regions, borders, keep, gone, edge_to)
        _change_costs(regions, borders, keep, weights, queue, n_queued)
    return merges[:done], altitudes[:done]
