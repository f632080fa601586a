"""The region adjacency graph: which regions touch, along how many pixels, and what lies there.

Maps are read at any resolution: a map of half the size is interpolated where it is read, and never
blown up. So the pixels' colours and the responses of a coarse grid are read by the same call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap
from nuriwake.regions.compiled import compiled


@dataclass(frozen=True, eq=False)
class RegionGraph:
    """Regions as nodes 0..n-1 (region id - 1), touching pairs of regions as edges.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Region ids 1..n; 0 = no data.
    areas : ndarray of float64, shape (n,)
        Pixels of each region.
    pairs : ndarray of int32, shape (E, 2)
        The two regions of each edge, the smaller first; sorted.
    lengths : ndarray of float64, shape (E,)
        Length of the common border: the number of pixel sides.
    sides : ndarray of int32, shape (P, 3)
        Every pixel side between two regions: row, column and 0 for the side to the right
        neighbour, 1 for the side to the lower one. In the order of ``edge_of_side``.
    edge_of_side : ndarray of int32, shape (P,)
        The edge that a side belongs to.
    """

    base: LabelMap
    areas: NDArray[np.float64]
    pairs: NDArray[np.int32]
    lengths: NDArray[np.float64]
    sides: NDArray[np.int32]
    edge_of_side: NDArray[np.int32]

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return self.areas.size

    @property
    def n_edges(self) -> int:
        """Number of pairs of regions that touch."""
        return self.lengths.size

    def region_mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average a map over each region.

        Parameters
        ----------
        values : ndarray of shape (h, w, channels)
            Of the image's size or of any other, which is then interpolated bilinearly.

        Returns
        -------
        ndarray of float64, shape (n_regions, channels)

        Examples
        --------
        >>> graph = region_graph(np.array([[1, 1, 2]], np.int32))
        >>> graph.region_mean(np.array([[[0.0], [1.0], [5.0]]])).ravel()
        array([0.5, 5. ])
        """
        height, width = self.base.shape
        rows = _positions(np.arange(height), values.shape[0] / height, values.shape[0])
        cols = _positions(np.arange(width), values.shape[1] / width, values.shape[1])
        sums = region_sums(self.base, self.n_regions, np.ascontiguousarray(values), rows, cols)
        return sums / self.areas[:, np.newaxis]

    def border_mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average a map along the border of each pair of touching regions.

        Parameters
        ----------
        values : ndarray of shape (h, w)
            Of the image's size or of any other; read between the two pixels of a side.

        Returns
        -------
        ndarray of float64, shape (n_edges,)

        Examples
        --------
        >>> graph = region_graph(np.array([[1, 1, 2]], np.int32))
        >>> graph.border_mean(np.array([[0.0, 2.0, 4.0]]))
        array([3.])
        """
        scale = values.shape[0] / self.base.shape[0], values.shape[1] / self.base.shape[1]
        below = self.sides[:, 2]
        row = _positions(self.sides[:, 0] + 0.5 * below, scale[0], values.shape[0])
        col = _positions(self.sides[:, 1] + 0.5 * (1 - below), scale[1], values.shape[1])
        sampled = _bilinear(values, row, col)
        return np.bincount(self.edge_of_side, sampled, minlength=self.n_edges) / self.lengths


def region_graph(base: LabelMap) -> RegionGraph:
    """Build the adjacency graph of a map of regions.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Region ids 1..n without a gap; 0 = no data, which touches nothing.

    Returns
    -------
    RegionGraph

    Examples
    --------
    >>> graph = region_graph(np.array([[1, 1, 2], [3, 3, 2]], np.int32))
    >>> graph.pairs.tolist(), graph.lengths.tolist(), graph.areas.tolist()
    ([[0, 1], [0, 2], [1, 2]], [1.0, 2.0, 1.0], [2.0, 2.0, 2.0])
    """
    first, second, sides = _find_sides(base)
    order = np.lexsort((second, first))
    pairs = np.stack([first[order], second[order]], axis=1)
    is_new = np.ones(order.size, bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    edge_of_side = np.cumsum(is_new, dtype=np.int32) - np.int32(1)
    areas = np.bincount(base.ravel())[1:].astype(np.float64)
    lengths = np.bincount(edge_of_side).astype(np.float64)
    return RegionGraph(base, areas, pairs[is_new], lengths, sides[order], edge_of_side)


def _find_sides(
    base: LabelMap,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the two regions (from 0, the smaller first) and the place of every border side."""
    found = []
    for below in (0, 1):
        one = base[:-1] if below else base[:, :-1]
        other = base[1:] if below else base[:, 1:]
        row, col = np.nonzero((one != other) & (one > 0) & (other > 0))
        ends = np.stack([one[row, col], other[row, col]]) - 1
        found.append(np.stack([*ends, row, col, np.full(row.size, below)]).astype(np.int32))
    table = np.concatenate(found, axis=1)
    return table[:2].min(axis=0), table[:2].max(axis=0), np.ascontiguousarray(table[2:].T)


def _positions(
    index: NDArray[np.floating] | NDArray[np.integer], scale: float, size: int
) -> NDArray[np.float64]:
    """Where pixel centres ``index`` lie in a map that is ``scale`` times as large."""
    positions: NDArray[np.float64] = np.clip((index + 0.5) * scale - 0.5, 0.0, size - 1.0)
    return positions


def _bilinear(
    values: NDArray[np.floating], row: NDArray[np.float64], col: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read a map (h, w) at positions between its pixels."""
    top, left = row.astype(np.int64), col.astype(np.int64)
    bottom = np.minimum(top + 1, values.shape[0] - 1)
    right = np.minimum(left + 1, values.shape[1] - 1)
    down, across = row - top, col - left
    upper = values[top, left] * (1 - across) + values[top, right] * across
    lower = values[bottom, left] * (1 - across) + values[bottom, right] * across
    sampled: NDArray[np.float64] = upper * (1 - down) + lower * down
    return sampled


@compiled
def region_sums(
    base: LabelMap,
    n_regions: int,
    values: NDArray[np.floating],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the interpolated map over each region, pixel by pixel, without blowing it up.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Region ids 1..n; 0 = no data.
    n_regions : int
    values : ndarray of shape (h, w, channels)
    rows, cols : ndarray of float64, shape (height,) and (width,)
        Where the pixels lie in the map, in [0, h - 1] and [0, w - 1].

    Returns
    -------
    ndarray of float64, shape (n_regions, channels)
    """
    h, w, n_channels = values.shape
    sums = np.zeros((n_regions, n_channels))
    for r in range(base.shape[0]):
        top = int(rows[r])
        bottom, down = min(top + 1, h - 1), rows[r] - top
        for c in range(base.shape[1]):
            region = base[r, c] - 1
            if region < 0:
                continue
            left = int(cols[c])
            right, across = min(left + 1, w - 1), cols[c] - left
            for k in range(n_channels):
                upper = values[top, left, k] * (1 - across) + values[top, right, k] * across
                lower = values[bottom, left, k] * (1 - across) + values[bottom, right, k] * across
                sums[region, k] += upper * (1 - down) + lower * down
    return sums
