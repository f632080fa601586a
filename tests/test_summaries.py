"""Averages that can be checked by hand, and the published protocol on real drawings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nuriwake.errors import InputError
from nuriwake.evaluate.summaries import connected_regions, pool, score_labels

PREDICTION = [[1, 1, 2, 2]]
COARSE, FINE = [[1, 1, 1, 2]], [[1, 1, 2, 3]]


def test_all_fine_and_coarse_average_over_segments_not_over_annotators():
    scores = pool([score_labels(PREDICTION, [COARSE, FINE])])
    assert scores.iou_coarse == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert scores.iou_fine == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert scores.iou_all == pytest.approx((2 / 3 + 1 / 2 + 1 + 1 / 2 + 1 / 2) / 5)
    assert scores.covering == pytest.approx((5 / 8 + 3 / 4) / 2)


def test_an_image_with_more_segments_weighs_more_in_the_mean_iou():
    one = score_labels(PREDICTION, [PREDICTION])  # two segments, both found
    other = score_labels(PREDICTION, [FINE])
    assert pool([one, other]).iou_all == pytest.approx((1 + 1 + 1 + 1 / 2 + 1 / 2) / 5)
    assert pool([one, other]).covering == pytest.approx((1 + 3 / 4) / 2)


def test_the_protocol_splits_labels_into_connected_regions():
    labels, truth = [[1, 2, 1]], [[1, 2, 3]]
    assert score_labels(labels, [truth]).covering == 1
    assert score_labels(labels, [truth], connected=False).covering < 1


def test_corners_do_not_connect_and_missing_predictions_are_regions():
    assert connected_regions([[1, 0], [0, 1]]).tolist() == [[1, 2], [3, 4]]
    assert connected_regions(np.array([[255, 255, 0]], np.uint8)).tolist() == [[1, 1, 2]]


def test_boundary_counts_add_up_over_images():
    true, empty = np.ones((40, 40), int), np.ones((40, 40), int)
    true[:, 20:] = 2
    right = score_labels(true, [true], boundaries=True)
    wrong = score_labels(empty, [true], boundaries=True)
    scores = pool([right, wrong])
    assert (scores.boundary_precision, scores.boundary_recall) == (1, 0.5)
    assert scores.boundary_f == pytest.approx(2 / 3)
    assert pool([right, dataclasses.replace(wrong, boundary=None)]).boundary_f is None


def test_nothing_to_average_is_named():
    with pytest.raises(InputError, match="at least one annotator"):
        score_labels(PREDICTION, [])
    with pytest.raises(InputError, match="no image"):
        pool([])
