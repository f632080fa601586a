"""TIFF at the door: pages, series and their sizes are checked before a pixel is decoded."""

from __future__ import annotations

import math
import struct
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.faults import check_declared, check_file, reading

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

TIFF_SUFFIXES = (".tif", ".tiff")
#: First bytes of a TIFF: byte order, then 42, or 43 for one beyond 4 GB.
MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: Bits of the tag NewSubfileType: a smaller copy of another page, a mask of it.
_REDUCED, _MASK = 1, 4
_COMPRESSION_NONE = 1
#: Values of ExtraSamples that mean alpha, associated or not.
_ALPHA = (1, 2)
#: GDAL's tag of the nodata value, which is text.
_GDAL_NODATA = 42113


@contextmanager
def opened_tiff(source: Path | BinaryIO, *, is_checked: bool = False) -> Iterator[TiffFile]:
    """Open a TIFF; whatever turns out to be damaged inside the block becomes one line.

    Parameters
    ----------
    source : pathlib.Path or binary stream
    is_checked : bool
        Whether the chain of pages was followed before, which takes long in files of thousands.

    Yields
    ------
    tifffile.TiffFile
        With at least one page, whose pages form no circle.

    Raises
    ------
    InputError
        If the file is missing, damaged, or no TIFF.
    """
    import tifffile

    name = _name(source)
    if isinstance(source, Path):
        check_file(source)
    with reading(name, "a TIFF"), _stream(source) as stream:
        if not is_checked and _count_pages(stream) == 0:
            raise ValueError("it has no page")
        stream.seek(0)
        with tifffile.TiffFile(stream, name=str(name)) as file:
            yield file


@contextmanager
def _stream(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        source.seek(0)
        yield source


def _count_pages(stream: BinaryIO) -> int:
    """Follow the chain of pages; a chain that runs in a circle is refused."""
    head = stream.read(16)
    if not head.startswith(MAGIC):
        raise ValueError("it does not begin as one")
    order = "<" if head[:2] == b"II" else ">"
    is_big = 43 in head[2:4]
    count_format, entry, word = ("Q", 20, "Q") if is_big else ("H", 12, "I")
    (offset,) = struct.unpack_from(order + word, head, 8 if is_big else 4)
    seen: set[int] = set()

    def read(form: str) -> int:
        packed = stream.read(struct.calcsize(form))
        if len(packed) < struct.calcsize(form):
            raise ValueError(f"the file is cut off before its page {len(seen)} ends")
        return int(struct.unpack(form, packed)[0])

    while offset:
        if offset in seen:
            raise ValueError("its pages refer to each other in a circle")
        seen.add(offset)
        stream.seek(offset)
        n_tags = read(order + count_format)
        stream.seek(offset + struct.calcsize(order + count_format) + n_tags * entry)
        offset = read(order + word)
    return len(seen)


def check_page(page: TiffPage, name: object, n_pages: int = 1) -> None:
    """Refuse a page whose pixels are complex, missing, or more than its file can hold.

    Parameters
    ----------
    page : tifffile.TiffPage
    name : object
        Of the file, for messages.
    n_pages : int
        How many pages like this one will be read.

    Raises
    ------
    InputError
        If so.
    """
    size = page.parent.filehandle.size
    what = " x ".join(map(str, (page.imagelength, page.imagewidth, page.samplesperpixel)))
    if page.dtype is None or page.dtype.kind not in "buif":
        raise InputError(
            f"{name}: pixels must be ints or floats; got {page.dtype or 'an unknown dtype'}."
        )
    if 0 in page.shape:
        raise InputError(f"{name}: must have at least one pixel; got {what}.")
    check_declared(name, page.nbytes * n_pages, size, f"{n_pages} x {what} pixels")
    n_parts, found = math.prod(page.chunked), len(page.dataoffsets)
    if found < n_parts:
        raise InputError(f"{name}: {n_parts - found} of {n_parts} strips or tiles are missing.")
    ends = np.add(page.dataoffsets, page.databytecounts, dtype=np.float64)
    if ends.max(initial=0) > size:
        raise InputError(f"{name}: the file is cut off: its pixels end at byte {ends.max():.0f}.")
    n_bytes = math.prod(page.shape) * page.bitspersample // 8  # a mask has one bit a pixel
    if page.compression == _COMPRESSION_NONE and sum(page.databytecounts) < n_bytes // 2:
        raise InputError(f"{name}: declares {what} pixels, but holds only a part of them.")


def pictures_of(file: TiffFile) -> list[TiffPageSeries]:
    """Return the series of a TIFF that are pictures: no smaller copies, thumbnails or masks."""
    series = [one for one in file.series if not one.keyframe.subfiletype & (_REDUCED | _MASK)]
    return series or list(file.series[:1])


def masks_of(file: TiffFile) -> dict[int, int]:
    """Tell which page is the mask of which, as GDAL writes them: it follows its picture.

    Smaller copies may lie between. A mask of another size is none.

    Returns
    -------
    dict of int to int
        From the picture's page to the mask's, both from 0.
    """
    series = file.series
    masks = [one for one in series if int(one.keyframe.subfiletype) & (_MASK | _REDUCED) == _MASK]
    pages = [page for one in masks for page in one.pages if page is not None]
    owners = sorted(p.index for one in pictures_of(file) for p in one.pages if p is not None)
    found: dict[int, int] = {}
    for page in sorted(pages, key=lambda page: int(page.index)):
        at = bisect(owners, page.index) - 1
        if at >= 0 and page.shape == file.pages[owners[at]].shape[:2]:
            found.setdefault(owners[at], int(page.index))
    return found


def first_picture(file: TiffFile, name: object) -> TiffPageSeries:
    """Return the one picture, or the one stack of pages, that a TIFF holds; checked.

    Raises
    ------
    InputError
        If there is none or it is damaged, or if pages differ in size or dtype.
    """
    series = pictures_of(file)
    if not series:
        raise InputError(f"{name}: cannot be read as a TIFF (it has no picture).")
    if len(series) > 1:
        raise InputError(f"{name}: {unlike_pages(series)}")
    check_page(series[0].keyframe, name, len(series[0].pages))
    return series[0]


def unlike_pages(series: list[TiffPageSeries]) -> str:
    """Say in one line how the pages of a file differ, and what to do."""
    kinds = [f"{one.shape} {one.dtype}" for one in series[:3]]
    more = ", ..." if len(series) > 3 else ""
    numbers = [page.index + 1 for one in series for page in one.pages if page is not None]
    return (
        f"its {len(numbers)} pages differ in size or dtype: {', '.join(kinds)}{more}. "
        f"Choose one with --page N, from {min(numbers)} to {max(numbers)}."
    )


def read_tiff(
    source: Path | BinaryIO, page: int | None = None
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read the one picture of a TIFF, or one of its pages.

    Parameters
    ----------
    source : pathlib.Path or binary stream
    page : int, optional
        From 1. Default: the one picture.

    Returns
    -------
    array : ndarray of shape (height, width) or (height, width, bands)
    alpha : ndarray of shape (height, width) or None
        Of a mask page that follows; else 0 also where all bands, or any one of floats, have GDAL's
        nodata value.

    Raises
    ------
    InputError
        If the file is damaged, or holds no picture, several, or a stack.
    UsageError
        If there is no such page.
    """
    name = _name(source)
    with opened_tiff(source) as file:
        if page is not None:
            return read_page(file, page, name)
        series = first_picture(file, name)
        axes, first = series.axes, series.keyframe
        if series.ndim == 3 and axes[-1] != "S" and axes[0] not in "SC":
            raise InputError(
                f"{name}: a stack of {series.shape[0]} pages (axes {axes}) is not one picture."
            )
        if series.ndim not in (2, 3):
            raise InputError(
                f"{name}: axes {axes} of shape {series.shape} are not those of a picture."
            )
        array: NDArray[Any] = series.asarray()
        if array.ndim == 3 and axes[-1] != "S":
            array = np.moveaxis(array, 0, -1)
        return _with_validity(file, array, first, name)


def read_page(
    file: TiffFile, number: int, name: object
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read one page of an open TIFF as a picture.

    Parameters
    ----------
    file : tifffile.TiffFile
    number : int
        From 1.
    name : object
        Of the file, for messages.

    Raises
    ------
    InputError
        If the page is damaged.
    UsageError
        If there is no such page.
    """
    if not 1 <= number <= len(file.pages):
        raise UsageError(out_of_range("page", f"an int in [1, {len(file.pages)}] ({name})", number))
    page = file.pages[number - 1]
    check_page(page, f"{name}, page {number}")
    array: NDArray[Any] = page.asarray()
    array = np.moveaxis(array, 0, -1) if page.axes == "SYX" else array
    return _with_validity(file, array, page, name)


def _with_validity(
    file: TiffFile, array: NDArray[Any], page: TiffPage, name: object
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Part a picture from its alpha band, or tell where its mask or its nodata value says so."""
    extra, alpha = page.extrasamples, None
    if array.ndim == 3 and len(extra) == 1 and int(extra[0]) in _ALPHA:
        array, alpha = array[:, :, :-1], array[:, :, -1]
    mask = masks_of(file).get(page.index)
    if mask is not None:  # GDAL asks the mask first, too
        check_page(file.pages[mask], f"{name}, page {mask + 1}")
        return array, file.pages[mask].asarray()
    if alpha is not None:
        return array, alpha
    nodata = _nodata(page)
    if nodata is None:
        return array, None
    with np.errstate(over="ignore"):  # of a float32 that cannot hold it
        holds_data = np.atleast_3d(array) != nodata
    # As in GDAL's mask of a dataset: a colour in bands of integers, in each band of floats.
    return array, holds_data.all(axis=2) if array.dtype.kind == "f" else holds_data.any(axis=2)


def _nodata(page: TiffPage) -> float | None:
    """Read the nodata value that GDAL has noted; None where there is none, or it is no number."""
    tag = page.tags.get(_GDAL_NODATA)
    text = str(tag.value).strip("\0 ") if tag else ""
    for number in (int, float):
        with suppress(ValueError):
            return number(text)
    return None


def tiff_header(source: Path | BinaryIO) -> tuple[tuple[int, int], int]:
    """Read height, width and bands of the picture of a TIFF from its tags.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    name = _name(source)
    with opened_tiff(source) as file:
        series = first_picture(file, name)
        page = series.keyframe
        return (page.imagelength, page.imagewidth), page.samplesperpixel * len(series.pages)


def _name(source: Path | BinaryIO) -> object:
    return source if isinstance(source, Path) else "the TIFF"
