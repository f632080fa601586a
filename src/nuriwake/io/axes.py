"""Which axis of an array is which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range

#: A last axis shorter than this is taken for bands, whatever the other axes are.
_FEWEST_SIDE = 8
#: Two equal last axes of this length or more look like the sides of an image.
_SQUARE_SIDE = 16


def bands_last(array: NDArray[Any], channel_axis: int | None) -> NDArray[Any]:
    """Move the bands of an array to the end, or refuse to guess where they are.

    Parameters
    ----------
    array : ndarray of two or three dimensions
    channel_axis : int or None
        As in :func:`axis_of_bands`.

    Returns
    -------
    ndarray of shape (height, width, bands)
        In C order and in the machine's byte order.

    Raises
    ------
    InputError, UsageError
        As in :func:`axis_of_bands`.
    """
    axis = axis_of_bands(array.shape, channel_axis)
    moved = array[:, :, np.newaxis] if axis is None else np.moveaxis(array, axis, -1)
    return np.ascontiguousarray(moved, array.dtype.newbyteorder("="))


def axis_of_bands(shape: tuple[int, ...], channel_axis: int | None) -> int | None:
    """Tell which axis of an array holds the bands.

    Parameters
    ----------
    shape : tuple of int
    channel_axis : int or None
        As in scikit-image: the axis; None for an array of two dimensions. -1, the default
        everywhere, is refused where the shape speaks against it; a number of 0 or more is taken at
        its word.

    Returns
    -------
    int or None
        From 0; None where there are two dimensions.

    Raises
    ------
    InputError
        If the array is no image, or its shape leaves open where the bands are.
    UsageError
        If there is no such axis.

    Examples
    --------
    >>> axis_of_bands((48, 64, 5), -1), axis_of_bands((5, 48, 64), 0), axis_of_bands((48, 64), -1)
    (2, 0, None)
    """
    is_number = isinstance(channel_axis, int | np.integer) and not isinstance(channel_axis, bool)
    if channel_axis is not None and not is_number:
        raise UsageError(out_of_range("channel_axis", "an int or None", channel_axis))
    if len(shape) == 2:
        if channel_axis not in (-1, None):
            expected = f"-1 or None for an array of shape {shape}, which has no axis of bands"
            raise UsageError(out_of_range("channel_axis", expected, channel_axis))
        return None
    if len(shape) != 3:
        way_out = " Choose one of its images, such as image[0]." if len(shape) > 3 else ""
        raise InputError(
            "the array must have shape (height, width) or (height, width, bands); got shape "
            f"{shape}.{way_out}"
        )
    if channel_axis is None or not -3 <= channel_axis <= 2:
        expected = f"an int in [-3, 2] for an array of shape {shape}"
        hint = "The images of a stack go one by one." if channel_axis is None else ""
        raise UsageError(out_of_range("channel_axis", expected, channel_axis, hint))
    if channel_axis == -1 and _looks_reversed(*shape):
        first, middle, last = shape
        raise InputError(
            f"the array of shape {shape} may be {first} bands of {middle} x {last} pixels or "
            f"{last} bands of {first} x {middle}. Say which: channel_axis=0 or channel_axis=2."
        )
    return channel_axis % 3


def _looks_reversed(first: int, middle: int, last: int) -> bool:
    """Tell whether there were more bands than rows, or whether the last two axes make a square.

    Cubes of many bands whose rows and columns make a square are common, and are what they seem.
    """
    has_more_bands_than_rows = last >= _FEWEST_SIDE and first < last and first != middle
    ends_in_square = last >= _SQUARE_SIDE and last == middle
    return has_more_bands_than_rows or ends_in_square
