"""A tree scored at a series of altitudes, and the choice of a scale: ODS, OIS, best per region.

The pixels are counted once, for the leaves of the tree; a coarser cut adds up rows of that table.

References
----------
.. [1] P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image
   Segmentation", IEEE TPAMI 33(5), 2011, section 3.2 (optimal data set scale, optimal image scale).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuriwake.errors import InputError
from nuriwake.evaluate.boundaries import (
    BoundaryCounts,
    BoundaryMatcher,
    border_pixels,
    region_boundaries,
)
from nuriwake.evaluate.contingency import Contingency
from nuriwake.evaluate.metrics import METRICS, best_ious
from nuriwake.evaluate.summaries import DatasetScores, ImageScores, pool, score_tables

ScaleMetric = Literal[
    "iou_all",
    "iou_fine",
    "iou_coarse",
    "covering",
    "probabilistic_rand_index",
    "variation_of_information",
    "adjusted_rand_error",
    "adapted_rand_error",
    "boundary_f",
    "boundary_precision",
    "boundary_recall",
]


class ScaledTree(Protocol):
    """What a tree must offer to be scored; :class:`nuriwake.regions.tree.RegionTree` does."""

    @property
    def base(self) -> NDArray[np.integer]:
        """Leaf of each pixel, (H, W), 1..n; 0 = no data."""

    @property
    def merges(self) -> NDArray[np.integer]:
        """Nodes joined by each merge, (n - 1, 2); leaves are 0..n-1, merge k makes node n + k."""

    @property
    def altitudes(self) -> NDArray[np.floating]:
        """Height of each merge, (n - 1,), never decreasing."""


@dataclass(frozen=True)
class ScaleScores:
    """One image's scores at a series of cuts of its tree.

    Parameters
    ----------
    altitudes : tuple of float
        Where the tree was cut, increasing; the same for every image of a data set.
    scores : tuple of ImageScores
        One for each altitude.
    best_covering : float
        Covering if every true segment may choose its scale on its own ("best per region").
    """

    altitudes: tuple[float, ...]
    scores: tuple[ImageScores, ...]
    best_covering: float


@dataclass(frozen=True)
class ScaleChoice:
    """A metric at the scale that suits it best.

    Parameters
    ----------
    metric : str
        Field of :class:`~nuriwake.evaluate.summaries.DatasetScores`.
    ods : float
        Its value at the one altitude that is best for the whole data set.
    ods_altitude : float
        That altitude.
    ois : float
        Its value if each image is cut at the altitude that is best for this image.
    """

    metric: ScaleMetric
    ods: float
    ods_altitude: float
    ois: float


def leaf_groups(merges: NDArray[np.integer], n_merges: int) -> NDArray[np.int64]:
    """Return the node that each leaf belongs to after the first merges.

    Parameters
    ----------
    merges : (n - 1, 2) integer array
        The merges of the tree, in order.
    n_merges : int
        How many of them are done.

    Returns
    -------
    (n,) int64 array
        Node of each leaf; equal where leaves have become one region.

    Examples
    --------
    >>> leaf_groups(np.array([[0, 2], [3, 1]]), n_merges=1).tolist()
    [3, 1, 3]
    """
    n_leaves = len(merges) + 1
    node = np.arange(n_leaves + n_merges)
    node[merges[:n_merges].astype(np.int64)] = n_leaves + np.arange(n_merges)[:, None]
    while not np.array_equal(above := node[node], node):  # each round doubles the steps climbed
        node = above
    return node[:n_leaves]


def score_scales(
    tree: ScaledTree,
    truths: Sequence[ArrayLike],
    altitudes: Sequence[float],
    *,
    boundaries: bool = False,
) -> ScaleScores:
    """Score the cuts of a tree: all merges of height up to the altitude are done.

    Parameters
    ----------
    tree : ScaledTree
        Its leaves must be connected (4 neighbours), and so its cuts are.
    truths : sequence of (H, W) integer arrays
        One for each annotator; 0 = not annotated.
    altitudes : sequence of float
        Increasing.
    boundaries : bool
        Match the boundaries of every cut too: those of the contour map above each altitude.

    Returns
    -------
    ScaleScores

    Raises
    ------
    InputError
        If `altitudes` is empty, or the maps differ in shape.
    """
    if not len(altitudes):
        raise InputError("`altitudes` must hold at least one altitude; got none.")
    tables = [Contingency.of(tree.base, truth) for truth in truths]
    matcher = None
    if boundaries:
        outlines = [region_boundaries(truth) for truth in truths]
        matcher = BoundaryMatcher(border_pixels(tree.base), outlines)
    scores: dict[int, ImageScores] = {}  # by number of merges: neighbouring altitudes share a cut
    best = [np.zeros(table.n_segments) for table in tables]
    counts = np.searchsorted(tree.altitudes, altitudes, side="right").tolist()
    for n_merges in counts:
        if n_merges in scores:
            continue
        region = np.append(0, leaf_groups(tree.merges, n_merges) + 1)  # of each label of the base
        merged = [table.merged(region[table.region_labels]) for table in tables]
        best = [np.maximum(*pair) for pair in zip(best, map(best_ious, merged), strict=True)]
        scores[n_merges] = score_tables(merged, _boundary(region[tree.base], matcher))
    covering = [
        iou @ table.segment_sizes / table.n_pixels for iou, table in zip(best, tables, strict=True)
    ]
    return ScaleScores(
        tuple(map(float, altitudes)),
        tuple(scores[n_merges] for n_merges in counts),
        float(np.mean(covering)),
    )


def _boundary(regions: NDArray[np.int64], matcher: BoundaryMatcher | None) -> BoundaryCounts | None:
    return None if matcher is None else matcher.count(region_boundaries(regions))


def choose_scale(images: Sequence[ScaleScores], metric: ScaleMetric) -> ScaleChoice:
    """Find the best scale for a data set (ODS) and for each of its images (OIS) [1]_.

    Parameters
    ----------
    images : sequence of ScaleScores
        All cut at the same altitudes.
    metric : str
        What is to be best; variation of information and the Rand errors are best when lowest.

    Returns
    -------
    ScaleChoice

    Raises
    ------
    InputError
        If there is no image, or the images were cut at different altitudes.
    """
    cuts = _by_altitude(images)
    best = min if metric in METRICS and METRICS[metric].lower_is_better else max

    def value(scores: Sequence[ImageScores]) -> float:
        return _value(pool(scores), metric)

    by_altitude = [
        (value(cut), altitude) for cut, altitude in zip(cuts, images[0].altitudes, strict=True)
    ]
    ods, ods_altitude = best(by_altitude, key=lambda pair: pair[0])
    own = [best(image.scores, key=lambda scores: value([scores])) for image in images]
    return ScaleChoice(metric, ods, ods_altitude, value(own))


def average_precision(images: Sequence[ScaleScores]) -> float:
    """Area below precision over recall of the contour maps of a data set.

    Precision is read at recalls of 0, 0.01, ..., 1, interpolated between the altitudes; beyond the
    smallest and the largest recall it is 0, as in the published benchmark. Of two altitudes of
    equal recall the more precise one counts.

    Parameters
    ----------
    images : sequence of ScaleScores
        All cut at the same altitudes, with boundaries.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    InputError
        If there is no image, boundaries were not scored or the altitudes differ.
    """
    pooled = [pool(cut) for cut in _by_altitude(images)]
    recall = np.array([_value(scores, "boundary_recall") for scores in pooled])
    precision = np.array([_value(scores, "boundary_precision") for scores in pooled])
    recalls, place = np.unique(recall, return_inverse=True)
    best = np.zeros(recalls.size)
    np.maximum.at(best, place, precision)
    found = np.interp(np.linspace(0, 1, 101), recalls, best, left=0.0, right=0.0)
    return float(found.sum() * 0.01)


def _by_altitude(images: Sequence[ScaleScores]) -> list[tuple[ImageScores, ...]]:
    """Return the scores of all images at the first altitude, at the second, ..."""
    if not images or any(image.altitudes != images[0].altitudes for image in images):
        raise InputError("scales can be chosen over one or more images cut at the same altitudes.")
    return list(zip(*(image.scores for image in images), strict=True))


def _value(scores: DatasetScores, metric: ScaleMetric) -> float:
    value = getattr(scores, metric)
    if value is None:
        raise InputError(f"`{metric}` was not scored; ask for boundaries.")
    return float(value)
