"""Small components join a neighbour: the minimum mapping unit.

Works on the graph of the components, not on pixels, so that a raster cut into tiles is sieved as if
it were whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.scale.tile_components import Longs, sum_pairs


@dataclass(frozen=True, eq=False)
class ComponentGraph:
    """Components and the borders between them.

    Parameters
    ----------
    sizes : ndarray of int64, shape (n,)
        Pixels of each component.
    labels : ndarray of int64, shape (n,)
    first : ndarray of int64, shape (n,)
        Index of the first pixel: it breaks ties, whatever the components' numbers.
    edges : ndarray of int64, shape (m, 2)
        Neighbours, as indices from 0; each pair once.
    lengths : ndarray of int64, shape (m,)
        Length of the common border.
    """

    sizes: Longs
    labels: Longs
    first: Longs
    edges: Longs
    lengths: Longs

    def __len__(self) -> int:
        return len(self.sizes)


def sieve(graph: ComponentGraph, min_pixels: int) -> tuple[Longs, Longs]:
    """Let every component under ``min_pixels`` join the neighbour with the longest common border.

    All small ones choose at once, of equal borders the larger neighbour, then the one whose first
    pixel comes first; what has joined takes the label of its largest member; components of one
    label that meet by this become one. It is repeated until the only small ones left have no
    neighbour.

    Parameters
    ----------
    graph : ComponentGraph
    min_pixels : int
        The minimum mapping unit in pixels.

    Returns
    -------
    group : ndarray of int64, shape (n,)
        Components with the same number have become one.
    labels : ndarray of int64, shape (n,)
        New label of each component.

    Examples
    --------
    >>> graph = ComponentGraph(
    ...     sizes=np.array([9, 1, 9]), labels=np.array([1, 2, 3]), first=np.array([0, 4, 5]),
    ...     edges=np.array([[0, 1], [1, 2]]), lengths=np.array([1, 3]))
    >>> sieve(graph, min_pixels=2)[1]
    array([1, 3, 3])
    """
    group = np.arange(len(graph))
    while True:
        choice = _choices(graph, min_pixels)
        if not len(choice):
            return group, graph.labels[group]
        graph, joined = _contract(graph, choice)
        group = joined[group]
        same = graph.edges[graph.labels[graph.edges[:, 0]] == graph.labels[graph.edges[:, 1]]]
        graph, joined = _contract(graph, same)
        group = joined[group]


def _choices(graph: ComponentGraph, min_pixels: int) -> Longs:
    """Return the pairs (small component, neighbour that it joins)."""
    directed = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    lengths = np.concatenate([graph.lengths, graph.lengths])
    is_small = graph.sizes[directed[:, 0]] < min_pixels
    directed, lengths = directed[is_small], lengths[is_small]
    source, target = directed.T
    order = np.lexsort((graph.first[target], -graph.sizes[target], -lengths, source))
    best = np.flatnonzero(np.diff(source[order], prepend=-1))
    chosen: Longs = directed[order][best]
    return chosen


def _contract(graph: ComponentGraph, pairs: Longs) -> tuple[ComponentGraph, Longs]:
    """Make one component of each set that the pairs connect; also return the new numbers."""
    group = connect(len(graph), pairs)
    n_groups = int(group.max(initial=-1)) + 1
    # The largest member first, so that its label is the one that unique() meets first.
    order = np.lexsort((graph.first, -graph.sizes))
    leader = order[np.unique(group[order], return_index=True)[1]]
    first = np.full(n_groups, np.iinfo(np.int64).max)
    np.minimum.at(first, group, graph.first)
    sizes = np.zeros(n_groups, np.int64)
    np.add.at(sizes, group, graph.sizes)
    edges = group[graph.edges]
    crosses = edges[:, 0] != edges[:, 1]
    edges, lengths = sum_pairs(edges[crosses], graph.lengths[crosses])
    return ComponentGraph(sizes, graph.labels[leader], first, edges, lengths), group


def connect(n_nodes: int, pairs: NDArray[np.integer]) -> Longs:
    """Give each connected component of a graph a number, from 0.

    Parameters
    ----------
    n_nodes : int
    pairs : ndarray of int, shape (m, 2)

    Returns
    -------
    ndarray of int64, shape (n_nodes,)

    Examples
    --------
    >>> connect(4, np.array([[0, 2]]))
    array([0, 1, 0, 2])
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if n_nodes == 0:
        return np.zeros(0, np.int64)
    weights = np.ones(len(pairs), np.int8)
    matrix = coo_array((weights, (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_nodes))
    numbers: Longs = connected_components(matrix, directed=False)[1].astype(np.int64)
    return numbers
