from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.io.axes import axis_of_bands, bands_last

IMAGE = np.arange(2 * 3 * 4).reshape(2, 3, 4)


@pytest.mark.parametrize("axis", [0, 1, 2, -3, -2])
def test_bands_go_last(axis):
    moved = bands_last(IMAGE, axis)
    assert moved.flags.c_contiguous
    np.testing.assert_array_equal(moved, np.moveaxis(IMAGE, axis, -1))


def test_the_byte_order_becomes_that_of_the_machine():
    swapped = IMAGE.astype(IMAGE.dtype.newbyteorder())
    assert bands_last(swapped, 2).dtype.isnative
    np.testing.assert_array_equal(bands_last(swapped, 2), IMAGE)


@pytest.mark.parametrize(
    "shape",
    [
        (480, 640, 3), (480, 640, 1), (64, 64, 7), (3, 48, 2), (1, 1, 3), (512, 614, 176),
        (145, 145, 200),
    ],
)  # fmt: skip
def test_bands_that_are_last(shape):
    assert axis_of_bands(shape, -1) == 2


@pytest.mark.parametrize(
    "shape", [(5, 48, 64), (3, 480, 640), (1, 48, 64), (3, 8, 8), (200, 145, 145), (64, 80, 100)]
)
def test_nobody_guesses_where_the_bands_are(shape):
    first, middle, last = shape
    text = (
        rf"may be {first} bands of {middle} x {last} pixels or {last} bands of {first} x "
        rf"{middle}\. Say which: channel_axis=0 or channel_axis=2"
    )
    with pytest.raises(InputError, match=text):
        axis_of_bands(shape, -1)
    assert (axis_of_bands(shape, 0), axis_of_bands(shape, 2)) == (0, 2)


@pytest.mark.parametrize(
    ("shape", "axis", "error", "message"),
    [
        ((4, 5), 0, UsageError, "which has no axis of bands; got 0"),
        ((4, 5, 3), 3, UsageError, r"an int in \[-3, 2\] .* got 3"),
        ((4, 5, 3), 1.5, UsageError, r"an int or None; got 1\.5"),
        ((4, 5, 3), True, UsageError, "an int or None; got True"),
        ((4, 5, 3), None, UsageError, "images of a stack go one by one"),
        ((1, 3, 4, 5), -1, InputError, r"got shape \(1, 3, 4, 5\)\. .* such as image\[0\]"),
        ((5,), -1, InputError, r"must have shape .* got shape \(5,\)"),
    ],
)
def test_what_is_no_image(shape, axis, error, message):
    with pytest.raises(error, match=message):
        axis_of_bands(shape, axis)
