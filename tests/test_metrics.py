"""Every metric against its definition, scikit-image and numbers that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import adapted_rand_error as skimage_adapted_rand_error
from skimage.metrics import variation_of_information as skimage_variation_of_information

import oracles_metrics
from nuriwake.evaluate import metrics
from nuriwake.evaluate.contingency import Contingency
from oracles_metrics import map_pairs

METRICS = (
    "best_ious",
    "segmentation_covering",
    "rand_index",
    "adjusted_rand_index",
    "adapted_rand_error",
    "variation_of_information",
    "achievable_segmentation_accuracy",
    "undersegmentation_error",
)


@pytest.mark.parametrize("name", METRICS)
@given(maps=map_pairs())
def test_metric_equals_its_definition(name, maps):
    expected = getattr(oracles_metrics, name)(*maps)
    assert getattr(metrics, name)(Contingency.of(*maps)) == pytest.approx(expected, abs=1e-12)


@given(maps=map_pairs(void=False))
def test_the_same_metric_of_scikit_image_agrees(maps):
    prediction, truth = maps
    table = Contingency.of(prediction, truth)
    # scikit-image gives H(second | first), then H(first | second).
    merge, split = skimage_variation_of_information(prediction, truth)
    assert metrics.conditional_entropies(table) == pytest.approx((split, merge), abs=1e-9)
    if table.region_sizes.max() > 1 and table.segment_sizes.max() > 1:  # else it divides by zero
        error, _, _ = skimage_adapted_rand_error(truth, prediction, ignore_labels=())
        assert metrics.adapted_rand_error(table) == pytest.approx(error, abs=1e-12)


@given(maps=map_pairs(), seed=st.integers(0, 99))
def test_names_of_labels_do_not_matter(maps, seed):
    prediction, truth = maps
    names = np.random.default_rng(seed).choice(2**40, size=5, replace=False)
    one, other = Contingency.of(prediction, truth), Contingency.of(names[prediction], truth)
    for name in METRICS:
        metric = getattr(metrics, name)
        assert metric(one) == pytest.approx(metric(other), abs=1e-12)


def test_values_that_can_be_checked_by_hand():
    # Two halves of 8 pixels against one quarter and the rest.
    prediction = np.repeat([[1, 2]], 4, axis=1).reshape(1, 8)
    truth = np.array([[1, 1, 2, 2, 2, 2, 2, 2]])
    table = Contingency.of(prediction, truth)
    assert metrics.best_ious(table).tolist() == [2 / 4, 4 / 6]
    assert metrics.segmentation_covering(table) == pytest.approx(2 / 8 * 2 / 4 + 6 / 8 * 4 / 6)
    # 28 pairs; 12 together in the prediction, 16 in the truth, 1 + 1 + 6 in both.
    assert metrics.rand_index(table) == pytest.approx((28 - 12 - 16 + 2 * 8) / 28)
    assert metrics.adapted_rand_error(table) == pytest.approx(1 - 2 * 8 / 28)
    assert metrics.achievable_segmentation_accuracy(table) == 6 / 8
    assert metrics.undersegmentation_error(table) == 4 / 8


def test_pairs_of_a_raster_of_many_gigapixels_stay_exact():
    n = 2**40
    one = np.zeros(2, np.int64)
    table = Contingency(np.array([0, 1]), one, np.array([n, n]), np.array([1, 2]), n_segments=1)
    assert metrics.rand_index(table) == pytest.approx(0.5, abs=1e-9)
