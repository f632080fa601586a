"""Boundaries against the published ones, an exhaustive matching and figures drawn by hand."""

from __future__ import annotations

from itertools import permutations
from math import hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuriwake.errors import UsageError
from nuriwake.evaluate.boundaries import (
    BoundaryCounts,
    BoundaryMatcher,
    count_boundaries,
    match_boundaries,
    region_boundaries,
)


def most_pairs(one, other, radius):
    """The largest number of one-to-one pairs, by trying every order."""
    fewer, more = sorted((np.argwhere(one).tolist(), np.argwhere(other).tolist()), key=len)
    return max(
        sum(hypot(a[0] - b[0], a[1] - b[1]) <= radius for a, b in zip(fewer, order, strict=False))
        for order in permutations(more, len(fewer))
    )


@given(
    one=arrays(bool, (2, 3)),
    other=arrays(bool, (2, 3)),
    radius=st.sampled_from([0, 1, 2**0.5, 2]),
)
def test_matching_finds_as_many_pairs_as_an_exhaustive_search(one, other, radius):
    matched, hit = match_boundaries(one, other, tolerance=radius / hypot(2, 3))
    assert matched.sum() == hit.sum() == most_pairs(one, other, radius)
    assert not (matched & ~one).any()
    assert not (hit & ~other).any()


def test_boundaries_of_bsds_drawings_are_the_published_ones(shared_data):
    from scipy.io import loadmat

    for path in sorted((shared_data / "bsds500" / "groundTruth").glob("*.mat"))[:4]:
        for annotator in loadmat(path)["groundTruth"].ravel():
            labels, published = annotator["Segmentation"][0, 0], annotator["Boundaries"][0, 0]
            assert np.array_equal(region_boundaries(labels), published > 0)


def test_no_data_bounds_nothing():
    assert not region_boundaries([[0, 0, 5, 5], [0, 0, 5, 5]]).any()
    assert region_boundaries([[0, 1, 1, 2]]).tolist() == [[False, False, True, False]]


def test_a_line_one_pixel_off_matches_only_within_the_tolerance():
    # The diagonal of 300 x 400 is 500: the tolerance of BSDS is 3.75 pixels.
    labels = np.ones((300, 400), np.int32)
    truth, near, far = labels.copy(), labels.copy(), labels.copy()
    truth[:, 100:], near[:, 103:], far[:, 104:] = 2, 2, 2
    lines = [region_boundaries(each) for each in (truth, near, far)]
    assert count_boundaries(lines[1], lines[:1]).f == 1
    assert count_boundaries(lines[2], lines[:1]) == BoundaryCounts(0, 300, 0, 300)


def test_one_predicted_line_cannot_answer_two_true_ones():
    true = np.zeros((8, 8), bool)
    true[:, [2, 4]] = True
    predicted = np.zeros((8, 8), bool)
    predicted[:, 3] = True
    counts = count_boundaries(predicted, [true], tolerance=0.2)
    assert (counts.precision, counts.recall, counts.f) == (1, 0.5, pytest.approx(2 / 3))


@given(
    maps=arrays(bool, (3, 2, 3)),
    candidates=arrays(bool, (2, 3)),
    radius=st.sampled_from([0, 1, 2**0.5, 2]),
)
def test_a_matcher_of_many_maps_answers_as_for_each_alone(maps, candidates, radius):
    predicted, truths = maps[0], list(maps[1:])
    matcher = BoundaryMatcher(predicted | candidates, truths, tolerance=radius / hypot(2, 3))
    counts = matcher.count(predicted)
    pairs = [most_pairs(predicted, truth, radius) for truth in truths]
    assert (counts.matched_true, counts.predicted) == (sum(pairs), predicted.sum())
    assert max(pairs) <= counts.matched_predicted <= min(sum(pairs), predicted.sum())


def test_a_pixel_that_any_annotator_drew_is_right_and_each_annotator_asks_for_his_own():
    predicted, first, second = np.zeros((3, 1, 5), bool)
    predicted[0, [0, 4]] = first[0, 0] = second[0, 4] = True
    assert count_boundaries(predicted, [first, second], tolerance=0) == BoundaryCounts(2, 2, 2, 2)


def test_no_boundary_at_all_scores_zero_without_dividing_by_it():
    empty = np.zeros((2, 2), bool)
    counts = count_boundaries(empty, [empty])
    assert (counts.precision, counts.recall, counts.f) == (0, 0, 0)


def test_tolerance_must_not_be_negative():
    empty = np.zeros((2, 2), bool)
    with pytest.raises(UsageError, match=r"`tolerance` must be a number of at least 0; got -1"):
        match_boundaries(empty, empty, tolerance=-1)
