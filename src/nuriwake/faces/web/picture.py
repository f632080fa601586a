"""Rasters of any dtype and bands as 8-bit colour pictures to look at."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.normalise import band_statistics, normalise
from nuriwake.raster import Raster


def as_picture(raster: Raster) -> NDArray[np.uint8]:
    """Return an RGB picture of a raster: its first three bands, or its one band in grey.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        8-bit pictures as they are; other types stretched to each band's range.
    """
    bands = [0, 1, 2] if raster.n_bands >= 3 else [0, 0, 0]
    array = raster.array[:, :, bands]
    if array.dtype == np.uint8:
        return array
    stretched = normalise(array, raster.valid, band_statistics(array, raster.valid))
    return np.round(stretched * 255).astype(np.uint8)


def encode_jpeg(picture: NDArray[np.uint8], quality: int = 92) -> bytes:
    """Encode a picture for looking at only."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(picture: NDArray[np.generic]) -> bytes:
    """Encode uint8 or uint16, shape (height, width) or (height, width, 3), without loss."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def thumbnail(picture: NDArray[np.uint8], side: int) -> bytes:
    """Shrink a picture to ``side`` pixels at most, as a JPEG."""
    from PIL import Image

    buffer = io.BytesIO()
    small = Image.fromarray(picture)
    small.thumbnail((side, side))
    small.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
