"""Averages over annotators and images: one image's scores, and a data set's.

References
----------
.. [1] W. Kim, A. Kanezaki, M. Tanaka, "Unsupervised Learning of Image Segmentation Based on
   Differentiable Feature Clustering", IEEE TIP 29, 2020, section IV (mIoU all, fine, coarse).
.. [2] P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image
   Segmentation", IEEE TPAMI 33(5), 2011, section 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuriwake.errors import InputError
from nuriwake.evaluate import metrics
from nuriwake.evaluate.boundaries import (
    BSDS_TOLERANCE,
    BoundaryCounts,
    count_boundaries,
    region_boundaries,
)
from nuriwake.evaluate.contingency import Contingency


@dataclass(frozen=True)
class ImageScores:
    """One prediction against all annotators of one image.

    Sums and counts are kept where a data set's score is not the mean of its images' scores.

    Parameters
    ----------
    n_regions : int
        Regions of the prediction.
    n_segments : tuple of int
        Ground-truth segments of each annotator.
    iou_sums : tuple of float
        Sum of the segments' best IoUs, for each annotator.
    covering, probabilistic_rand_index, variation_of_information, adjusted_rand_error, \
    adapted_rand_error, achievable_segmentation_accuracy, undersegmentation_error : float
        Mean over annotators of the metric in :mod:`nuriwake.evaluate.metrics`.
    boundary : BoundaryCounts or None
        None if boundaries were not asked for.
    """

    n_regions: int
    n_segments: tuple[int, ...]
    iou_sums: tuple[float, ...]
    covering: float
    probabilistic_rand_index: float
    variation_of_information: float
    adjusted_rand_error: float
    adapted_rand_error: float
    achievable_segmentation_accuracy: float
    undersegmentation_error: float
    boundary: BoundaryCounts | None = None


@dataclass(frozen=True)
class DatasetScores:
    """The scores of a method on a set of images (or on one: the set may have one image).

    Parameters
    ----------
    n_images : int
        Images averaged over.
    n_regions : float
        Mean number of predicted regions.
    iou_all, iou_fine, iou_coarse : float
        Best IoU averaged over every ground-truth segment of every image: of all annotators, and of
        the annotator with most and with fewest segments (the first, if there are several) [1]_.
    covering, probabilistic_rand_index, variation_of_information, adjusted_rand_error, \
    adapted_rand_error, achievable_segmentation_accuracy, undersegmentation_error : float
        Mean over images [2]_.
    boundary_precision, boundary_recall, boundary_f : float or None
        From the pixels of all images together; None if boundaries were not asked for.
    """

    n_images: int
    n_regions: float
    iou_all: float
    iou_fine: float
    iou_coarse: float
    covering: float
    probabilistic_rand_index: float
    variation_of_information: float
    adjusted_rand_error: float
    adapted_rand_error: float
    achievable_segmentation_accuracy: float
    undersegmentation_error: float
    boundary_precision: float | None = None
    boundary_recall: float | None = None
    boundary_f: float | None = None


def connected_regions(labels: ArrayLike) -> NDArray[np.int64]:
    """Split a label map into its connected regions, as the published protocol does.

    Neighbours are the pixels above, below, left and right. Label 0 is split like any other, so
    that pixels without a prediction gain nothing.

    Parameters
    ----------
    labels : (H, W) integer array
        Label map.

    Returns
    -------
    (H, W) int64 array
        Regions, from 1.

    Examples
    --------
    >>> connected_regions([[7, 7, 0, 7]]).tolist()
    [[1, 1, 2, 3]]
    """
    from skimage.measure import label

    found = np.asarray(labels).astype(np.int64)
    regions: NDArray[np.int64] = label(found, background=found.min() - 1, connectivity=1)
    return regions


def score_tables(
    tables: Sequence[Contingency], boundary: BoundaryCounts | None = None
) -> ImageScores:
    """Score one prediction from its tables.

    Parameters
    ----------
    tables : sequence of Contingency
        One for each annotator.
    boundary : BoundaryCounts, optional
        Its boundary against the annotators'.

    Returns
    -------
    ImageScores

    Raises
    ------
    InputError
        If there is no annotator.
    """
    if not tables:
        raise InputError("`truths` must hold at least one annotator's label map; got none.")
    ious = [metrics.best_ious(table) for table in tables]
    return ImageScores(
        n_regions=max(table.n_regions for table in tables),
        n_segments=tuple(len(each) for each in ious),
        iou_sums=tuple(float(each.sum()) for each in ious),
        boundary=boundary,
        **{
            name: sum(metric.of(table) for table in tables) / len(tables)
            for name, metric in metrics.METRICS.items()
        },
    )


def score_labels(
    prediction: ArrayLike,
    truths: Sequence[ArrayLike],
    *,
    connected: bool = True,
    boundaries: bool = False,
    tolerance: float = BSDS_TOLERANCE,
) -> ImageScores:
    """Score one label map against the annotators of its image.

    Parameters
    ----------
    prediction : (H, W) integer array
        Label map.
    truths : sequence of (H, W) integer arrays
        One for each annotator; 0 = not annotated.
    connected : bool
        Score the connected regions of the labels (the published protocol), or the labels as they
        are, wherever they lie.
    boundaries : bool
        Match boundaries too.
    tolerance : float
        Largest distance of matched boundary pixels, as a share of the image diagonal.

    Returns
    -------
    ImageScores

    Examples
    --------
    >>> scores = score_labels([[1, 1, 2, 1]], [[[1, 1, 1, 2]], [[1, 1, 2, 3]]])
    >>> scores.n_regions, scores.n_segments, [round(total, 3) for total in scores.iou_sums]
    (3, (2, 3), [1.667, 3.0])
    """
    regions = connected_regions(prediction) if connected else np.asarray(prediction)
    tables = [Contingency.of(regions, truth) for truth in truths]
    boundary = None
    if boundaries:
        outlines = [region_boundaries(truth) for truth in truths]
        boundary = count_boundaries(region_boundaries(regions), outlines, tolerance)
    return score_tables(tables, boundary)


def pool(images: Sequence[ImageScores]) -> DatasetScores:
    """Average the scores of images into those of the data set.

    Parameters
    ----------
    images : sequence of ImageScores
        At least one.

    Returns
    -------
    DatasetScores

    Raises
    ------
    InputError
        If there is no image.

    Examples
    --------
    >>> truths = [[[1, 1, 1, 2]], [[1, 1, 2, 3]]]
    >>> scores = pool([score_labels([[1, 1, 2, 2]], truths)])
    >>> round(scores.iou_fine, 3), round(scores.iou_coarse, 3)
    (0.667, 0.583)
    """
    if not images:
        raise InputError("there is no image to average over.")
    boundary = [image.boundary for image in images if image.boundary is not None]
    matched = reduce(add, boundary) if len(boundary) == len(images) else None
    everyone = [range(len(image.n_segments)) for image in images]
    fine = [[int(np.argmax(image.n_segments))] for image in images]
    coarse = [[int(np.argmin(image.n_segments))] for image in images]

    def mean(name: str) -> float:
        return float(np.mean([getattr(image, name) for image in images]))

    return DatasetScores(
        n_images=len(images),
        n_regions=mean("n_regions"),
        iou_all=_mean_iou(images, everyone),
        iou_fine=_mean_iou(images, fine),
        iou_coarse=_mean_iou(images, coarse),
        boundary_precision=matched.precision if matched else None,
        boundary_recall=matched.recall if matched else None,
        boundary_f=matched.f if matched else None,
        **{name: mean(name) for name in metrics.METRICS},
    )


def _mean_iou(images: Sequence[ImageScores], annotators: Sequence[Sequence[int]]) -> float:
    """Average the best IoUs over every segment that the chosen annotators drew."""
    chosen = [
        (image.iou_sums[i], image.n_segments[i])
        for image, indices in zip(images, annotators, strict=True)
        for i in indices
    ]
    return sum(total for total, _ in chosen) / sum(n for _, n in chosen)
