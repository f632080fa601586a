"""Pictures that Pillow decodes, and 16-bit PNG: the bytes decide the format, not the suffix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.faults import check_declared, check_file, reading

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

#: What Pillow may decode, and the suffixes. It knows others, but some start programs (EPS).
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
    "TGA": (".tga",),
}
PICTURE_SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
#: Bytes at the start of a file that tell its format, and the depth and the colours of a PNG.
_HEAD = 26
_DEEP = 16
#: Formats whose pages are pictures of their own.
_ANIMATED = ("GIF", "WEBP", "AVIF", "PNG")
#: What the modes of Pillow that are no bands of numbers become.
_AS_BANDS = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}
_AS_BANDS |= dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV", "RGBX"), "RGB")


def read_picture(
    source: Path | BinaryIO, page: int | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read a picture.

    Parameters
    ----------
    source : pathlib.Path or binary stream
        The orientation that a camera noted is applied, as viewers do.
    page : int, optional
        Of an animation, from 1.

    Returns
    -------
    array : ndarray of shape (height, width) or (height, width, bands)
        uint8 or uint16; int32 and float32 where the format has them.
    alpha : ndarray of shape (height, width) or None

    Raises
    ------
    InputError
        If the file is missing, damaged, no picture, or an animation of which no page is chosen.
    UsageError
        If there is no such page.
    """
    with opened_picture(source) as picture:
        _turn_to(picture, page, source)
        if _png_depth(source) == _DEEP:
            return _read_deep_png(source)
        from PIL import ImageOps

        return pillow_bands(ImageOps.exif_transpose(picture))


def _turn_to(picture: ImageFile, page: int | None, source: object) -> None:
    """Go to a page of an animation; a picture of one page is its page 1."""
    n_pages = getattr(picture, "n_frames", 1) if picture.format in _ANIMATED else 1
    if page is None and n_pages > 1:
        raise InputError(
            f"{source}: an animation of {n_pages} pages. Choose one with --page N, from 1."
        )
    if page is not None and not 1 <= page <= n_pages:
        raise UsageError(out_of_range("--page", f"an int in [1, {n_pages}] ({source})", page))
    if n_pages > 1 and page is not None:
        picture.seek(page - 1)


def pillow_bands(picture: Image) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Return the colour bands of a picture of any mode, and its alpha band if it has one.

    Examples
    --------
    >>> from PIL import Image
    >>> bands, alpha = pillow_bands(Image.new("LA", (4, 3)))
    >>> bands.shape, alpha.shape
    ((3, 4, 1), (3, 4))
    """
    is_keyed = "transparency" in picture.info
    mode = "RGBA" if is_keyed else _AS_BANDS.get(picture.mode, picture.mode)
    array = np.asarray(picture.convert(mode) if mode != picture.mode else picture)
    return (array[:, :, :-1], array[:, :, -1]) if mode in ("LA", "RGBA") else (array, None)


def picture_header(source: Path | BinaryIO) -> tuple[tuple[int, int], int]:
    """Read height, width and bands, without alpha, of a picture from its first bytes.

    Raises
    ------
    InputError
        If the file is missing, damaged or no picture.
    """
    with opened_picture(source) as picture:
        width, height = picture.size
        bands = picture.getbands()
        return (height, width), 3 if bands == ("P",) else len(bands)


@contextmanager
def opened_picture(source: Path | BinaryIO) -> Iterator[ImageFile]:
    """Open a picture; what turns out to be damaged inside the block becomes one line.

    Parameters
    ----------
    source : pathlib.Path or binary stream

    Yields
    ------
    PIL.ImageFile.ImageFile
        Not decoded yet.

    Raises
    ------
    InputError
        If the file is missing, damaged, of no known format, or declares more than it can hold.
    """
    name = source if isinstance(source, Path) else "the picture"
    n_bytes = check_file(source) if isinstance(source, Path) else source.seek(0, os.SEEK_END)
    with reading(name, "a picture"), _within_limits(), _decoder(source) as picture:
        width, height = picture.size
        n_bands = len(picture.getbands())
        what = f"{height} x {width} x {n_bands} pixels"
        check_declared(name, height * width * n_bands, n_bytes, what)
        yield picture


@contextmanager
def _within_limits() -> Iterator[None]:
    """Pass the one error of Pillow on that has no base: a frame of an animation is too large."""
    from PIL import Image

    try:
        yield
    except Image.DecompressionBombError as error:
        raise ValueError("a frame of it declares too many pixels") from error


def _decoder(source: Path | BinaryIO) -> ImageFile:
    """Choose the decoder by the first bytes; the one format without a mark, TGA, by the suffix.

    ``Image.open`` does the same, but refuses 179 million pixels, which a scene may have.
    """
    from PIL import Image

    Image.init()
    head = first_bytes(source)
    suffix = source.suffix.lower() if isinstance(source, Path) else ""
    for kind, suffixes in FORMATS.items():
        factory, accept = Image.OPEN.get(kind, (None, None))
        if factory and (accept(head) is True if accept else suffix in suffixes):
            if not isinstance(source, Path):
                source.seek(0)
            decoder: ImageFile = factory(source, "")
            return decoder
    raise ValueError("its first bytes are of no known format")


def is_picture(head: bytes) -> bool:
    """Tell from its first bytes whether a file is a picture that can be read here."""
    from PIL import Image

    Image.init()
    decoders = (Image.OPEN.get(kind, (None, None))[1] for kind in FORMATS)
    return any(accept is not None and accept(head) is True for accept in decoders)


def first_bytes(source: Path | BinaryIO) -> bytes:
    """Read the bytes that tell the format."""
    if isinstance(source, Path):
        with reading(source, "a picture"), source.open("rb") as stream:
            return stream.read(_HEAD)
    source.seek(0)
    return source.read(_HEAD)


def _png_depth(source: Path | BinaryIO) -> int:
    """Return the bits per sample of a PNG; 0 for any other format."""
    head = first_bytes(source)
    is_png = head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) == _HEAD
    return head[24] if is_png else 0


def _read_deep_png(source: Path | BinaryIO) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read a 16-bit PNG, of which Pillow would silently drop the lower 8 bits."""
    import imagecodecs

    if isinstance(source, Path):
        data = source.read_bytes()
    else:
        source.seek(0)
        data = source.read()
    array: NDArray[Any] = imagecodecs.png_decode(data)
    has_alpha = array.ndim == 3 and array.shape[2] in (2, 4)
    return (array[:, :, :-1], array[:, :, -1]) if has_alpha else (array, None)
