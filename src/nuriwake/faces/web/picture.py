"""Rasters as pictures to look at, and pictures as bytes."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nuriwake.painting import Picture, as_picture
from nuriwake.raster import Raster


def raster_picture(raster: Raster) -> Picture:
    """Return an RGB picture of a raster: 8-bit colours as they are, others stretched.

    Parameters
    ----------
    raster : Raster

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    return painter(raster)(raster)


def painter(like: Raster) -> Callable[[Raster], Picture]:
    """Return what paints this raster and others of the same scene in the same colours.

    Parameters
    ----------
    like : Raster
        Its values decide how all are stretched.

    Returns
    -------
    callable
        Takes a Raster, returns an ndarray of uint8, shape (height, width, 3).
    """
    from nuriwake.learn.normalise import band_statistics, normalise

    if like.array.dtype == np.uint8:
        return lambda raster: _three_bands(raster).astype(np.uint8, copy=False)
    statistics = band_statistics(_three_bands(like), like.valid)
    return lambda raster: as_picture(normalise(_three_bands(raster), raster.valid, statistics))


def _three_bands(raster: Raster) -> NDArray[np.generic]:
    return raster.array[:, :, :3] if raster.n_bands >= 3 else raster.array[:, :, [0, 0, 0]]


def encode_jpeg(picture: Picture, quality: int = 92) -> bytes:
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


def thumbnail(picture: Picture, side: int) -> bytes:
    """Shrink a picture to ``side`` pixels at most, as a JPEG."""
    from PIL import Image

    small = Image.fromarray(picture)
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
