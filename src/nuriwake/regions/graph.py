"""The region adjacency graph: which regions touch, along how many pixels, and what lies there.

Maps are read at any resolution: a map of half the size is interpolated where it is read, and never
blown up. So the pixels' colours and the responses of a coarse grid are read by the same call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.raster import LabelMap

#: Pixels, or places between them.
Positions = NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True)
class Frame:
    """Where a map of regions lies in an image, all of which the coarse maps show.

    Parameters
    ----------
    row, col : int
        Its upper left pixel.
    shape : tuple of int
        Height and width of the whole image.
    """

    row: int
    col: int
    shape: tuple[int, int]

    def rows(self, index: Positions, cells: int) -> NDArray[np.float64]:
        """Where pixel rows of the map of regions lie in a map of so many rows.

        Examples
        --------
        >>> Frame(0, 0, (8, 8)).rows(np.arange(4), cells=4)
        array([0.  , 0.25, 0.75, 1.25])
        """
        return _positions(self.row + index, cells / self.shape[0], cells)

    def cols(self, index: Positions, cells: int) -> NDArray[np.float64]:
        """Where its pixel columns lie in a map of so many columns."""
        return _positions(self.col + index, cells / self.shape[1], cells)


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
    core : tuple of int
        Height and width of the part whose pixels are counted; the line of pixels beyond it, below
        and to the right, is there as the far side of borders alone.
    """

    base: LabelMap
    areas: NDArray[np.float64]
    pairs: NDArray[np.int32]
    lengths: NDArray[np.float64]
    sides: NDArray[np.int32]
    edge_of_side: NDArray[np.int32]
    core: tuple[int, int]

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return self.areas.size

    @property
    def n_edges(self) -> int:
        """Number of pairs of regions that touch."""
        return self.lengths.size

    @property
    def frame(self) -> Frame:
        """The frame of a map of regions that is the whole image."""
        return Frame(0, 0, self.base.shape)

    def region_mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average a map over each region: :meth:`region_sums` by the areas.

        Examples
        --------
        >>> graph = region_graph(np.array([[1, 1, 2]], np.int32))
        >>> graph.region_mean(np.array([[[0.0], [1.0], [5.0]]])).ravel()
        array([0.5, 5. ])
        """
        return self.region_sums(values) / self.areas[:, np.newaxis]

    def region_sums(
        self, values: NDArray[np.floating], frame: Frame | None = None
    ) -> NDArray[np.float64]:
        """Sum a map over each region.

        Parameters
        ----------
        values : ndarray of shape (h, w, channels)
            Of the image's size or of any other, which is then interpolated bilinearly.
        frame : Frame, optional
            Which part of the image the regions are. Default: all.

        Returns
        -------
        ndarray of float64, shape (n_regions, channels)
        """
        frame = frame or self.frame
        rows = frame.rows(np.arange(self.core[0]), values.shape[0])
        cols = frame.cols(np.arange(self.core[1]), values.shape[1])
        return sum_regions(self.base, self.n_regions, np.ascontiguousarray(values), rows, cols)

    def border_mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Average a map along each border: :meth:`border_sums` by the lengths.

        Examples
        --------
        >>> graph = region_graph(np.array([[1, 1, 2]], np.int32))
        >>> graph.border_mean(np.array([[0.0, 2.0, 4.0]]))
        array([3.])
        """
        return self.border_sums(values) / self.lengths

    def border_sums(
        self, values: NDArray[np.floating], frame: Frame | None = None
    ) -> NDArray[np.float64]:
        """Sum a map along the border of each pair of touching regions.

        Parameters
        ----------
        values : ndarray of shape (h, w)
            Of the image's size or of any other; read between the two pixels of a side.
        frame : Frame, optional
            Which part of the image the regions are. Default: all.

        Returns
        -------
        ndarray of float64, shape (n_edges,)
        """
        frame = frame or self.frame
        below = self.sides[:, 2]
        row = frame.rows(self.sides[:, 0] + 0.5 * below, values.shape[0])
        col = frame.cols(self.sides[:, 1] + 0.5 * (1 - below), values.shape[1])
        sampled = _bilinear(values, row, col)
        return np.bincount(self.edge_of_side, sampled, minlength=self.n_edges).astype(np.float64)

    def border_jumps(
        self, values: NDArray[np.floating], reach: float, frame: Frame | None = None
    ) -> NDArray[np.float64]:
        """Sum how a map changes across the border of each pair of touching regions.

        Parameters
        ----------
        values : ndarray of shape (h, w, channels)
            Of the image's size or of any other, which is then interpolated bilinearly.
        reach : float
            How far from a side the map is read, in pixels, on either hand of it.
        frame : Frame, optional
            Which part of the image the regions are. Default: all.

        Returns
        -------
        ndarray of float64, shape (n_edges, channels)
            Value on the hand of the second region less that on the hand of the first, summed over
            the sides of the border.

        Examples
        --------
        >>> graph = region_graph(np.array([[2, 2, 1, 1]], np.int32))
        >>> graph.border_jumps(np.array([[[0.0], [1.0], [3.0], [7.0]]]), reach=1.5)
        array([[-7.]])
        """
        frame = frame or self.frame
        below = self.sides[:, 2]
        row, col = self.sides[:, 0], self.sides[:, 1]
        first = self.pairs[self.edge_of_side, 0] + 1
        sign = np.where(self.base[row, col] == first, 1.0, -1.0)
        hands = []
        for step in (reach, -reach):
            rows = frame.rows(row + (0.5 + step) * below, values.shape[0])
            cols = frame.cols(col + (0.5 + step) * (1 - below), values.shape[1])
            hands.append((rows, cols))
        (r, c), (rr, cc) = hands
        values = np.ascontiguousarray(values)
        return sum_jumps(self.edge_of_side, self.n_edges, values, sign, r, c, rr, cc)


def region_graph(base: LabelMap, core: tuple[int, int] | None = None) -> RegionGraph:
    """Build the adjacency graph of a map of regions.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Region ids 1..n without a gap; 0 = no data, which touches nothing.
    core : tuple of int, optional
        Height and width of the part that counts, from the upper left; at most one line less than
        the map's. Areas are of its pixels, borders those of its pixels' right and lower sides.
        Graphs of the parts of an image then add up to that of the whole. Default: all.

    Returns
    -------
    RegionGraph

    Examples
    --------
    >>> graph = region_graph(np.array([[1, 1, 2], [3, 3, 2]], np.int32))
    >>> graph.pairs.tolist(), graph.lengths.tolist(), graph.areas.tolist()
    ([[0, 1], [0, 2], [1, 2]], [1.0, 2.0, 1.0], [2.0, 2.0, 2.0])
    """
    core = core or (base.shape[0], base.shape[1])
    n = int(base.max(initial=0))
    first, second, sides = _find_sides(base, core)
    order = np.lexsort((second, first))
    pairs = np.stack([first[order], second[order]], axis=1)
    is_new = np.ones(order.size, bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    edge_of_side = np.cumsum(is_new, dtype=np.int32) - np.int32(1)
    own = base[: core[0], : core[1]]
    areas = np.bincount(own.ravel(), minlength=n + 1)[1:].astype(np.float64)
    lengths = np.bincount(edge_of_side).astype(np.float64)
    return RegionGraph(base, areas, pairs[is_new], lengths, sides[order], edge_of_side, core)


def _find_sides(
    base: LabelMap, core: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the two regions (from 0, the smaller first) and the place of every border side."""
    found = []
    for below in (0, 1):
        one = base[: core[0], : core[1]]
        other = base[1 : core[0] + 1, : core[1]] if below else base[: core[0], 1 : core[1] + 1]
        one = one[: other.shape[0], : other.shape[1]]
        row, col = np.nonzero((one != other) & (one > 0) & (other > 0))
        ends = np.stack([one[row, col], other[row, col]]) - 1
        found.append(np.stack([*ends, row, col, np.full(row.size, below)]).astype(np.int32))
    table = np.concatenate(found, axis=1)
    return table[:2].min(axis=0), table[:2].max(axis=0), np.ascontiguousarray(table[2:].T)


def _positions(index: Positions, scale: float, size: int) -> NDArray[np.float64]:
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
def sum_regions(
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
    rows, cols : ndarray of float64
        Where the pixels that are counted, from the upper left, lie in the map: in [0, h - 1] and
        [0, w - 1].

    Returns
    -------
    ndarray of float64, shape (n_regions, channels)
    """
    h, w, n_channels = values.shape
    sums = np.zeros((n_regions, n_channels))
    for r in range(rows.size):
        top = int(rows[r])
        bottom, down = min(top + 1, h - 1), rows[r] - top
        for c in range(cols.size):
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


@compiled
def sum_jumps(
    edge_of_side: NDArray[np.int32],
    n_edges: int,
    values: NDArray[np.floating],
    sign: NDArray[np.float64],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
    other_rows: NDArray[np.float64],
    other_cols: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the interpolated map at one place less that at another over the sides of each border."""
    sums = np.zeros((n_edges, values.shape[2]))
    for i in range(rows.size):
        _add_interpolated(sums[edge_of_side[i]], values, rows[i], cols[i], sign[i])
        _add_interpolated(sums[edge_of_side[i]], values, other_rows[i], other_cols[i], -sign[i])
    return sums


@compiled
def _add_interpolated(
    sums: NDArray[np.float64], values: NDArray[np.floating], row: float, col: float, weight: float
) -> None:
    top, left = int(row), int(col)
    bottom, right = min(top + 1, values.shape[0] - 1), min(left + 1, values.shape[1] - 1)
    down, across = row - top, col - left
    for k in range(values.shape[2]):
        upper = values[top, left, k] * (1 - across) + values[top, right, k] * across
        lower = values[bottom, left, k] * (1 - across) + values[bottom, right, k] * across
        sums[k] += weight * (upper * (1 - down) + lower * down)
