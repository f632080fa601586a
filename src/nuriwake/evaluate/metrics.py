"""One contingency table, many thin region metrics.

Every metric reads the :class:`~nuriwake.evaluate.contingency.Contingency` of a prediction and one
annotator's drawing, and never the pixels again. Averages over annotators and images are in
:mod:`nuriwake.evaluate.summaries`.

References
----------
.. [1] P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image
   Segmentation", IEEE TPAMI 33(5), 2011, section 2.3 (covering, Rand index, variation of
   information).
.. [2] W. Kim, A. Kanezaki, M. Tanaka, "Unsupervised Learning of Image Segmentation Based on
   Differentiable Feature Clustering", IEEE TIP 29, 2020, section IV (mIoU of true segments).
.. [3] D. Stutz, A. Hermans, B. Leibe, "Superpixels: An Evaluation of the State-of-the-Art", CVIU
   166, 2018, section 5 (achievable segmentation accuracy, undersegmentation error).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.evaluate.contingency import Contingency


def best_ious(table: Contingency) -> NDArray[np.float64]:
    """Return the best intersection over union that each ground-truth segment finds.

    The published mean IoU averages these over the segments of all annotators and images [2]_; the
    predicted regions are then the connected ones, see
    :func:`nuriwake.evaluate.summaries.connected_regions`.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    (n_segments,) float64 array
        In (0, 1].

    Examples
    --------
    >>> best_ious(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]])).round(3).tolist()
    [0.667, 0.5]
    """
    union = table.region_sizes[table.region] + table.segment_sizes[table.segment] - table.shared
    best = np.zeros(table.n_segments)
    np.maximum.at(best, table.segment, table.shared / union)
    return best


def segmentation_covering(table: Contingency) -> float:
    """Return the covering of the truth by the prediction: best IoUs weighted by segment size [1]_.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In (0, 1]; 1 for equal partitions.

    Examples
    --------
    >>> segmentation_covering(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.625
    """
    return float(best_ious(table) @ table.segment_sizes / table.n_pixels)


def rand_index(table: Contingency) -> float:
    """Return the share of pixel pairs on which the two partitions agree (together or apart).

    Its mean over annotators is the probabilistic Rand index of BSDS500 [1]_.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In [0, 1]; 1 for equal partitions (and for a single pixel, which has no pair).

    Examples
    --------
    >>> rand_index(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.5
    """
    pairs = _pairs(table)
    disagreements = pairs.in_region + pairs.in_segment - 2 * pairs.in_both
    return 1.0 - disagreements / pairs.total if pairs.total else 1.0


def adjusted_rand_index(table: Contingency) -> float:
    """Return the Rand index corrected for chance (Hubert and Arabie, 1985).

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        1 for equal partitions, 0 on average for independent ones; can be negative.

    Examples
    --------
    >>> adjusted_rand_index(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.0
    """
    pairs = _pairs(table)
    if pairs.in_region == pairs.in_segment == pairs.in_both:
        return 1.0
    chance = pairs.in_region * pairs.in_segment / pairs.total
    return float((pairs.in_both - chance) / ((pairs.in_region + pairs.in_segment) / 2 - chance))


def adjusted_rand_error(table: Contingency) -> float:
    """Return 1 - adjusted Rand index.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        0 for equal partitions, 1 on average for independent ones.

    Examples
    --------
    >>> adjusted_rand_error(Contingency.of([[5, 5, 8]], [[1, 1, 2]]))
    0.0
    """
    return 1.0 - adjusted_rand_index(table)


def adapted_rand_error(table: Contingency) -> float:
    """Return 1 - F of the pixel pairs kept together, as in the SNEMI3D contest (and scikit-image).

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In [0, 1]; 0 for equal partitions.

    Examples
    --------
    >>> adapted_rand_error(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.6
    """
    pairs = _pairs(table)
    together = pairs.in_region + pairs.in_segment
    return 1.0 - 2 * pairs.in_both / together if together else 0.0


def conditional_entropies(table: Contingency) -> tuple[float, float]:
    """Return the two halves of the variation of information, in bits.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    (float, float)
        H(prediction | truth), high when segments are split, and H(truth | prediction), high when
        they are merged.

    Examples
    --------
    >>> conditional_entropies(Contingency.of([[1, 2, 3, 4]], [[1, 1, 2, 2]]))
    (1.0, 0.0)
    """
    share = table.shared / table.n_pixels
    split = np.log2(table.segment_sizes[table.segment] / table.shared)
    merge = np.log2(table.region_sizes[table.region] / table.shared)
    return float(share @ split), float(share @ merge)


def variation_of_information(table: Contingency) -> float:
    """Return the information that the two partitions do not share, in bits [1]_.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In [0, 2 log2 N] for N pixels; 0 for equal partitions.

    Examples
    --------
    >>> variation_of_information(Contingency.of([[1, 2, 3, 4]], [[1, 1, 2, 2]]))
    1.0
    """
    return sum(conditional_entropies(table))


def achievable_segmentation_accuracy(table: Contingency) -> float:
    """Return the accuracy reached if every region took its most frequent true segment [3]_.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In (0, 1]; 1 when no region crosses a true border.

    Examples
    --------
    >>> achievable_segmentation_accuracy(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.75
    """
    largest = np.zeros(table.n_regions, np.int64)
    np.maximum.at(largest, table.region, table.shared)
    return float(largest.sum() / table.n_pixels)


def undersegmentation_error(table: Contingency) -> float:
    """Return how far regions leak over true borders, as Neubert and Protzel (2012) count it [3]_.

    Each region that crosses a segment adds the smaller of its two parts, inside and outside.

    Parameters
    ----------
    table : Contingency
        Prediction against one annotator.

    Returns
    -------
    float
        In [0, 1]; 0 when no region crosses a true border.

    Examples
    --------
    >>> undersegmentation_error(Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]]))
    0.5
    """
    outside = table.region_sizes[table.region] - table.shared
    return float(np.minimum(table.shared, outside).sum() / table.n_pixels)


@dataclass(frozen=True)
class _Pairs:
    """Numbers of pixel pairs: together in both maps, in one of them, and all."""

    in_both: int
    in_region: int
    in_segment: int
    total: int


def _pairs(table: Contingency) -> _Pairs:
    # The squares of a large raster's sizes leave int64 behind; Python's own integers are exact.
    kind = np.int64 if table.n_pixels < 2**31 else object
    both, region, segment = (
        int(np.sum(sizes.astype(kind) * (sizes - 1) // 2))
        for sizes in (table.shared, table.region_sizes, table.segment_sizes)
    )
    return _Pairs(both, region, segment, table.n_pixels * (table.n_pixels - 1) // 2)


@dataclass(frozen=True)
class Metric:
    """One metric of a prediction against one annotator.

    Parameters
    ----------
    name : str
        The field of the scores that holds its mean.
    title : str
        The heading of its column.
    of : callable
    lower_is_better : bool
    is_share : bool
        Whether it is written as papers write shares: .3308.
    """

    name: str
    title: str
    of: Callable[[Contingency], float]
    lower_is_better: bool = False
    is_share: bool = True


#: Every metric that is averaged over annotators, then images; the order is that of the columns.
METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("covering", "covering", segmentation_covering),
            Metric("probabilistic_rand_index", "PRI", rand_index),
            Metric(
                "variation_of_information",
                "VI",
                variation_of_information,
                lower_is_better=True,
                is_share=False,
            ),
            Metric("adjusted_rand_error", "ARE", adjusted_rand_error, lower_is_better=True),
            Metric("adapted_rand_error", "adapted", adapted_rand_error, lower_is_better=True),
            Metric("achievable_segmentation_accuracy", "ASA", achievable_segmentation_accuracy),
            Metric("undersegmentation_error", "UE", undersegmentation_error, lower_is_better=True),
        )
    }
)
