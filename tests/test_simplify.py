import numpy as np
import pytest

from nuriwake.io.arcs import Surroundings, trace_arcs
from nuriwake.io.simplify import simplify
from nuriwake.raster import Window


def simplified(picture: str, tolerance: float, span: int = 0):
    labels = np.array([[int(c) for c in line] for line in picture.split()], np.int32)
    around = Surroundings(np.pad(labels, 1), Window.full(labels.shape), labels.shape)
    arcs = simplify(trace_arcs(around, span), around, tolerance, span)
    lines = [points.tolist() for points in np.split(arcs.points, arcs.first[1:-1])]
    is_between = (arcs.left > 0) & (arcs.right > 0)
    return [line for line, inner in zip(lines, is_between, strict=True) if inner]


STAIRS = "1111 2111 2211 2221 2222"


def test_stairs_become_a_line():
    # The corner of a step is a triangle of half a pixel.
    (stairs,) = simplified(STAIRS, 0.7)
    assert len(stairs) == 8
    assert simplified(STAIRS, 5.0) == [[[1, 0], [4, 4]]]


def test_no_piece_is_longer_than_the_span():
    (line,) = simplified(STAIRS, 5.0, span=3)
    steps = np.diff(line, axis=0)
    assert (np.hypot(*steps.T) <= 3).all()
    assert len(line) < len(simplified(STAIRS, 0.0)[0])


def test_a_region_in_the_way_stays_on_its_side():
    # Without region 3, the lower border of 1 would become one piece that runs through it.
    free = simplified("11111 11111 12221 22222", 50.0)
    assert [[3, 0], [3, 5]] in [sorted(line) for line in free]
    lines = simplified("11111 11111 12321 22222", 50.0)
    assert [[3, 0], [3, 5]] not in [sorted(line) for line in lines]


@pytest.mark.parametrize("picture", ["111 121 111", "1111 1221 1221 1111"])
def test_no_region_vanishes(picture):
    (ring,) = simplified(picture, 1e6)
    corners = np.array(ring)
    area = abs((corners[:-1, 0] * corners[1:, 1] - corners[1:, 0] * corners[:-1, 1]).sum()) / 2
    assert len(ring) == 4
    assert area > 0


def test_two_arcs_between_the_same_ends_stay_apart():
    """Region 2 lies between two arcs from node to node; only one may become a straight piece."""
    lines = simplified("11111 12221 33333", 1e6)
    assert len({tuple(map(tuple, line)) for line in lines}) == len(lines)
    assert sorted(len(line) for line in lines)[-1] == 3


def test_the_border_to_no_data_stays():
    labels = "1000 1100 1110 1111"
    assert simplified(labels, 50.0) == []
