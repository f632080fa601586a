"""Merge trees: any number of regions, or of labels, read in milliseconds.

This module needs neither torch nor numba, so that a saved tree is cut at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap
from nuriwake.regions.saddles import Saddles

Detail = Literal["fine", "medium", "coarse"]
#: Where each detail is cut, as a multiple of the automatic altitude of photographs.
DETAILS: Mapping[Detail, float] = MappingProxyType({"fine": 0.65, "medium": 2.5, "coarse": 6.0})
#: How many times as high as the cut a speck may stand and still join a neighbour.
_SPECK_CONTRAST = 4.0


@dataclass(frozen=True, eq=False)
class MergeTree:
    """A map of parts, and the order in which they merge into one.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        The leaves, 1..n; 0 = no data.
    merges : ndarray of int32, shape (n - 1, 2)
        Merge k joins two nodes to node n + k; leaf ids minus 1 are the nodes 0..n-1.
    altitudes : ndarray of float64, shape (n - 1,)
        Cost of each merge, never decreasing; infinite where parts do not belong together.
    automatic_altitude : float
        Where the automatic cut is made.
    min_regions : int
        Fewer parts than this are refused: scribbles of so many labels keep them apart.
    """

    #: What messages call the number of parts.
    counted: ClassVar[str] = "n_regions"

    base: LabelMap
    merges: NDArray[np.int32]
    altitudes: NDArray[np.float64]
    automatic_altitude: float = 0.0
    min_regions: int = 1

    @property
    def n_leaves(self) -> int:
        """The largest number of parts that a cut can give."""
        return len(self.merges) + 1

    @property
    def automatic_n_regions(self) -> int:
        """How many parts the automatic cut gives."""
        return self.count_at(self.automatic_altitude)

    def count_at(self, altitude: float) -> int:
        """Count the parts that are left when every merge up to an altitude is done.

        Examples
        --------
        >>> tree = MergeTree(np.array([[1, 2, 3]]), np.array([[0, 1], [2, 3]]), np.array([1., 5.]))
        >>> tree.count_at(0.5), tree.count_at(1.0), tree.count_at(7.0)
        (3, 2, 1)
        """
        below = int(np.searchsorted(self.altitudes, altitude, side="right"))
        return max(self.n_leaves - below, self.min_regions)

    def cut(self, n_regions: int | None = None, *, altitude: float | None = None) -> LabelMap:
        """Read a partition from the tree.

        Parameters
        ----------
        n_regions : int, optional
            Exactly so many parts.
        altitude : float, optional
            Do every merge that costs at most this much. Without both: the automatic cut.

        Returns
        -------
        ndarray of int32, shape (height, width)
            Parts 1, 2, ... in the order of their first leaf; 0 = no data. Cuts are nested: a part
            of a finer cut lies inside one part of a coarser one.

        Raises
        ------
        UsageError
            If ``n_regions`` is not in [min_regions, n_leaves], or both are given.

        Examples
        --------
        >>> tree = MergeTree(np.array([[1, 2, 3]]), np.array([[0, 1], [2, 3]]), np.array([1., 5.]))
        >>> tree.cut(2), tree.cut(altitude=0.5)
        (array([[1, 1, 2]], dtype=int32), array([[1, 2, 3]], dtype=int32))
        """
        return self.paint(self.nodes(n_regions, altitude=altitude))

    def nodes(
        self, n_regions: int | None = None, *, altitude: float | None = None
    ) -> NDArray[np.int32]:
        """Say which node of the tree each leaf belongs to in a cut; see :meth:`cut`.

        Returns
        -------
        ndarray of int32, shape (n_leaves,)

        Examples
        --------
        >>> tree = MergeTree(np.array([[1, 2, 3]]), np.array([[0, 1], [2, 3]]), np.array([1., 5.]))
        >>> tree.nodes(2)
        array([3, 3, 2], dtype=int32)
        """
        if n_regions is not None and altitude is not None:
            raise UsageError("give `n_regions` or `altitude`, not both.")
        if altitude is not None and not _is_real(altitude):
            raise UsageError(out_of_range("altitude", "a number", altitude))
        if n_regions is None:
            n_regions = self.count_at(self.automatic_altitude if altitude is None else altitude)
        self.check_number(n_regions, self.counted)
        return self.tops(2 * self.n_leaves - n_regions)[: self.n_leaves]

    def tops(self, limit: int) -> NDArray[np.int32]:
        """Find the highest ancestor among the nodes below ``limit`` of each of these nodes."""
        n = self.n_leaves
        top = np.arange(limit, dtype=np.int32)
        top[self.merges[: limit - n]] = np.arange(n, limit, dtype=np.int32)[:, np.newaxis]
        # Each round doubles how far a node looks up.
        while (top[top] != top).any():
            top = top[top]
        return top

    def paint(self, nodes: NDArray[np.int32]) -> LabelMap:
        """Give every pixel the number of its leaf's node: 1, 2, ... by first leaf; 0 = no data."""
        return np.append(np.int32(0), number_nodes(nodes))[self.base]

    def check_number(self, number: int, name: str) -> None:
        """Refuse a number of parts that no cut has; ``name`` is what its parameter is called."""
        is_number = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not is_number or not self.min_regions <= number <= self.n_leaves:
            apart = f", and scribbles keep {self.min_regions} apart" if self.min_regions > 1 else ""
            hint = f"This image was divided into {self.n_leaves} at the finest{apart}."
            expected = f"an int in [{self.min_regions}, {self.n_leaves}]"
            raise UsageError(out_of_range(name, expected, number, hint))

    def with_automatic_altitude(self, altitude: float) -> Self:
        """Return the same tree with another automatic cut."""
        return replace(self, automatic_altitude=altitude)


@dataclass(frozen=True, eq=False)
class RegionTree(MergeTree):
    """The tree of connected regions of an image.

    Every part of every cut is connected, but for two cases, whose merges have infinite altitude and
    are done only when a number of regions asks for it: islands that no-data pixels keep apart, and
    regions of different scribbles.

    Parameters
    ----------
    speck_pixels : float
        A region of fewer pixels joins what the tree merges it with, where its altitude is less
        than four times that of the cut: in the automatic cut and in those by detail, never where a
        number of regions or an altitude is asked for. 0 keeps all.
    detail_unit : float
        The altitude that the three details are multiples of.
    leaf_pixels : ndarray of float64, shape (n,), optional
        Pixels of each leaf, where the base is not a map of pixels. Default: counted.

    Examples
    --------
    >>> base = np.array([[1, 1, 2], [3, 3, 2]], np.int32)
    >>> tree = RegionTree(base, np.array([[0, 2], [1, 3]]), np.array([1.0, 4.0]), 2.0)
    >>> tree.n_leaves, tree.cut()
    (3, array([[1, 1, 2],
       [1, 1, 2]], dtype=int32))
    """

    speck_pixels: float = 0.0
    detail_unit: float = 0.0
    leaf_pixels: NDArray[np.float64] | None = None

    @property
    def automatic_n_regions(self) -> int:
        """How many parts the automatic cut gives."""
        return self.count(None)

    def count(self, detail: Detail | None) -> int:
        """How many parts the automatic cut gives, or the cut of a detail."""
        return self.without_specks.count_at(self._altitude(detail))

    def cut(
        self,
        n_regions: int | None = None,
        *,
        altitude: float | None = None,
        detail: Detail | None = None,
    ) -> LabelMap:
        """Read a partition from the tree; see :meth:`MergeTree.cut`.

        Parameters
        ----------
        n_regions : int, optional
            Exactly so many parts.
        altitude : float, optional
            Do every merge that costs at most this much.
        detail : {"fine", "medium", "coarse"}, optional
            Cut at one of three altitudes that suit photographs: medium is about what a person
            would outline. Without all three: the automatic cut.

        Returns
        -------
        ndarray of int32, shape (height, width)
            Parts 1, 2, ... in the order of their first leaf; 0 = no data.

        Raises
        ------
        UsageError
            If the number cannot be had, there is no such detail, or two of the three are given.
        """
        return self.paint(self.nodes(n_regions, altitude=altitude, detail=detail))

    def nodes(
        self,
        n_regions: int | None = None,
        *,
        altitude: float | None = None,
        detail: Detail | None = None,
    ) -> NDArray[np.int32]:
        """Say which node of the tree each leaf belongs to in a cut; see :meth:`cut`."""
        if n_regions is None and altitude is None:
            joined = self.without_specks
            nodes = MergeTree.nodes(joined, altitude=self._altitude(detail))
            return nodes if joined is self else self._own_nodes(nodes)
        if detail is not None:
            raise UsageError("give a number of regions, an altitude or `detail`, not two of them.")
        return super().nodes(n_regions, altitude=altitude)

    def _own_nodes(self, nodes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Translate nodes of the tree without specks: the same parts, merged in another order."""
        n = self.n_leaves
        own = np.concatenate([np.arange(n), n + self._order_without_specks]).astype(np.int32)
        return own[nodes]

    def _altitude(self, detail: Detail | None) -> float:
        if detail is None:
            return self.automatic_altitude
        check_detail(detail)
        return DETAILS[detail] * self.detail_unit

    @cached_property
    def without_specks(self) -> RegionTree:
        """The same tree with the merges that take in specks done earlier.

        Its cuts are nested as those of any tree.
        """
        if self.speck_pixels <= 0:
            return self
        heights, order = self._heights_without_specks, self._order_without_specks
        n = self.n_leaves
        rank = np.concatenate([np.arange(n), n + np.argsort(order)])
        merges = rank[self.merges[order]].astype(np.int32)
        return replace(self, merges=merges, altitudes=heights[order], speck_pixels=0.0)

    @cached_property
    def _order_without_specks(self) -> NDArray[np.int64]:
        return np.argsort(self._heights_without_specks, kind="stable")

    @cached_property
    def _heights_without_specks(self) -> NDArray[np.float64]:
        """Altitude of each merge, lowered where a speck is taken in, never below its parts'."""
        pixels = self.leaf_pixels
        if pixels is None:
            counted = np.bincount(self.base.ravel(), minlength=self.n_leaves + 1)[1:]
            pixels = counted.astype(np.float64)
        size, height = pixels.tolist(), [0.0] * self.n_leaves
        for (left, right), altitude in zip(
            self.merges.tolist(), self.altitudes.tolist(), strict=True
        ):
            is_speck = min(size[left], size[right]) < self.speck_pixels
            own = altitude / _SPECK_CONTRAST if is_speck else altitude
            height.append(max(own, height[left], height[right]))
            size.append(size[left] + size[right])
        return np.array(height[self.n_leaves :])

    def contours(self) -> NDArray[np.float64]:
        """Draw the ultrametric contour map: how high one must cut for a border to vanish.

        Returns
        -------
        ndarray of float64, shape (height, width)
            Of each pixel, the altitude at which it joins its right or its lower neighbour,
            whichever is higher; 0 inside the leaves and where the neighbour has no data. For any
            t >= 0, ``contours() > t`` are the borders of ``cut(altitude=t)``.

        References
        ----------
        Arbeláez et al., "Contour detection and hierarchical image segmentation", TPAMI 2011,
        section 4.2.

        Examples
        --------
        >>> base = np.array([[1, 1, 2], [3, 3, 2]], np.int32)
        >>> tree = RegionTree(base, np.array([[0, 2], [1, 3]]), np.array([1.0, 4.0]))
        >>> tree.contours()
        array([[1., 4., 0.],
               [0., 4., 0.]])
        """
        saddles = Saddles(self)
        contours = np.zeros(self.base.shape)
        for inner, one, other in (
            (contours[:, :-1], self.base[:, :-1], self.base[:, 1:]),
            (contours[:-1], self.base[:-1], self.base[1:]),
        ):
            row, col = np.nonzero((one != other) & (one > 0) & (other > 0))
            height = saddles.between(one[row, col] - 1, other[row, col] - 1)
            inner[row, col] = np.maximum(inner[row, col], height)
        return contours


@dataclass(frozen=True, eq=False)
class LabelTree(MergeTree):
    """The tree of the network's labels: so many materials, each of which may lie in many places.

    Examples
    --------
    >>> tree = LabelTree(np.array([[1, 2, 1, 3]]), np.array([[0, 2], [1, 3]]), np.array([1.0, 4.0]))
    >>> tree.cut(2)
    array([[1, 2, 1, 1]], dtype=int32)
    """

    counted: ClassVar[str] = "n_labels"


def _is_real(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return not np.isnan(value)


def check_detail(detail: Detail) -> None:
    """Refuse a detail that there is not."""
    if not isinstance(detail, str) or detail not in DETAILS:
        raise UsageError(out_of_range("detail", f"one of {', '.join(DETAILS)}", detail))


def number_nodes(nodes: NDArray[np.int32]) -> LabelMap:
    """Give nodes the numbers 1, 2, ... by the first leaf that has them.

    Examples
    --------
    >>> number_nodes(np.array([9, 4, 9], np.int32))
    array([1, 2, 1], dtype=int32)
    """
    _, first, inverse = np.unique(nodes, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(1, len(first) + 1)
    return number[inverse]
