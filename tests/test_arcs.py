from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuriwake.io.arcs import Surroundings, trace_arcs
from nuriwake.raster import Window

MAPS = arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3))


def whole(labels):
    return Surroundings(np.pad(labels, 1), Window.full(labels.shape), labels.shape)


def polylines(arcs):
    return [p.tolist() for p in np.split(arcs.points, arcs.first[1:-1])] if len(arcs.left) else []


def sides(arcs):
    """Cut arcs into steps of one pixel: (corner, corner) with the regions left and right."""
    steps = {}
    for points, left, right in zip(polylines(arcs), arcs.left, arcs.right, strict=True):
        for (row, col), (next_row, next_col) in pairwise(points):
            length = abs(next_row - row) + abs(next_col - col)
            down, across = np.sign([next_row - row, next_col - col])
            for k in range(length):
                start = (row + k * down, col + k * across)
                end = (start[0] + down, start[1] + across)
                assert (start, end) not in steps
                assert (end, start) not in steps
                steps[start, end] = (left, right)
    return steps


@given(MAPS)
def test_every_side_between_two_regions_is_in_one_arc(labels):
    framed = np.pad(labels, 1)
    steps = sides(trace_arcs(whole(labels)))
    for (start, end), (left, right) in steps.items():
        row, col = min(start, end)
        is_level = start[0] == end[0]
        # The framed pixels on both sides of the step, as seen in its direction.
        one = framed[row, col + 1] if is_level else framed[row + 1, col]
        other = framed[row + 1, col + 1]
        forward = end > start
        assert (left, right) == ((one, other) if forward == is_level else (other, one))
        assert left != right
    expected = (framed[:-1] != framed[1:]).sum() + (framed[:, :-1] != framed[:, 1:]).sum()
    assert len(steps) == expected


@given(MAPS, st.integers(1, 8), st.integers(1, 8))
def test_tiles_share_the_sides_out(labels, row, col):
    framed = np.pad(labels, 1)
    row, col = min(row, labels.shape[0]), min(col, labels.shape[1])
    steps = {}
    for r, height in ((0, row), (row, labels.shape[0] - row)):
        for c, width in ((0, col), (col, labels.shape[1] - col)):
            if height and width:
                part = framed[r : r + height + 2, c : c + width + 2].copy()
                part[-1], part[:, -1] = 0, 0
                window = Window(r, c, height, width)
                found = sides(trace_arcs(Surroundings(part, window, labels.shape)))
                assert not steps.keys() & found.keys()
                steps |= found
    turned = {(end, start): (right, left) for (start, end), (left, right) in steps.items()}
    for key, value in sides(trace_arcs(whole(labels))).items():
        assert steps.get(key, turned.get(key)) == value


def test_arcs_end_where_three_borders_meet():
    arcs = trace_arcs(whole(np.array([[1, 1], [2, 3]], np.int32)))
    ends = {tuple(line[i]) for line in polylines(arcs) for i in (0, -1)}
    assert ends == {(1, 0), (1, 1), (1, 2), (2, 1)}
    assert not arcs.is_plain.any()


def test_a_span_divides_straight_stretches():
    arcs = trace_arcs(whole(np.ones((1, 5), np.int32)), span=2)
    assert polylines(arcs) == [
        [[0, 0], [0, 2], [0, 4], [0, 5], [1, 5], [1, 4], [1, 2], [1, 0], [0, 0]]
    ]
