"""The table of shared pixels: what counts, and merging its rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuriwake.errors import InputError
from nuriwake.evaluate.contingency import Contingency
from oracles_metrics import map_pairs


def cells(table):
    """The table as a dictionary, its rows by their labels."""
    regions = table.region_labels[table.region].tolist()
    pairs = zip(regions, table.segment.tolist(), strict=True)
    return dict(zip(pairs, table.shared.tolist(), strict=True))


def test_cells_hold_the_shared_pixels():
    table = Contingency.of([[5, 5, 9], [9, 9, 9]], [[1, 2, 2], [2, 2, 3]])
    assert cells(table) == {(5, 0): 1, (5, 1): 1, (9, 1): 3, (9, 2): 1}
    assert table.region_sizes.tolist() == [2, 4]
    assert table.segment_sizes.tolist() == [1, 4, 1]
    assert (table.n_pixels, table.n_regions, table.n_segments) == (6, 2, 3)


@given(maps=map_pairs(), group=arrays(np.int64, 5, elements=st.integers(-3, 3)))
def test_merging_rows_equals_counting_the_coarser_map(maps, group):
    prediction, truth = maps
    fine = Contingency.of(prediction, truth)
    merged = fine.merged(group[fine.region_labels])
    counted = Contingency.of(group[prediction], truth)
    assert cells(merged) == cells(counted)
    assert merged.region_labels.tolist() == counted.region_labels.tolist()
    assert merged.n_segments == counted.n_segments


@given(maps=map_pairs(), row=st.integers(0, 6))
def test_windows_add_up_to_the_whole(maps, row):
    prediction, truth = maps
    parts = [(prediction[:row], truth[:row]), (prediction[row:], truth[row:])]
    whole, added = Contingency.of(prediction, truth), Contingency.of_windows(parts)
    assert cells(added) == cells(whole)
    assert added.n_segments == whole.n_segments


def test_unannotated_pixels_do_not_count_but_unpredicted_ones_do():
    truth = [[0, 1, 1, 1]]
    assert cells(Contingency.of([[9, 1, 1, 1]], truth)) == {(1, 0): 3}
    assert cells(Contingency.of([[9, 1, 1, 0]], truth)) == {(1, 0): 2, (0, 0): 1}


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.ones((2, 3), int), np.ones((3, 2), int), r"same shape; got \(2, 3\) and \(3, 2\)"),
        (np.ones((2, 2)), np.ones((2, 2), int), "`prediction` must hold integer labels"),
        (np.ones((2, 2), int), np.ones((2, 2)), "`truth` must hold integer labels"),
        (np.ones((2, 2), int), np.zeros((2, 2), int), "at least one annotated"),
    ],
)
def test_maps_that_cannot_be_compared_are_named(prediction, truth, message):
    with pytest.raises(InputError, match=message):
        Contingency.of(prediction, truth)


def test_merging_needs_one_group_for_each_region():
    with pytest.raises(InputError, match="one group for each of 2 regions"):
        Contingency.of([[1, 2]], [[1, 1]]).merged([1, 2, 3])
