"""Images of SimpleITK -> rasters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nuriwake.errors import InputError, require
from nuriwake.raster import Georeference, Raster

if TYPE_CHECKING:
    from SimpleITK import Image


def read_itk(image: Image) -> Raster:
    """Make a raster of a two-dimensional image; components of a vector image are bands.

    Parameters
    ----------
    image : SimpleITK.Image
        Two-dimensional, or a volume of one slice.

    Returns
    -------
    Raster
        Its georeference is the spacing, the origin and the direction, if they say anything; lengths
        are millimetres, as in ITK.

    Raises
    ------
    InputError
        If it is a volume.
    """
    itk = require("SimpleITK")
    if image.GetDimension() == 3 and image.GetDepth() == 1:
        image = image[:, :, 0]
    if image.GetDimension() != 2:
        size = image.GetSize()
        middle = ", ".join([":", ":", *(str(n // 2) for n in size[2:])])
        raise InputError(
            f"the image of SimpleITK is a volume of size {size} (x, y, z). Choose a slice, such as "
            f"image[{middle}]; or take them all: nuriwake.segment_volume("
            "SimpleITK.GetArrayFromImage(image), spacing=image.GetSpacing()[::-1])."
        )
    array = itk.GetArrayFromImage(image)
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    return Raster(array, np.ones(array.shape[:2], bool), _place(image))


def _place(image: Image) -> Georeference | None:
    """Move the origin from the first pixel's centre to its corner."""
    width, height = image.GetSpacing()
    x, y = image.GetOrigin()
    xx, xy, yx, yy = image.GetDirection()
    a, b, d, e = xx * width, xy * height, yx * width, yy * height
    if (a, b, d, e, x, y) == (1.0, 0.0, 0.0, 1.0, 0.0, 0.0):
        return None
    corner = x - (a + b) / 2, y - (d + e) / 2
    return Georeference(None, (a, b, corner[0], d, e, corner[1]), "millimeter")
