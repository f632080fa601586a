from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.io.stored import Stored

ARRAY = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
STORED = Stored(ARRAY, "ZCYX", (2.0, 1.0, 0.5, 0.25), "micrometer", ("a", "b", "c"))


def test_taking_a_plane_keeps_the_other_axes():
    plane = STORED.take(Z=1)
    assert (plane.axes, plane.spacing, plane.channel_names) == (
        "CYX",
        (1.0, 0.5, 0.25),
        ("a", "b", "c"),
    )
    np.testing.assert_array_equal(plane.array, ARRAY[1])
    np.testing.assert_array_equal(STORED.take(Z=0, C=2).array, ARRAY[0, 2])


def test_ordering_moves_and_adds_axes():
    ordered = STORED.ordered("TZYXC")
    assert ordered.shape == (1, 2, 4, 5, 3)
    assert ordered.spacing == (1.0, 2.0, 0.5, 0.25, 1.0)
    np.testing.assert_array_equal(ordered.array[0], np.moveaxis(ARRAY, 1, -1))


def test_an_axis_of_length_one_may_be_left_out():
    np.testing.assert_array_equal(
        Stored(ARRAY[:1], "ZCYX").ordered("YXC").array[1, 2], ARRAY[0, :, 1, 2]
    )


@pytest.mark.parametrize("axes", ["ZCY", "ZZYX", "ZQYX", "", "ZCTYX"])
def test_axes_must_fit(axes):
    with pytest.raises(InputError, match="`axes` must be"):
        Stored(ARRAY, axes)


@pytest.mark.parametrize("positions", [{"Z": 2}, {"Z": -1}, {"T": 0}, {"Y": 0}])
def test_planes_must_exist(positions):
    with pytest.raises(UsageError, match="`plane` must be"):
        STORED.take(**positions)


def test_no_axis_is_lost():
    with pytest.raises(UsageError, match="an order of all axes of ZCYX"):
        STORED.ordered("ZYX")
