"""Pictures in (PNG, JPEG, TIFF, WebP), label maps and pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.faults import check_file
from nuriwake.io.picture import PICTURE_SUFFIXES, first_bytes, picture_header, read_picture
from nuriwake.io.tiff import MAGIC, TIFF_SUFFIXES, read_tiff, tiff_header
from nuriwake.raster import LabelMap, Raster, as_raster

#: Suffixes of the pictures that can be read.
IMAGE_SUFFIXES = (*PICTURE_SUFFIXES, *TIFF_SUFFIXES)
#: Suffixes that keep every label as it is.
LOSSLESS_SUFFIXES = (".png", *TIFF_SUFFIXES)
#: Ids of 16 bits, the most that the format has.
MAX_IN_PNG = 0xFFFF


def read_image(source: Path | BinaryIO, page: int | None = None) -> Raster:
    """Read a picture; a pixel whose alpha is 0 is invalid.

    Parameters
    ----------
    source : pathlib.Path or binary stream
        Its bytes decide the format, whatever the suffix says. The orientation that a camera noted
        is applied, as viewers do.
    page : int, optional
        Of a TIFF or an animation, from 1.

    Returns
    -------
    Raster
        Of the dtype in the file; the alpha band, or a TIFF's nodata value, has become the mask.

    Raises
    ------
    InputError
        If the file is missing, damaged, not a picture, or has no visible pixel; or if it holds
        several pictures and none is chosen.
    UsageError
        If there is no such page.
    """
    return as_raster(_read(source, page))


def _read(source: Path | BinaryIO, page: int | None = None) -> Raster:
    """Read a picture, which may be without any valid pixel."""
    read = read_tiff if _is_tiff(source) else read_picture
    array, alpha = read(source, page)
    valid = np.ones(array.shape[:2], bool) if alpha is None else alpha.astype(bool)
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    return Raster(array, valid, path=source if isinstance(source, Path) else None)


def image_size(source: Path | BinaryIO) -> tuple[tuple[int, int], int]:
    """Read height, width and bands of a picture from its first bytes.

    Raises
    ------
    InputError
        If the file is missing, damaged or not a picture.
    """
    return tiff_header(source) if _is_tiff(source) else picture_header(source)


def _is_tiff(source: Path | BinaryIO) -> bool:
    if isinstance(source, Path):
        check_file(source)
    return first_bytes(source).startswith(MAGIC)


def label_dtype(labels: NDArray[np.integer]) -> np.dtype[np.generic]:
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


def write_labels(path: Path, labels: NDArray[np.integer]) -> None:
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
    n_labels = int(labels.max(initial=0))
    if n_labels > MAX_IN_PNG:
        most = f"a PNG holds at most {MAX_IN_PNG} labels"
        raise UsageError(f"{path}: {most}; got {n_labels}. Use .tif.")
    write_picture(path, compact)


def read_labels(path: Path) -> LabelMap:
    """Read a label map: one band of integers.

    Raises
    ------
    InputError
        If the file cannot be read or is not one band of integers.
    """
    raster = _read(path)
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

    # Searching longer takes five times the time, and saves 4 % of a photograph's bytes.
    level = 1 if array.ndim == 3 else 6
    with atomic_path(path) as temporary:
        picture = Image.fromarray(np.ascontiguousarray(array))
        picture.save(temporary, format="PNG", compress_level=level)
