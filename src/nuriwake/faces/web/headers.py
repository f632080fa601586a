"""The size of a picture from its first bytes, checked before any pixel is decoded."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from nuriwake.errors import InputError
from nuriwake.faces.web.limits import Limits

_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


@dataclass(frozen=True)
class PictureSize:
    """What a picture's first bytes tell: its size, before any pixel is decoded."""

    height: int
    width: int
    bands: int


def check_size(data: bytes, name: str, limits: Limits) -> PictureSize:
    """Read an image's header and refuse what is too large to decode.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        The file's name, for messages.
    limits : Limits

    Returns
    -------
    PictureSize

    Raises
    ------
    InputError
        If it is no image, or larger than the limits.
    """
    header = _tiff_size(data, name) if data[:4] in _TIFF_MAGIC else picture_size_of(data, name)
    pixels = header.height * header.width
    if not 1 <= pixels <= limits.decode_pixels:
        raise InputError(
            f"{name}: an image here may have at most {limits.decode_pixels:,} pixels; got "
            f"{header.width:,} x {header.height:,}. The command line takes any size."
        )
    # One that is reduced may have as many values as that leaves of the limit.
    shrunk = max(1, pixels / limits.pixels)
    if pixels * header.bands > limits.values * min(4, shrunk):
        raise InputError(
            f"{name}: pixels times bands may be at most {limits.values:,} here; got "
            f"{header.width:,} x {header.height:,} x {header.bands:,}. "
            "The command line takes any size."
        )
    return header


def picture_size_of(data: bytes, name: str) -> PictureSize:
    """Read the header of a picture that is no TIFF.

    Raises
    ------
    InputError
        If it is no picture, or claims to be far too large.
    """
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow's own alarm about large images: the check that follows is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                return PictureSize(picture.height, picture.width, len(picture.getbands()))
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: the image is far too large to be opened here.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{name}: not an image that can be read (PNG, JPEG, TIFF, WebP)."
        ) from error


def _tiff_size(data: bytes, name: str) -> PictureSize:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            series = tiff.series[0]
            height, width = series.keyframe.imagelength, series.keyframe.imagewidth
            # Of a stack of pages, each counts: all of them would be decoded.
            return PictureSize(height, width, -(-series.size // max(1, height * width)))
    except (tifffile.TiffFileError, ValueError, LookupError, OSError, struct.error) as error:
        raise InputError(f"{name}: not a TIFF that can be read.") from error
