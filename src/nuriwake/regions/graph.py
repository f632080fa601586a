"""The region adjacency graph: which regions touch, along how many pixels, and what lies there.

Maps are read at any resolution: a map of half the size is interpolated where it is read, and never
blown up. So the pixels' colours and the responses of a coarse grid are read by the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.raster import LabelMap

#: Pixels, or places between them.
Positions = NDArray[np.floating] | NDArray[np.integer]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Frame:
    """Where a map of regions lies in an image, or a volume, all of which the coarse maps show.

    Parameters
    ----------
    start : tuple of int
        Its first pixel.
    shape : tuple of int
        Of the whole image: height and width; depth before them in a volume.
    steps : tuple of float
        How far neighbours along each axis are apart, in units of the finest axis. Default: 1.
    """

    start: tuple[int, ...]
    shape: tuple[int, ...]
    steps: tuple[float, ...] = ()

    def places(self, axis: int, index: Positions, cells: int) -> NDArray[np.float64]:
        """Where pixels of the map of regions lie along an axis of a map of so many cells.

        Examples
        --------
        >>> Frame((0, 0), (8, 8)).places(0, np.arange(4), cells=4)
        array([0.  , 0.25, 0.75, 1.25])
        """
        return _positions(self.start[axis] + index, cells / self.shape[axis], cells)

    def step(self, axis: int) -> float:
        """How far neighbours along an axis are apart."""
        return self.steps[axis] if self.steps else 1.0


@dataclass(frozen=True, eq=False)
class RegionGraph:
    """Regions as nodes 0..n-1 (region id - 1), touching pairs of regions as edges.

    In a volume, depth comes before height everywhere, and voxels touch in six directions.

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
        Every pixel side between two regions: the pixel before it, row and column, and the axis
        along which the next pixel lies. In the order of ``edge_of_side``.
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
    core: tuple[int, ...]

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
        return Frame((0,) * self.base.ndim, self.base.shape)

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
        depths, rows, cols = (
            frame.places(axis, np.arange(self.core[axis]), values.shape[axis])
            if axis >= 0
            else np.zeros(1)
            for axis in range(self.base.ndim - 3, self.base.ndim)
        )
        base, values = _as_volume(self.base), _as_volume(values, channels=1)
        sums = np.zeros((self.n_regions, values.shape[-1]))
        for z, depth in enumerate(depths):
            add_to_regions(sums, base[z], _slice_at(values, depth), rows, cols)
        return sums

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
        sampled = _interpolated(values, self._beside(0.0, values.shape, frame or self.frame))
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
        first = self.pairs[self.edge_of_side, 0] + 1
        sign = np.where(self.base[tuple(self.sides[:, :-1].T)] == first, 1.0, -1.0)
        sums = np.zeros((self.n_edges, values.shape[-1]))
        hands = np.zeros((2, 3, sign.size))
        for hand, distance in zip(hands, (reach, -reach), strict=True):
            hand[3 - self.base.ndim :] = self._beside(distance, values.shape, frame)
        add_jumps(sums, self.edge_of_side, _as_volume(values, channels=1), sign, hands)
        return sums

    def _beside(
        self, distance: float, cells: tuple[int, ...], frame: Frame
    ) -> list[NDArray[np.float64]]:
        """Where the points lie, in a map of so many cells, that are so far beyond each side."""
        *position, along = self.sides.T
        return [
            frame.places(
                axis, index + (0.5 + distance / frame.step(axis)) * (along == axis), cells[axis]
            )
            for axis, index in enumerate(position)
        ]


def region_graph(
    base: LabelMap, core: tuple[int, ...] | None = None, axes: Sequence[int] = ()
) -> RegionGraph:
    """Build the adjacency graph of a map of regions.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width) or (depth, height, width)
        Region ids 1..n without a gap; 0 = no data, which touches nothing.
    core : tuple of int, optional
        Shape of the part that counts, from the upper left; at most one line less than
        the map's. Areas are of its pixels, borders those of its pixels' right and lower sides.
        Graphs of the parts of an image then add up to that of the whole. Default: all.
    axes : sequence of int, optional
        Borders are of sides between neighbours along these axes alone. Default: all.

    Returns
    -------
    RegionGraph

    Examples
    --------
    >>> graph = region_graph(np.array([[1, 1, 2], [3, 3, 2]], np.int32))
    >>> graph.pairs.tolist(), graph.lengths.tolist(), graph.areas.tolist()
    ([[0, 1], [0, 2], [1, 2]], [1.0, 2.0, 1.0], [2.0, 2.0, 2.0])
    """
    core = core or base.shape
    n = int(base.max(initial=0))
    first, second, sides = _find_sides(base, core, axes or range(base.ndim))
    order = np.lexsort((second, first))
    pairs = np.stack([first[order], second[order]], axis=1)
    is_new = np.ones(order.size, bool)
    is_new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    edge_of_side = np.cumsum(is_new, dtype=np.int32) - np.int32(1)
    own = base[tuple(map(slice, core))]
    areas = np.bincount(own.ravel(), minlength=n + 1)[1:].astype(np.float64)
    lengths = np.bincount(edge_of_side).astype(np.float64)
    return RegionGraph(base, areas, pairs[is_new], lengths, sides[order], edge_of_side, core)


def _find_sides(
    base: LabelMap, core: tuple[int, ...], axes: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return the two regions (from 0, the smaller first) and the place of every border side."""
    found = []
    for axis in sorted(axes, reverse=True):
        beyond = [slice(0, size) for size in core]
        beyond[axis] = slice(1, core[axis] + 1)
        other = base[tuple(beyond)]
        one = base[tuple(map(slice, other.shape))]
        place = np.nonzero((one != other) & (one > 0) & (other > 0))
        ends = np.stack([one[place], other[place]]) - 1
        along = np.full(place[0].size, axis)
        found.append(np.stack([*ends, *place, along]).astype(np.int32))
    table = np.concatenate(found, axis=1)
    return table[:2].min(axis=0), table[:2].max(axis=0), np.ascontiguousarray(table[2:].T)


def _positions(index: Positions, scale: float, size: int) -> NDArray[np.float64]:
    """Where pixel centres ``index`` lie in a map that is ``scale`` times as large."""
    positions: NDArray[np.float64] = np.clip((index + 0.5) * scale - 0.5, 0.0, size - 1.0)
    return positions


def _as_volume(values: NDArray[Number], channels: int = 0) -> NDArray[Number]:
    """Take a picture as a volume of one slice."""
    return np.ascontiguousarray(values if values.ndim == 3 + channels else values[np.newaxis])


def _slice_at(values: NDArray[np.floating], depth: float) -> NDArray[np.floating]:
    """Interpolate the slice of a volume (d, h, w, channels) that lies at this depth."""
    front = int(depth)
    ahead = depth - front
    near: NDArray[np.floating] = values[front]
    return near if ahead == 0 else near * (1 - ahead) + values[front + 1] * ahead


def _interpolated(
    values: NDArray[np.floating],
    places: Sequence[NDArray[np.float64]],
    index: tuple[NDArray[np.int64], ...] = (),
) -> NDArray[np.float64]:
    """Read a map of one channel at positions between its pixels, linearly along each axis."""
    axis = len(index)
    if axis == values.ndim:
        return values[index].astype(np.float64)
    low = places[axis].astype(np.int64)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    share = places[axis] - low
    near, far = (_interpolated(values, places, (*index, i)) for i in (low, high))
    return near * (1 - share) + far * share


@compiled
def add_to_regions(
    sums: NDArray[np.float64],
    base: LabelMap,
    values: NDArray[np.floating],
    rows: NDArray[np.float64],
    cols: NDArray[np.float64],
) -> None:
    """Add the interpolated map to each region's sum, pixel by pixel, without blowing it up.

    Parameters
    ----------
    sums : ndarray of float64, shape (n_regions, channels)
        Changed in place.
    base : ndarray of int32, shape (height, width)
        Region ids 1..n; 0 = no data.
    values : ndarray of shape (h, w, channels)
    rows, cols : ndarray of float64
        Where the pixels that are counted, from the upper left, lie in the map: in [0, h - 1] and
        [0, w - 1].
    """
    h, w, n_channels = values.shape
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


@compiled
def add_jumps(
    sums: NDArray[np.float64],
    edge_of_side: NDArray[np.int32],
    values: NDArray[np.floating],
    sign: NDArray[np.float64],
    hands: NDArray[np.float64],
) -> None:
    """Add the map (d, h, w, channels) on one hand of each side less that on the other.

    Hands, of shape (2, 3, P), are depths, rows and columns; sums are over the sides of each border.
    """
    for i in range(sign.size):
        own = sums[edge_of_side[i]]
        for hand in range(2):
            depth, row, col = hands[hand, 0, i], hands[hand, 1, i], hands[hand, 2, i]
            weight = sign[i] if hand == 0 else -sign[i]
            front = int(depth)
            ahead = depth - front
            _add_interpolated(own, values[front], row, col, weight * (1 - ahead))
            if ahead > 0:
                _add_interpolated(own, values[front + 1], row, col, weight * ahead)


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
