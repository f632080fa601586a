import json
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label as connected_components

from nuriwake.io.annotate import geojson
from nuriwake.io.outlines import trace_outlines

MAPS = hnp.arrays(
    np.int32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 3)
)


def fill(ring, shape):
    """Even-odd fill by counting, for each pixel's centre, the vertical sides to its left."""
    inside = np.zeros(shape, int)
    for (row, col), (next_row, _) in pairwise(ring):
        inside[min(row, next_row) : max(row, next_row), col:] += 1
    return inside % 2 == 1


@given(MAPS)
@settings(max_examples=60, deadline=None)
def test_outlines_filled_again_give_the_map(labels):
    filled = np.zeros_like(labels)
    outlines = trace_outlines(labels)
    for outline in outlines:
        mask = fill(outline.exterior.tolist(), labels.shape)
        for hole in outline.holes:
            mask &= ~fill(hole.tolist(), labels.shape)
        assert not filled[mask].any()
        filled[mask] = outline.label
    np.testing.assert_array_equal(filled, labels)
    pieces = connected_components(labels, background=0, connectivity=1).max()
    assert len(outlines) == pieces


def test_a_ring_has_a_hole_and_geojson_orders_it():
    labels = np.ones((3, 3), np.int32)
    labels[1, 1] = 2
    first, second = json.loads(geojson(labels, {1: "#aabbcc"}))["features"]
    assert first["properties"] == {"region": 1, "pixels": 8, "fill": "#aabbcc"}
    exterior, hole = first["geometry"]["coordinates"]
    assert exterior == [[0, 0], [0, 3], [3, 3], [3, 0], [0, 0]]
    assert sorted(map(tuple, hole[:-1])) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert second["properties"] == {"region": 2, "pixels": 1}


def test_two_pieces_make_a_multipolygon():
    feature = json.loads(geojson(np.array([[1, 0, 1]], np.int32)))["features"][0]
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert len(feature["geometry"]["coordinates"]) == 2


def test_nothing_labelled_gives_nothing():
    nothing = np.zeros((2, 2), np.int32)
    assert json.loads(geojson(nothing))["features"] == []
