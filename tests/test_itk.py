from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError
from nuriwake.io.arrays import to_raster
from nuriwake.segmenter import segment

itk = pytest.importorskip("SimpleITK")
IMAGE = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)


def test_components_are_bands():
    image = itk.GetImageFromArray(IMAGE, isVector=True)
    raster = to_raster(image)
    np.testing.assert_array_equal(raster.array, IMAGE)
    assert raster.georeference is None
    assert segment(image, max_iter=1).labels.shape == (24, 32)
    np.testing.assert_array_equal(
        to_raster(itk.GetImageFromArray(IMAGE[:, :, 0])).array[:, :, 0], IMAGE[:, :, 0]
    )


def test_the_spacing_is_kept():
    image = itk.GetImageFromArray(IMAGE[:, :, 0])
    image.SetSpacing((0.5, 0.25))
    image.SetOrigin((10.0, 20.0))
    place = to_raster(image).georeference
    # The origin is the centre of the first pixel.
    assert place.transform == (0.5, 0.0, 9.75, 0.0, 0.25, 19.875)
    assert (place.crs, place.unit) == (None, "millimeter")


def test_a_volume_needs_a_choice():
    volume = itk.GetImageFromArray(np.zeros((7, 24, 32), np.uint8))
    with pytest.raises(
        InputError, match=r"volume of size \(32, 24, 7\).* such as image\[:, :, 3\]"
    ):
        segment(volume)
    assert to_raster(volume[:, :, 3]).shape == (24, 32)
    assert to_raster(itk.GetImageFromArray(np.zeros((1, 24, 32), np.uint8))).shape == (24, 32)
