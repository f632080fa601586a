"""What a TIFF says of its axes: OME's and ImageJ's metadata, tifffile's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.faults import reading
from nuriwake.io.stored import AXES, Stored
from nuriwake.io.tiff import check_page, first_picture, masks_of, opened_tiff
from nuriwake.io.units import in_seconds, in_unit, unit_name

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

#: Values of ExtraSamples that mean alpha, associated or not.
_ALPHA = (1, 2)


@dataclass(frozen=True)
class TiffPixels:
    """The pixels of a TIFF, decoded when they are indexed; it holds no open file.

    Parameters
    ----------
    path : pathlib.Path
    shape : tuple of int
    dtype : numpy.dtype
        In the byte order of the file.
    pages : tuple of int
        Which page holds each position of the leading axes, in C order; -1 where there is none.
    n_leading : int
        Axes that run over pages.
    offset : int or None
        Where the pixels begin, if they lie in one piece and are not compressed.
    blank : int
        What stands where there is no page.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pages: tuple[int, ...]
    n_leading: int
    offset: int | None
    blank: int = 0

    @property
    def is_page(self) -> bool:
        """Whether all of it is one page."""
        return self.n_leading == 0

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        if self.offset is not None:
            with reading(self.path, "a TIFF"):
                whole = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
                return np.array(whole[index], self.dtype.newbyteorder("="))
        leading, trailing = index[: self.n_leading], index[self.n_leading :]
        sizes = self.shape[: self.n_leading]
        chosen = np.arange(math.prod(sizes)).reshape(sizes)[leading]
        parts = self._read(chosen.ravel(), trailing)
        return np.stack(parts).reshape((*chosen.shape, *parts[0].shape))

    def _read(self, positions: NDArray[Any], part: tuple[int | slice, ...]) -> list[NDArray[Any]]:
        parts = []
        with opened_tiff(self.path, is_checked=True) as file:
            for position in positions:
                number = self.pages[position]
                if number >= len(file.pages):
                    raise InputError(f"{self.path}: page {number} cannot be read (it is cut off).")
                if number < 0:
                    blank = np.full(self.shape[self.n_leading :], self.blank, self.dtype)
                    parts.append(blank[part])
                    continue
                page = file.pages[number]
                check_page(page, f"{self.path}, page {number + 1}")
                parts.append(page.asarray()[part])
        return parts


@dataclass(frozen=True)
class Described:
    """What the metadata say.

    Parameters
    ----------
    steps : Mapping of letter to float
        Time in seconds; depth, rows and columns in ``unit``.
    unit : str
    channel_names : tuple of str
    """

    steps: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""
    channel_names: tuple[str, ...] = ()


def open_stored_tiff(path: Path, axes: str = "") -> Stored:
    """Open the one picture, or the one stack, of a TIFF.

    Parameters
    ----------
    path : pathlib.Path
    axes : str, optional
        The letter of each dimension. Default: what the file says.

    Returns
    -------
    Stored
        Its pixels are read when they are indexed.

    Raises
    ------
    InputError
        If the file is missing or damaged, or does not say clearly which axis is which.
    UsageError
        If the letters do not fit.
    """
    with opened_tiff(path) as file:
        series = first_picture(file, path)
        described = _describe(file)
        pixels = _pixels(path, file, series)
        extra = series.keyframe.extrasamples
        has_alpha = len(extra) == 1 and int(extra[0]) in _ALPHA and series.axes.endswith("S")
        has_alpha = has_alpha and series.shape[-1] > 1
        if axes:
            letters = _checked(axes, pixels.shape, path)
        else:
            letters, pixels = _own_axes(series.axes, pixels)
        mask = _mask(file, letters, pixels)
    stored = Stored(
        pixels,
        letters,
        tuple(described.steps.get(letter, 1.0) for letter in letters),
        described.unit,
        has_alpha=has_alpha,
    )
    names = described.channel_names
    return Stored(
        pixels,
        letters,
        stored.spacing,
        described.unit,
        names if len(names) == stored.size("C") else (),
        has_alpha,
        mask,
    )


def open_stored_page(path: Path, page: int) -> Stored:
    """Open one page of a TIFF, whatever the others are.

    Parameters
    ----------
    path : pathlib.Path
    page : int
        From 1.

    Returns
    -------
    Stored

    Raises
    ------
    InputError
        If the file is missing or damaged.
    UsageError
        If there is no such page.
    """
    with opened_tiff(path) as file:
        n_pages = len(file.pages)
        if not 1 <= page <= n_pages:
            raise UsageError(out_of_range("--page", f"an int in [1, {n_pages}] ({path})", page))
        chosen = file.pages[page - 1]
        check_page(chosen, f"{path}, page {page}")
        dtype = np.dtype(chosen.dtype).newbyteorder(file.byteorder)
        pixels = TiffPixels(path, tuple(chosen.shape), dtype, (page - 1,), 0, None)
        extra = chosen.extrasamples
        has_alpha = len(extra) == 1 and int(extra[0]) in _ALPHA and chosen.axes.endswith("S")
        has_alpha = has_alpha and chosen.shape[-1] > 1
        letters, pixels = _own_axes(chosen.axes, pixels)
        mask = _mask(file, letters, pixels)
    return Stored(pixels, letters, has_alpha=has_alpha, mask=mask)


def _mask(file: TiffFile, letters: str, pixels: TiffPixels) -> TiffPixels | None:
    """Return the mask pages of the pages that are read; None where there are none."""
    masks = masks_of(file)
    found = tuple(masks.get(page, -1) for page in pixels.pages)
    leading = letters[: pixels.n_leading]
    fits = len(found) == math.prod(pixels.shape[: pixels.n_leading]) and "C" not in leading
    if not fits or max(found) < 0:
        return None
    shape = tuple(size for size, letter in zip(pixels.shape, letters, strict=True) if letter != "C")
    return TiffPixels(pixels.path, shape, np.dtype(bool), found, pixels.n_leading, None, blank=1)


def _pixels(path: Path, file: TiffFile, series: TiffPageSeries) -> TiffPixels:
    keyframe = series.keyframe
    n_leading = len(series.shape) - len(keyframe.shape)
    foreign = any(page is not None and page.parent is not file for page in series.pages)
    if foreign:
        raise InputError(f"{path}: its planes lie in several files. Convert them to one first.")
    pages = tuple(-1 if page is None else int(page.index) for page in series.pages)
    offset = series.dataoffset
    fits = n_leading >= 0 and series.shape[max(n_leading, 0) :] == keyframe.shape
    if offset is None and not (fits and math.prod(series.shape[:n_leading]) == len(pages)):
        raise InputError(f"{path}: {len(pages)} pages do not fit axes {series.axes}.")
    dtype = np.dtype(keyframe.dtype).newbyteorder(file.byteorder)
    return TiffPixels(path, tuple(series.shape), dtype, pages, max(n_leading, 0), offset)


def _checked(axes: str, shape: tuple[int, ...], path: Path) -> str:
    if len(axes) != len(shape):
        expected = f"{len(shape)} letters for the shape {shape} of {path}"
        raise UsageError(out_of_range("--axes", expected, axes))
    return axes


def _own_axes(axes: str, pixels: TiffPixels) -> tuple[str, TiffPixels]:
    """Translate tifffile's letters: samples are channels; pages of unknown meaning are one axis."""
    letters = "".join("C" if a == "S" else a if a in AXES else "I" for a in axes)
    n_unknown = len(letters) - len(letters.lstrip("I"))
    if n_unknown > 1 and pixels.n_leading >= n_unknown:
        shape = (math.prod(pixels.shape[:n_unknown]), *pixels.shape[n_unknown:])
        n_leading = pixels.n_leading - n_unknown + 1
        letters = letters[n_unknown - 1 :]
        pixels = TiffPixels(
            pixels.path, shape, pixels.dtype, pixels.pages, n_leading, pixels.offset
        )
    if len(set(letters)) < len(letters) or not set("YX") <= set(letters):
        raise InputError(
            f"{pixels.path}: cannot tell its axes, {axes} of shape {pixels.shape}. Name them, such "
            f"as --axes {'TZCYX'[-len(pixels.shape) :]}."
        )
    return letters, pixels


def _describe(file: TiffFile) -> Described:
    if file.ome_metadata:
        return _of_ome(file.ome_metadata)
    if file.imagej_metadata:
        return _of_imagej(file.imagej_metadata, file.pages.first.tags)
    return Described()


def _first(value: Any) -> Mapping[str, Any]:
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, Mapping) else {}


def _of_ome(text: str) -> Described:
    import tifffile

    ome = _first(tifffile.xml2dict(text).get("OME"))
    pixels = _first(_first(ome.get("Image")).get("Pixels"))
    unit = unit_name(str(pixels.get("PhysicalSizeXUnit", "µm"))) if _sizes(pixels) else ""
    steps = {}
    for letter, size in _sizes(pixels).items():
        own = unit_name(str(pixels.get(f"PhysicalSize{letter}Unit", "µm")))
        if (length := in_unit(size, own, unit)) is not None:
            steps[letter] = length
    increment = pixels.get("TimeIncrement")
    if increment:
        seconds = in_seconds(float(increment), str(pixels.get("TimeIncrementUnit", "s")))
        steps |= {} if seconds is None else {"T": seconds}
    channels = pixels.get("Channel")
    listed = channels if isinstance(channels, list) else [channels]
    names = tuple(str(_first(channel).get("Name", "")) for channel in listed)
    return Described(steps, unit, names if any(names) else ())


def _sizes(pixels: Mapping[str, Any]) -> dict[str, float]:
    sizes = {letter: pixels.get(f"PhysicalSize{letter}") for letter in "ZYX"}
    return {letter: float(size) for letter, size in sizes.items() if size}


def _of_imagej(metadata: Mapping[str, Any], tags: Any) -> Described:
    steps: dict[str, float] = {}
    unit = unit_name(str(metadata.get("unit", "")))
    if unit:
        for letter, tag in (("X", "XResolution"), ("Y", "YResolution")):
            per_unit, over = tags[tag].value if tag in tags else (0, 0)
            if per_unit and over:
                steps[letter] = over / per_unit
        steps["Z"] = float(metadata.get("spacing", 1.0))
    if metadata.get("finterval"):
        steps["T"] = float(metadata["finterval"])
    return Described(steps, unit)
