"""A raster in memory, windows on rasters, and what a windowed file must offer.

A :class:`Raster` is an array of shape (height, width, bands) with a mask of valid pixels and, where
the file had one, its place on the ground. Everything downstream takes rasters, so that "which
pixels count?" is answered once, here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range

if TYPE_CHECKING:
    from xarray import DataArray

BoolMap = NDArray[np.bool_]
LabelMap = NDArray[np.int32]
#: Floats of this size and above are no data: no measure gives them, and files that mean "nothing"
#: hold the largest float32 (3.4e38) or float64 (1.8e308) without saying so.
NO_DATA_FROM = 1e38


@dataclass(frozen=True)
class Georeference:
    """The place of a raster on the ground, or the size of its pixels under a microscope.

    Parameters
    ----------
    crs : str or None
        Coordinate reference system as WKT; None where the file has a transform only.
    transform : tuple of 6 floats
        The affine map (a, b, c, d, e, f) from (column, row) to map units:
        x = a * column + b * row + c, y = d * column + e * row + f.
    unit : str
        Of lengths where there is no reference system, such as ``micrometer``; empty where unknown.

    Examples
    --------
    >>> Georeference(None, (10.0, 0.0, 500.0, 0.0, -10.0, 900.0)).shifted(row=2, col=3).transform
    (10.0, 0.0, 530.0, 0.0, -10.0, 880.0)
    """

    crs: str | None
    transform: tuple[float, float, float, float, float, float]
    unit: str = ""

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Height and width of a pixel in map units."""
        a, b, _, d, e, _ = self.transform
        return math.hypot(b, e), math.hypot(a, d)

    def shifted(self, row: int, col: int) -> Georeference:
        """Return the georeference of the window whose first pixel is (row, col)."""
        a, b, c, d, e, f = self.transform
        origin = (a * col + b * row + c, d * col + e * row + f)
        return replace(self, transform=(a, b, origin[0], d, e, origin[1]))


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: the first row and column, the height and the width.

    Examples
    --------
    >>> window = Window(row=0, col=4, height=2, width=3)
    >>> window.expand(1, within=(10, 10))
    Window(row=0, col=3, height=3, width=5)
    >>> window.relative_to(Window(0, 3, 3, 5))
    Window(row=0, col=1, height=2, width=3)
    """

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.row, self.col, self.height, self.width) < 0:
            raise UsageError(out_of_range("Window", "four ints of at least 0", self._tuple()))

    def _tuple(self) -> tuple[int, int, int, int]:
        return self.row, self.col, self.height, self.width

    @classmethod
    def full(cls, shape: tuple[int, int]) -> Window:
        """Return the window that covers a raster of this (height, width)."""
        return cls(0, 0, *shape)

    @property
    def end_row(self) -> int:
        """The first row below the window."""
        return self.row + self.height

    @property
    def end_col(self) -> int:
        """The first column to the right of the window."""
        return self.col + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def n_pixels(self) -> int:
        """Height times width."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an array: ``array[window.slices]``."""
        return slice(self.row, self.end_row), slice(self.col, self.end_col)

    def expand(self, halo: int, within: tuple[int, int]) -> Window:
        """Grow by ``halo`` pixels on each side, clipped to a raster of shape ``within``."""
        row, col = max(0, self.row - halo), max(0, self.col - halo)
        end_row, end_col = (
            min(within[0], self.end_row + halo),
            min(within[1], self.end_col + halo),
        )
        return Window(row, col, end_row - row, end_col - col)

    def relative_to(self, outer: Window) -> Window:
        """Return the same pixels in the coordinates of ``outer``, which must contain them."""
        return Window(self.row - outer.row, self.col - outer.col, self.height, self.width)

    def intersect(self, other: Window) -> Window:
        """Return the common pixels; a window of size 0 where there are none."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = max(0, min(self.end_row, other.end_row) - row)
        width = max(0, min(self.end_col, other.end_col) - col)
        return Window(row, col, height, width)


@dataclass(frozen=True, eq=False)
class Raster:
    """An image of any number of bands, with the mask of its valid pixels.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)
        Pixel values of any real dtype.
    valid : ndarray of bool, shape (height, width)
        False where there is no data; such pixels get label 0 and teach the network nothing.
    georeference : Georeference or None
        Place on the ground.
    band_names : tuple of str
        Names from the file, empty where it has none.
    path : pathlib.Path or None
        The file it was read from, for messages.
    plane : xarray.DataArray or None
        One band of the DataArray it was made of, whose dimensions and coordinates results get.

    Examples
    --------
    >>> raster = as_raster(np.zeros((4, 6), np.uint8))
    >>> raster.shape, raster.n_bands, int(raster.valid.sum())
    ((4, 6), 1, 24)
    """

    array: NDArray[np.generic]
    valid: BoolMap
    georeference: Georeference | None = None
    band_names: tuple[str, ...] = ()
    path: Path | None = field(default=None)
    plane: DataArray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.array.shape[0], self.array.shape[1]

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.array.shape[2])

    @property
    def name(self) -> str:
        """The path, or "the array" where there is none: the subject of messages."""
        return str(self.path) if self.path else "the array"

    def select_bands(self, bands: Sequence[int]) -> Raster:
        """Keep some bands, in this order; numbered from 1 as in the file.

        Raises
        ------
        UsageError
            If a band does not exist.
        """
        wrong = [band for band in bands if not 1 <= band <= self.n_bands]
        if wrong or not bands:
            expected = f"a list of band numbers in [1, {self.n_bands}] ({self.name})"
            raise UsageError(out_of_range("bands", expected, list(bands)))
        index = [band - 1 for band in bands]
        names = tuple(self.band_names[i] for i in index) if self.band_names else ()
        return replace(self, array=self.array[:, :, index], band_names=names)

    def read(self, window: Window) -> Raster:
        """Return a view of the pixels of a window, so that a raster is itself a windowed source."""
        shifted = self.georeference.shifted(window.row, window.col) if self.georeference else None
        return replace(
            self,
            array=self.array[window.slices],
            valid=self.valid[window.slices],
            georeference=shifted,
            plane=None,
        )


def as_raster(
    image: Raster | NDArray[np.generic], valid: BoolMap | None = None, name: str = "valid"
) -> Raster:
    """Make a raster of an array, and check it.

    Pixels with a NaN, an infinite value, or one of 1e38 and beyond in any band become invalid.

    Parameters
    ----------
    image : Raster or ndarray of shape (height, width) or (height, width, bands)
        Any real dtype: bool, integers or floats.
    valid : ndarray of bool, shape (height, width), optional
        False where there is no data. Default: every finite pixel counts.
    name : str
        What the caller's parameter of the valid pixels is called.

    Returns
    -------
    Raster

    Raises
    ------
    InputError
        If the array is empty, not two- or three-dimensional, not real, or has no valid pixel.

    Examples
    --------
    >>> as_raster(np.array([[1.0, np.nan]])).valid
    array([[ True, False]])
    """
    raster = image if isinstance(image, Raster) else _from_array(np.asarray(image))
    if raster.array.dtype.kind not in "buif":
        raise InputError(
            f"{raster.name} must be of a real dtype (bool, int, float); got {raster.array.dtype}."
        )
    _check_shape(raster.array, raster.name)
    for mask in (raster.valid, valid):
        if mask is not None and (mask.shape != raster.shape or mask.dtype != bool):
            got = f"{mask.dtype} of shape {mask.shape}"
            raise InputError(f"`{name}` must be a bool array of shape {raster.shape}; got {got}.")
    if valid is not None:
        raster = replace(raster, valid=raster.valid & valid)
    if raster.array.dtype.kind == "f":
        raster = replace(raster, valid=raster.valid & holds_data(raster.array))
    if not raster.valid.any():
        raise InputError(
            f"{raster.name} has no valid pixel: all {raster.valid.size} are nodata, not finite, or "
            "beyond 1e38."
        )
    return raster


def holds_data(array: NDArray[np.generic]) -> BoolMap:
    """Tell which pixels hold numbers in every band; see :data:`NO_DATA_FROM`.

    Parameters
    ----------
    array : ndarray of shape (height, width, bands)

    Returns
    -------
    ndarray of bool, shape (height, width)

    Examples
    --------
    >>> holds_data(np.array([[[1.0], [np.nan], [-1.8e308]]]))
    array([[ True, False, False]])
    """
    if array.dtype.kind != "f":
        return np.ones(array.shape[:2], bool)
    is_number = np.isfinite(array) if array.dtype.itemsize < 4 else np.abs(array) < NO_DATA_FROM
    found: BoolMap = is_number.all(axis=2)
    return found


def _from_array(array: NDArray[np.generic]) -> Raster:
    array = array[:, :, np.newaxis] if array.ndim == 2 else array
    return Raster(array, np.ones(array.shape[:2], bool))


def _check_shape(array: NDArray[np.generic], name: str) -> None:
    if array.ndim != 3 or array.size == 0:
        raise InputError(
            f"{name} must have shape (height, width) or (height, width, bands) with at least one "
            f"pixel; got shape {array.shape}."
        )


class WindowedSource(Protocol):
    """A raster that is read window by window; :class:`Raster` is one, and so are files."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""

    @property
    def n_bands(self) -> int:
        """Number of bands."""

    @property
    def georeference(self) -> Georeference | None:
        """Place on the ground."""

    def read(self, window: Window) -> Raster:
        """Read the pixels of one window."""


class WindowedSink(Protocol):
    """A label map that is written window by window."""

    def write(self, window: Window, labels: LabelMap) -> None:
        """Write the labels of one window, shape (window.height, window.width)."""

    def close(self) -> None:
        """Finish the file and move it to its final name."""
