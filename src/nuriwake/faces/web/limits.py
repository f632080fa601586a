"""How much the page's server takes on, and the checks made before an upload is decoded."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from nuriwake.errors import InputError

_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


@dataclass(frozen=True)
class Limits:
    """What the server accepts and keeps.

    Parameters
    ----------
    upload_bytes : int
        Size of a request at most.
    pixels : int
        Height times width of an image at most.
    values : int
        Height times width times bands of an image at most.
    waiting : int
        Jobs in the queue at most, besides the one that runs; then the answer is "busy".
    keep_seconds : float
        Finished results are dropped after this time.
    keep_pixels : int
        The oldest finished results are dropped when all of them together have more pixels.
    preview_seconds : float
        The live picture is renewed at most this often.
    preview_side : int
        The longer side of the live picture at most.
    """

    upload_bytes: int = 64 * 2**20
    pixels: int = 16_000_000
    values: int = 128_000_000
    waiting: int = 8
    keep_seconds: float = 1800.0
    keep_pixels: int = 48_000_000
    preview_seconds: float = 0.2
    preview_side: int = 480


@dataclass(frozen=True)
class Header:
    """What a picture's first bytes tell: its size, before any pixel is decoded."""

    height: int
    width: int
    bands: int


def check_size(data: bytes, name: str, limits: Limits) -> Header:
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
    Header

    Raises
    ------
    InputError
        If it is no image, or larger than the limits.
    """
    header = _tiff_header(data, name) if data[:4] in _TIFF_MAGIC else _picture_header(data, name)
    pixels = header.height * header.width
    if not 1 <= pixels <= limits.pixels:
        raise InputError(
            f"{name}: an image here may have at most {limits.pixels:,} pixels; got "
            f"{header.width:,} x {header.height:,}. The command line takes any size."
        )
    if pixels * header.bands > limits.values:
        raise InputError(
            f"{name}: pixels times bands may be at most {limits.values:,} here; got "
            f"{header.width:,} x {header.height:,} x {header.bands:,}. "
            "The command line takes any size."
        )
    return header


def _picture_header(data: bytes, name: str) -> Header:
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Pillow's own alarm about large images: the check that follows is stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                return Header(picture.height, picture.width, len(picture.getbands()))
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: the image is far too large to be opened here.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{name}: not an image that can be read (PNG, JPEG, TIFF, WebP)."
        ) from error


def _tiff_header(data: bytes, name: str) -> Header:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            series = tiff.series[0]
            height, width = series.keyframe.imagelength, series.keyframe.imagewidth
            # Of a stack of pages, each counts: all of them would be decoded.
            return Header(height, width, -(-series.size // max(1, height * width)))
    except (tifffile.TiffFileError, ValueError, LookupError, OSError, struct.error) as error:
        raise InputError(f"{name}: not a TIFF that can be read.") from error
