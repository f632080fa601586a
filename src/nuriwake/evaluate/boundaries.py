"""Contours of label maps, matched one to one within the BSDS tolerance.

References
----------
.. [1] D. Martin, C. Fowlkes, J. Malik, "Learning to Detect Natural Image Boundaries Using Local
   Brightness, Color, and Texture Cues", IEEE TPAMI 26(5), 2004, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuriwake.errors import UsageError, out_of_range

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BoolMap = NDArray[np.bool_]

#: The radius of a match, as a share of the image diagonal, in the BSDS benchmark.
BSDS_TOLERANCE = 0.0075


@dataclass(frozen=True)
class BoundaryCounts:
    """Boundary pixels, and how many of them found a partner; adds up over images.

    Parameters
    ----------
    matched_predicted, predicted : int
        Predicted boundary pixels that match any annotator, and all of them.
    matched_true, true : int
        The annotators' boundary pixels that are matched, and all of them.

    Examples
    --------
    >>> counts = BoundaryCounts(3, 4, 3, 6) + BoundaryCounts(1, 4, 1, 2)
    >>> counts.precision, counts.recall, counts.f
    (0.5, 0.5, 0.5)
    """

    matched_predicted: int
    predicted: int
    matched_true: int
    true: int

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.matched_predicted + other.matched_predicted,
            self.predicted + other.predicted,
            self.matched_true + other.matched_true,
            self.true + other.true,
        )

    @property
    def precision(self) -> float:
        """Matched share of the predicted boundary; 0 where nothing is predicted, as in BSDS."""
        return self.matched_predicted / max(self.predicted, 1)

    @property
    def recall(self) -> float:
        """Matched share of the annotators' boundaries; 0 where they drew none, as in BSDS."""
        return self.matched_true / max(self.true, 1)

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def region_boundaries(labels: ArrayLike) -> BoolMap:
    """Return the boundary between regions, one pixel thin.

    A pixel lies on the boundary if its right, lower or lower right neighbour has another label; the
    result is thinned. Of the drawings in BSDS500 this gives the ``Boundaries`` published with them,
    pixel by pixel. Label 0 (no data) bounds nothing.

    Parameters
    ----------
    labels : (H, W) integer array
        Label map; 0 = no data.

    Returns
    -------
    (H, W) bool array
        True on the boundary.

    Examples
    --------
    >>> region_boundaries([[1, 1, 2, 2], [1, 1, 2, 2]]).astype(int).tolist()
    [[0, 1, 0, 0], [0, 1, 0, 0]]
    """
    from skimage.morphology import thin

    thinned: BoolMap = thin(border_pixels(labels))
    return thinned


def border_pixels(labels: ArrayLike) -> BoolMap:
    """Return the boundary between regions before it is thinned.

    Merging regions takes pixels away and never adds any.

    Parameters
    ----------
    labels : (H, W) integer array
        Label map; 0 = no data.

    Returns
    -------
    (H, W) bool array
        True where the right, lower or lower right neighbour has another label.
    """
    label = np.asarray(labels)
    edge = np.zeros(label.shape, bool)
    here, right, below, across = np.s_[:, :-1], np.s_[:, 1:], np.s_[1:], np.s_[1:, 1:]
    edge[here] |= _differ(label[here], label[right])
    edge[:-1] |= _differ(label[:-1], label[below])
    edge[:-1, :-1] |= _differ(label[:-1, :-1], label[across])
    return edge


def _differ(one: NDArray[np.integer], other: NDArray[np.integer]) -> BoolMap:
    different: BoolMap = (one != other) & (one != 0) & (other != 0)
    return different


def match_boundaries(
    predicted: BoolMap, true: BoolMap, tolerance: float = BSDS_TOLERANCE
) -> tuple[BoolMap, BoolMap]:
    """Pair as many boundary pixels of two maps as possible, each at most once.

    The BSDS code looks for the cheapest pairs among (nearly) the most; here the number of pairs is
    the largest possible, which is what precision and recall count.

    Parameters
    ----------
    predicted, true : (H, W) bool array
        Boundary maps.
    tolerance : float
        Largest distance of a pair, as a share of the image diagonal.

    Returns
    -------
    (H, W) bool array, (H, W) bool array
        The pixels of each map that found a partner.

    Examples
    --------
    >>> one, other = np.array([[True, True, False]]), np.array([[False, True, False]])
    >>> [int(matched.sum()) for matched in match_boundaries(one, other, tolerance=0.5)]
    [1, 1]
    """
    matched, hit = np.zeros_like(predicted), np.zeros_like(true)
    partner = _partners(_within_reach(predicted, true, tolerance))
    found = partner >= 0
    matched[tuple(np.argwhere(predicted)[found].T)] = True
    hit[tuple(np.argwhere(true)[partner[found]].T)] = True
    return matched, hit


def _within_reach(one: BoolMap, other: BoolMap, tolerance: float) -> csr_array:
    """Say which pixels of two maps may be paired: a sparse matrix, a row for each of the first."""
    from scipy.sparse import csr_array
    from scipy.spatial import KDTree

    if not tolerance >= 0:
        raise UsageError(out_of_range("tolerance", "a number of at least 0", tolerance))
    # Pixels lie on a grid: a distance that equals the radius must not be lost to rounding.
    radius = tolerance * float(np.hypot(*one.shape)) + 1e-9
    points, partners = np.argwhere(one), np.argwhere(other)
    near = KDTree(points).sparse_distance_matrix(KDTree(partners), radius, output_type="ndarray")
    shape = (len(points), len(partners))
    return csr_array((np.ones(len(near), np.int32), (near["i"], near["j"])), shape=shape)


def _partners(pairs: csr_array) -> NDArray[np.intp]:
    """Return the column that each row is paired with, -1 = none; as many pairs as can be had.

    A maximum flow from a source through rows and columns to a sink. SciPy's bipartite matching
    finds as many, but takes minutes on some pictures.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    n_rows, n_columns = pairs.shape
    source, sink = n_rows + n_columns, n_rows + n_columns + 1
    useful = np.flatnonzero(np.diff(pairs.indptr))
    heads = np.concatenate([n_rows + pairs.indices, np.full(n_columns, sink), useful])
    lengths = np.concatenate([np.diff(pairs.indptr), np.ones(n_columns, int), [useful.size, 0]])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    ones, shape = np.ones(heads.size, np.int32), (sink + 1, sink + 1)
    network = csr_array((ones, heads.astype(np.int32), starts.astype(np.int32)), shape=shape)
    flow = maximum_flow(network, source, sink, method="dinic").flow
    n_entries = flow.indptr[n_rows]
    row = np.repeat(np.arange(n_rows), np.diff(flow.indptr[: n_rows + 1]))
    is_pair = flow.data[:n_entries] > 0
    partner = np.full(n_rows, -1, np.intp)
    partner[row[is_pair]] = flow.indices[:n_entries][is_pair] - n_rows
    return partner


def count_boundaries(
    predicted: BoolMap, truths: Sequence[BoolMap], tolerance: float = BSDS_TOLERANCE
) -> BoundaryCounts:
    """Match one boundary map with every annotator's.

    Parameters
    ----------
    predicted : (H, W) bool array
        Boundary of the prediction, from :func:`region_boundaries`.
    truths : sequence of (H, W) bool arrays
        Boundary of each annotator's drawing.
    tolerance : float
        Largest distance of a pair, as a share of the image diagonal.

    Returns
    -------
    BoundaryCounts
        A predicted pixel counts as matched if it matches any annotator; the annotators' pixels are
        counted one annotator after the other [1]_.

    Examples
    --------
    >>> line = region_boundaries([[1, 2]])
    >>> count_boundaries(line, [line, line])
    BoundaryCounts(matched_predicted=1, predicted=1, matched_true=2, true=2)
    """
    return BoundaryMatcher(predicted, truths, tolerance).count(predicted)


class BoundaryMatcher:
    """Matches many boundary maps with the same annotators; distances are measured once.

    Parameters
    ----------
    candidates : (H, W) bool array
        Where the maps that will be matched may have boundary pixels.
    truths : sequence of (H, W) bool arrays
        Boundary of each annotator's drawing.
    tolerance : float
        Largest distance of a pair, as a share of the image diagonal.

    Examples
    --------
    >>> line = region_boundaries([[1, 2, 2]])
    >>> matcher = BoundaryMatcher(np.ones((1, 3), bool), [line])
    >>> matcher.count(line).f, matcher.count(~line).f
    (1.0, 0.0)
    """

    def __init__(
        self, candidates: BoolMap, truths: Sequence[BoolMap], tolerance: float = BSDS_TOLERANCE
    ) -> None:
        self._candidates = candidates
        self._reaches = [_within_reach(candidates, truth, tolerance) for truth in truths]

    def count(self, predicted: BoolMap) -> BoundaryCounts:
        """Match one boundary map, all of it candidates; see :func:`count_boundaries`."""
        rows = np.flatnonzero(predicted[self._candidates])
        partners = [_partners(reach[rows]) for reach in self._reaches]
        hits = [int((partner >= 0).sum()) for partner in partners]
        matched_any = np.zeros(rows.size, bool)
        for partner in partners:
            matched_any |= partner >= 0
        n_true = sum(reach.shape[1] for reach in self._reaches)
        return BoundaryCounts(int(matched_any.sum()), rows.size, sum(hits), n_true)
