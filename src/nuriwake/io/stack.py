"""Multi-page TIFF stacks: pages in, a stack of label maps out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.tiff import TIFF_SUFFIXES, first_picture, opened_tiff, pictures_of, read_page
from nuriwake.raster import LabelMap, Raster, as_raster


@dataclass(frozen=True)
class StackSource:
    """The pages of a TIFF, read one at a time; made by :func:`open_stack`.

    Parameters
    ----------
    path : pathlib.Path
    n_pages : int
    shape : tuple of int
        Height and width of the first page.
    n_bands : int
        Bands of a page, as they are read.
    bands : tuple of int
        Bands to read, in this order, numbered from 1; empty for all.
    """

    path: Path
    n_pages: int
    shape: tuple[int, int]
    n_bands: int
    bands: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.n_pages

    def page(self, index: int) -> Raster:
        """Read one page.

        Parameters
        ----------
        index : int
            From 0.

        Raises
        ------
        UsageError
            If there is no such page.
        InputError
            If the page is damaged or has no valid pixel.
        """
        if not 0 <= index < self.n_pages:
            expected = f"an int in [0, {self.n_pages - 1}]"
            raise UsageError(out_of_range("page", expected, index))
        with opened_tiff(self.path, is_checked=True) as file:
            if index >= len(file.pages):
                raise InputError(f"{self.path}: page {index} cannot be read (the file is cut off).")
            array, alpha = read_page(file, index + 1, self.path)
        valid = np.ones(array.shape[:2], bool) if alpha is None else alpha.astype(bool)
        array = array[:, :, np.newaxis] if array.ndim == 2 else array
        raster = as_raster(Raster(array, valid, path=self.path))
        return raster.select_bands(self.bands) if self.bands else raster

    def __iter__(self) -> Iterator[Raster]:
        return (self.page(index) for index in range(self.n_pages))


def is_stack(path: Path) -> bool:
    """Tell whether a TIFF has several pages that are pictures of their own.

    Raises
    ------
    InputError
        If the file is missing or damaged.

    Examples
    --------
    >>> is_stack(Path("photo.jpg"))
    False
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return False
    with opened_tiff(path) as file:
        series = pictures_of(file)
        return (
            len(series) == 1
            and not series[0].axes.startswith(("S", "C"))
            and len(series[0].pages) > 1
        )


def open_stack(path: Path, bands: Sequence[int] = ()) -> StackSource:
    """Open a TIFF of one or more pages.

    Parameters
    ----------
    path : pathlib.Path
    bands : sequence of int, optional
        Bands of a page to read, numbered from 1. Default: all.

    Returns
    -------
    StackSource

    Raises
    ------
    InputError
        If the file is missing, damaged, or its pages are not pictures.
    UsageError
        If a band does not exist.
    """
    with opened_tiff(path) as file:
        series = first_picture(file, path)
        page, n_pages = series.keyframe, len(series.pages)
        shape = page.imagelength, page.imagewidth
        n_bands = page.samplesperpixel - (page.extrasamples in ((1,), (2,)))
    if any(not 1 <= band <= n_bands for band in bands):
        expected = f"a list of band numbers in [1, {n_bands}] ({path})"
        raise UsageError(out_of_range("bands", expected, list(bands)))
    return StackSource(path, n_pages, shape, len(bands) or n_bands, tuple(bands))


def write_label_stack(path: Path, pages: Iterable[LabelMap], max_label: int) -> None:
    """Write label maps as the pages of one TIFF, without loss.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.tif`` or ``.tiff``.
    pages : iterable of ndarray of int32, shape (height, width)
        Written as they come, so that only one is held.
    max_label : int
        The largest label that may come.

    Raises
    ------
    UsageError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    import tifffile

    if path.suffix.lower() not in (".tif", ".tiff"):
        raise UsageError(out_of_range("-o", "a name that ends in .tif or .tiff", str(path)))
    dtype = np.min_scalar_type(max_label)
    with atomic_path(path) as temporary, tifffile.TiffWriter(temporary, bigtiff=True) as writer:
        for labels in pages:
            writer.write(
                labels.astype(dtype),
                contiguous=False,
                compression="zlib",
                photometric="minisblack",
                metadata=None,
            )
