"""Cuts scored by adding up rows must equal cuts scored from their pixels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.errors import InputError
from nuriwake.evaluate.boundaries import count_boundaries, region_boundaries
from nuriwake.evaluate.contingency import Contingency
from nuriwake.evaluate.scales import average_precision, choose_scale, leaf_groups, score_scales
from nuriwake.evaluate.summaries import pool, score_tables


def random_tree(rng, n_leaves, *, shape=(6, 7)):
    """A tree over random (not connected) leaves: scoring does not ask how it came about."""
    base = rng.integers(0, n_leaves + 1, shape).astype(np.int32)
    roots, merges = list(range(n_leaves)), []
    while len(roots) > 1:
        pair = [roots.pop(rng.integers(len(roots))) for _ in range(2)]
        roots.append(n_leaves + len(merges))
        merges.append(pair)
    altitudes = np.sort(rng.integers(0, 5, n_leaves - 1)).astype(float)
    merges = np.array(merges, np.int32).reshape(-1, 2)
    return SimpleNamespace(base=base, merges=merges, altitudes=altitudes)


def cut_by_relabelling(tree, altitude):
    """Do the merges one by one on the pixels."""
    labels = tree.base.astype(int) - 1
    n_leaves = len(tree.merges) + 1
    for k, (one, other) in enumerate(tree.merges):
        if tree.altitudes[k] <= altitude:
            labels[(labels == one) | (labels == other)] = n_leaves + k
    return labels + 1


@given(seed=st.integers(0, 10**6), n_leaves=st.integers(1, 8))
def test_scores_of_cuts_equal_those_of_their_label_maps(seed, n_leaves):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, n_leaves)
    truths = [rng.integers(0, 4, tree.base.shape) for _ in range(2)]
    altitudes = [-1.0, 0.0, 1.5, 2.0, 9.0]
    scored = score_scales(tree, truths, altitudes)
    for altitude, scores in zip(altitudes, scored.scores, strict=True):
        labels = cut_by_relabelling(tree, altitude)
        expected = score_tables([Contingency.of(labels, truth) for truth in truths])
        assert scores.n_regions == expected.n_regions
        assert scores.iou_sums == pytest.approx(expected.iou_sums)
        assert scores.variation_of_information == pytest.approx(expected.variation_of_information)


def quarters():
    """Four columns that merge to halves at 1 and to everything at 2."""
    base = np.repeat(np.arange(1, 5, dtype=np.int32), 10)[None].repeat(40, axis=0)
    merges = np.array([[0, 1], [2, 3], [4, 5]], np.int32)
    return SimpleNamespace(base=base, merges=merges, altitudes=np.array([1.0, 1.0, 2.0]))


def test_one_scale_for_all_images_cannot_beat_one_for_each():
    tree = quarters()
    halves, whole = (tree.base + 1) // 2, np.ones_like(tree.base)
    images = [score_scales(tree, [truth], [0.5, 1.0, 2.0]) for truth in (tree.base, halves, whole)]
    chosen = choose_scale(images, "covering")
    assert chosen.ois == 1
    assert chosen.ods_altitude == 1.0
    assert chosen.ods == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert choose_scale(images[:1], "variation_of_information").ods_altitude == 0.5


def test_best_per_region_lets_each_segment_choose_its_scale():
    tree = quarters()
    truth = np.where(tree.base == 4, 3, np.where(tree.base == 3, 2, 1))  # a half and two quarters
    scored = score_scales(tree, [truth], [0.5, 1.0, 2.0])
    assert scored.best_covering == 1
    assert max(scores.covering for scores in scored.scores) == pytest.approx(3 / 4)


def test_boundaries_of_cuts_are_those_of_their_label_maps():
    tree = quarters()
    truth = (tree.base + 1) // 2
    scored = score_scales(tree, [truth], [0.5, 1.0], boundaries=True)
    outlines = [region_boundaries(truth)]
    assert scored.scores[0].boundary == count_boundaries(region_boundaries(tree.base), outlines)
    assert scored.scores[0].boundary.precision == pytest.approx(1 / 3)
    assert scored.scores[1].boundary.f == 1
    assert choose_scale([scored], "boundary_f").ods_altitude == 1.0


@given(seed=st.integers(0, 10**6))
def test_the_contour_map_is_matched_at_each_altitude_on_its_own(seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, 6)
    truths = [rng.integers(0, 4, tree.base.shape) for _ in range(2)]
    altitudes = [-1.0, 0.5, 1.5, 2.5, 9.0]
    scored = score_scales(tree, truths, altitudes, boundaries=True)
    outlines = [region_boundaries(truth) for truth in truths]
    for altitude, scores in zip(altitudes, scored.scores, strict=True):
        line = region_boundaries(cut_by_relabelling(tree, altitude))
        assert scores.boundary == count_boundaries(line, outlines)


def test_average_precision_is_the_area_below_the_curve():
    tree = quarters()
    truth = (tree.base + 1) // 2
    # One border of three is drawn: (recall, precision) is (1, 1/3), then (1, 1), then (0, 0).
    steps = [score_scales(tree, [truth], cuts, boundaries=True) for cuts in ([0.5], [0.5, 1, 2])]
    assert average_precision(steps[:1]) == pytest.approx(0.01 / 3)
    assert average_precision(steps[1:]) == pytest.approx(0.505)


def test_a_leaf_outside_the_drawing_does_not_shift_the_others():
    tree = quarters()
    truth = np.where(tree.base == 1, 0, tree.base)
    scored = score_scales(tree, [truth], [0.5, 1.0])
    assert [scores.n_regions for scores in scored.scores] == [3, 2]
    assert scored.scores[0].covering == 1


def test_groups_after_every_merge_are_one_node():
    assert leaf_groups(quarters().merges, 3).tolist() == [6, 6, 6, 6]
    assert leaf_groups(np.empty((0, 2), np.int32), 0).tolist() == [0]


def test_scales_that_do_not_belong_together_are_refused():
    tree = quarters()
    one, other = (score_scales(tree, [tree.base], [altitude]) for altitude in (1.0, 2.0))
    with pytest.raises(InputError, match="same altitudes"):
        choose_scale([one, other], "covering")
    with pytest.raises(InputError, match="ask for boundaries"):
        choose_scale([one], "boundary_f")
    with pytest.raises(InputError, match="ask for boundaries"):
        average_precision([one])
    with pytest.raises(InputError, match="at least one altitude"):
        score_scales(tree, [tree.base], [])
    assert pool(one.scores).n_images == 1
