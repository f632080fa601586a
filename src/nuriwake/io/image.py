"""Pictures in (PNG, JPEG, TIFF, WebP), label maps and pictures out."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range, require
from nuriwake.io.atomic import atomic_path
from nuriwake.raster import LabelMap, Raster, as_raster

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

#: Suffixes of TIFF files.
TIFF_SUFFIXES = (".tif", ".tiff")
#: Suffixes of the pictures that can be read.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", *TIFF_SUFFIXES)
#: Suffixes that keep every label as it is.
LOSSLESS_SUFFIXES = (".png", *TIFF_SUFFIXES)

_Bands = NDArray[np.generic]
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def read_image(path: Path) -> Raster:
    """Read a picture; a pixel whose alpha is 0 is invalid.

    Parameters
    ----------
    path : pathlib.Path
        A file with one of :data:`IMAGE_SUFFIXES`. The orientation that a camera noted in a JPEG is
        applied, as viewers do.

    Returns
    -------
    Raster
        uint8, uint16 or float32; the alpha band, if any, has become the mask.

    Raises
    ------
    InputError
        If the file is missing, damaged, not a picture, or has no visible pixel.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes).")
    reader = _read_tiff if path.suffix.lower() in TIFF_SUFFIXES else _read_picture
    try:
        array, alpha = reader(path)
    except InputError:
        raise
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{path}: cannot be read as a picture ({_shorten(reason, path)})."
        ) from error
    valid = np.ones(array.shape[:2], bool) if alpha is None else alpha.astype(bool)
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    return as_raster(Raster(array, valid, path=path))


def header_size(path: Path) -> tuple[tuple[int, int], int]:
    """Read height, width and bands of a picture (no TIFF) from its first bytes.

    Raises
    ------
    InputError
        If the file is missing, damaged or not a picture.
    """
    from PIL import Image

    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                width, height = opened.size
                return (height, width), len(opened.getbands())
    except _UNREADABLE as error:
        reason = _shorten(str(error).partition("\n")[0], path)
        raise InputError(f"{path}: cannot be read as a picture ({reason}).") from error


def tiff_size(path: Path) -> tuple[tuple[int, int], int]:
    """Read height, width and bands of the first picture of a TIFF from its tags.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    import tifffile

    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            n_pages = len(file.series[0].pages)
            return (page.imagelength, page.imagewidth), page.samplesperpixel * n_pages
    except _UNREADABLE as error:
        reason = _shorten(str(error).partition("\n")[0], path)
        raise InputError(f"{path}: cannot be read as a picture ({reason}).") from error


def _shorten(reason: str, path: Path) -> str:
    """Drop the path from a library's message: ours begins with it."""
    return reason.replace(str(path), path.name).rstrip(".")


def _read_picture(path: Path) -> tuple[_Bands, _Bands | None]:
    """Read with Pillow; return the colour bands and the alpha band."""
    from PIL import Image, ImageOps

    if _png_depth(path) == 16:
        return _read_png16(path)
    with warnings.catch_warnings():
        # The guard against decompression bombs warns at 89 MPix, which is an ordinary scene here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path) as opened:
            return pillow_bands(ImageOps.exif_transpose(opened))


def pillow_bands(picture: PillowImage) -> tuple[_Bands, _Bands | None]:
    """Return the colour bands of a picture of any mode, and its alpha band if it has one.

    Examples
    --------
    >>> from PIL import Image
    >>> bands, alpha = pillow_bands(Image.new("LA", (4, 3)))
    >>> bands.shape, alpha.shape
    ((3, 4, 1), (3, 4))
    """
    premultiplied = {"La": "LA", "RGBa": "RGBA"}
    if picture.mode in premultiplied:
        picture = picture.convert(premultiplied[picture.mode])
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        has_alpha = "transparency" in picture.info or picture.mode == "PA"
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    elif picture.mode in ("1", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    array = np.asarray(picture)
    if picture.mode in ("LA", "RGBA"):
        return array[:, :, :-1], array[:, :, -1]
    return array, None


def _png_depth(path: Path) -> int:
    """Return the bits per sample of a PNG with colour or alpha; 0 where Pillow reads it exactly."""
    with path.open("rb") as file:
        head = file.read(26)
    is_png = head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) == 26
    depth, colour_type = (head[24], head[25]) if is_png else (0, 0)
    return depth if colour_type != 0 else 0


def _read_png16(path: Path) -> tuple[_Bands, _Bands | None]:
    """Read a 16-bit colour PNG with GDAL, because Pillow would silently drop its lower 8 bits."""
    rasterio = require("rasterio", extra="geo")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as file:
                array = np.moveaxis(file.read(), 0, -1)
        except rasterio.errors.RasterioError as error:
            raise InputError(f"{path}: cannot be read as a picture ({error}).") from error
    has_alpha = array.shape[2] in (2, 4)
    return (array[:, :, :-1], array[:, :, -1]) if has_alpha else (array, None)


def _read_tiff(path: Path) -> tuple[_Bands, _Bands | None]:
    """Read the first series of a TIFF, bands last."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        array, axes = series.asarray(), series.axes
        extra = series.keyframe.extrasamples
    if array.ndim == 3 and axes[-1] != "S":
        if axes[0] not in "SC":
            raise InputError(
                f"{path}: a stack of {array.shape[0]} pages (axes {axes}) is not one picture."
            )
        array = np.moveaxis(array, 0, -1)
    if array.ndim not in (2, 3):
        raise InputError(f"{path}: axes {axes} of shape {array.shape} are not those of a picture.")
    is_alpha = array.ndim == 3 and len(extra) == 1 and int(extra[0]) in (1, 2)
    return (array[:, :, :-1], array[:, :, -1]) if is_alpha else (array, None)


def label_dtype(labels: LabelMap) -> np.dtype[np.generic]:
    """Return the smallest unsigned dtype that holds every label.

    Examples
    --------
    >>> label_dtype(np.array([[0, 300]], np.int32))
    dtype('uint16')
    """
    return np.min_scalar_type(int(labels.max(initial=0)))


def check_label_path(path: Path) -> None:
    """Refuse a name whose format would change labels.

    Raises
    ------
    UsageError
        If the suffix is not one of :data:`LOSSLESS_SUFFIXES`.
    """
    if path.suffix.lower() not in LOSSLESS_SUFFIXES:
        expected = f"a name that ends in {', '.join(LOSSLESS_SUFFIXES)}"
        hint = "Other picture formats would change the labels."
        raise UsageError(out_of_range("-o", expected, str(path), hint))


def write_labels(path: Path, labels: LabelMap) -> None:
    """Write a label map without loss: 8- or 16-bit PNG, or TIFF of up to 32 bits.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.png``, ``.tif`` or ``.tiff``.
    labels : ndarray of int32, shape (height, width)
        0 = no data.

    Raises
    ------
    UsageError
        If the format is lossy, or a PNG cannot hold so many labels.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.png"
    >>> write_labels(path, np.array([[0, 1], [2, 300]], np.int32))
    >>> read_labels(path)
    array([[  0,   1],
           [  2, 300]], dtype=int32)
    """
    check_label_path(path)
    compact = labels.astype(label_dtype(labels))
    if path.suffix.lower() in TIFF_SUFFIXES:
        import tifffile

        with atomic_path(path) as temporary:
            tifffile.imwrite(temporary, compact, compression="zlib", photometric="minisblack")
        return
    if compact.dtype.itemsize > 2:
        n_labels = int(labels.max())
        raise UsageError(f"{path}: a PNG holds at most 65535 labels; got {n_labels}. Use .tif.")
    write_picture(path, compact)


def read_labels(path: Path) -> LabelMap:
    """Read a label map: one band of integers.

    Raises
    ------
    InputError
        If the file cannot be read or is not one band of integers.
    """
    raster = read_image(path)
    if raster.n_bands != 1 or raster.array.dtype.kind not in "bui":
        raise InputError(
            f"{path}: a label map has one band of integers; got {raster.n_bands} bands of "
            f"{raster.array.dtype}."
        )
    return raster.array[:, :, 0].astype(np.int32)


def write_picture(path: Path, array: NDArray[np.generic]) -> None:
    """Write a PNG of uint8 or uint16, shape (height, width) or (height, width, 3).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(np.ascontiguousarray(array)).save(temporary, format="PNG")
