import numpy as np

from nuriwake.io.arcs import Surroundings, trace_arcs
from nuriwake.io.rings import arcs_of_regions, assemble, is_clockwise
from nuriwake.raster import Window


def pieces(picture: str, region: int = 1):
    labels = np.array([[int(c) for c in line] for line in picture.split()], np.int32)
    arcs = trace_arcs(Surroundings(np.pad(labels, 1), Window.full(labels.shape), labels.shape))
    return assemble(arcs_of_regions(arcs)[region])


def test_pixels_that_touch_in_a_corner_are_two_rings():
    first, second = pieces("12 21")
    assert first.exterior.tolist() == [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]
    assert second.exterior.tolist() == [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]
    assert first.holes == second.holes == []


def test_a_ring_that_touches_itself_is_a_ring_with_a_hole():
    (piece,) = pieces("110 121 111")
    assert len(piece.exterior) - 1 == 6
    assert [sorted(hole.tolist()[1:]) for hole in piece.holes] == [[[1, 1], [1, 2], [2, 1], [2, 2]]]
    assert is_clockwise(piece.exterior)
    assert not is_clockwise(piece.holes[0])


def test_holes_that_touch_in_a_corner_are_two():
    exterior, inner = pieces("1111 1211 1121 1111")
    assert exterior.holes == []
    assert len(exterior.exterior) == 5
    assert inner.exterior is None
    assert [len(hole) for hole in inner.holes] == [5, 5]


def test_holes_around_a_piece_are_one():
    """Four pixels in a ring cut their middle off: were they four holes, it would hang by points."""
    around, *middle = pieces("11111 11211 12121 11211 11111")
    assert len(around.exterior) == 5
    hole, inside = sorted(middle, key=lambda piece: piece.exterior is not None)
    assert hole.exterior is None
    assert [len(ring) for ring in hole.holes] == [13]
    assert len(inside.exterior) == 5


def test_the_order_of_the_arcs_does_not_matter():
    labels = np.random.default_rng(0).integers(1, 3, (12, 12)).astype(np.int32)
    arcs = trace_arcs(Surroundings(np.pad(labels, 1), Window.full(labels.shape), labels.shape))
    own = arcs_of_regions(arcs)[1]
    for one, other in zip(assemble(own), assemble(own[::-1]), strict=True):
        assert (one.exterior is None) == (other.exterior is None)
        if one.exterior is not None:
            assert one.exterior.tolist() == other.exterior.tolist()
        assert [hole.tolist() for hole in one.holes] == [hole.tolist() for hole in other.holes]
