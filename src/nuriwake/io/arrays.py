"""Whatever holds an image in Python -> a raster; no library but NumPy is needed for that.

A library is recognised by the module of the object's type and is not imported before one of its
objects comes: one converter a library, in one table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, NuriwakeError, UsageError
from nuriwake.io.axes import bands_last
from nuriwake.io.faults import DAMAGED
from nuriwake.raster import BoolMap, Raster, as_raster

if TYPE_CHECKING:
    from rasterio.io import DatasetReader
    from torch import Tensor


class SupportsArray(Protocol):
    """What NumPy makes an array of: arrays of Dask, Zarr, h5py, xarray, PyTorch, JAX."""

    def __array__(self) -> NDArray[Any]:
        """Return an ndarray."""


class SupportsArrayInterface(Protocol):
    """A picture of Pillow."""

    @property
    def __array_interface__(self) -> Mapping[str, Any]:
        """Describe the memory."""


class SupportsRead(Protocol):
    """A dataset of rasterio."""

    @property
    def count(self) -> int:
        """Number of bands."""

    def read(self) -> NDArray[Any]:
        """Read the bands."""


class SupportsSpacing(Protocol):
    """An image of SimpleITK."""

    def GetSpacing(self) -> tuple[float, ...]:  # noqa: N802 - theirs
        """Return the size of a pixel."""


#: What NumPy, or something like it, holds.
ArrayLike = NDArray[Any] | SupportsArray
#: An image as people hold it.
ImageLike = (
    Raster
    | ArrayLike
    | SupportsArrayInterface
    | SupportsRead
    | SupportsSpacing
    | str
    | os.PathLike[str]
)

_TAKEN = (
    "NumPy, Dask, Zarr and h5py arrays, PyTorch tensors, xarray's DataArrays, pictures of Pillow "
    "and SimpleITK, rasterio's datasets, and paths"
)


def to_raster(
    image: ImageLike,
    valid: ArrayLike | None = None,
    *,
    mask: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Raster:
    """Make a raster of an image in any form, and check it.

    Parameters
    ----------
    image : Raster, array, tensor, DataArray, picture, dataset, str or path
        Arrays of NumPy, Dask, Zarr and h5py and PyTorch's tensors are (height, width) or (height,
        width, bands) unless ``channel_axis`` says otherwise. The others say by themselves which
        axis is which, what is transparent or has no data, and where the image lies. What a masked
        array masks is no data. Lists have no dtype: those of whole numbers in [0, 255] are 8-bit
        pictures, as if they were an array of uint8.
    valid : array of bool, shape (height, width), optional
        False where there is no data. Pixels that are not finite never count.
    mask : array of bool, optional
        Another name for ``valid``, as in scikit-image: True counts.
    channel_axis : int or None
        Where the bands are in an array of three dimensions; None for an array of two. The default
        is the last axis, and an array whose shape speaks against it is refused; a number of 0 or
        more is taken at its word.

    Returns
    -------
    Raster

    Raises
    ------
    InputError
        If the image cannot be used, or has no valid pixel.
    UsageError
        If ``valid`` and ``mask`` are both given, or there is no such axis.

    Examples
    --------
    >>> bands_first = np.zeros((3, 48, 64), np.uint8)
    >>> to_raster(bands_first, channel_axis=0).shape
    (48, 64)
    >>> to_raster(np.ma.masked_equal([[0, 7]], 0)).valid
    array([[False,  True]])
    """
    if valid is not None and mask is not None:
        raise UsageError("`valid` and `mask` are two names for one thing. Give one of them.")
    counts, name = (mask, "mask") if valid is None else (valid, "valid")
    raster = _convert(image, channel_axis)
    return as_raster(raster, None if counts is None else _one_band(counts), name)


def to_rasters(
    images: Sequence[ImageLike],
    masks: ArrayLike | None = None,
    *,
    channel_axis: int | None = -1,
) -> list[Raster]:
    """Make rasters of several images, none of which has a mask of its own.

    Raises
    ------
    InputError
        If an image cannot be used.
    UsageError
        If a mask is given.
    """
    if masks is not None:
        raise UsageError(
            "`valid` and `mask` go with one image. For several, mask each by itself, for instance "
            "as a masked array of NumPy."
        )
    return [to_raster(image, channel_axis=channel_axis) for image in images]


def _one_band(mask: ArrayLike) -> BoolMap:
    array: NDArray[Any] = _convert(mask, -1).array
    return array[:, :, 0] if array.shape[2] == 1 else array


def _convert(image: ImageLike, channel_axis: int | None) -> Raster:
    """Find the converter and call it; what the library says against it becomes one line."""
    kind = type(image)
    roots = [base.__module__.partition(".")[0] for base in kind.__mro__]
    convert = next((_CONVERTERS[root] for root in roots if root in _CONVERTERS), _from_any)
    if isinstance(image, Raster):
        convert = _from_raster
    elif isinstance(image, str | os.PathLike):
        convert = _from_path
    try:
        return convert(image, channel_axis)
    except NuriwakeError:
        raise
    except DAMAGED as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise InputError(
            f"the {kind.__name__} of {roots[0]} cannot be read as an array ({reason})."
        ) from error


def _refuse_axis(kind: str, channel_axis: int | None) -> None:
    """Refuse ``channel_axis`` for what names its bands itself."""
    if channel_axis != -1:
        raise UsageError(
            f"`channel_axis` is for plain arrays; got {channel_axis} with {kind}, which says by "
            "itself where its bands are. Leave it out."
        )


def _from_raster(image: Raster, channel_axis: int | None) -> Raster:
    _refuse_axis("a Raster", channel_axis)
    return image


def _from_path(image: str | os.PathLike[str], channel_axis: int | None) -> Raster:
    from nuriwake.io.families import family_of
    from nuriwake.io.places import RemotePath, as_place
    from nuriwake.io.sources import read_input

    _refuse_axis("a path", channel_axis)
    text = os.fspath(image)
    place = image if isinstance(image, Path) and text[:1] != "~" else as_place(text)
    if not isinstance(place, RemotePath) and place.is_dir() and family_of(place) != "zarr":
        raise InputError(f"{place}: a folder is no picture. Give the path of one in it.")
    return read_input(place)


def _from_any(image: Any, channel_axis: int | None) -> Raster:
    """Take what NumPy can make an array of."""
    is_array = isinstance(image, list | tuple | memoryview) or any(
        hasattr(image, name) for name in ("__array__", "__array_interface__", "__buffer__")
    )
    # From Python 3.12 on these have __buffer__ too.
    is_file = isinstance(image, bytes | bytearray)
    if is_file or not is_array:
        name = "None" if image is None else f"a {type(image).__module__}.{type(image).__name__}"
        is_open = is_file or hasattr(image, "read")
        hint = " Decode it first, such as PIL.Image.open(io.BytesIO(data))." if is_open else ""
        raise InputError(f"the image must be one of {_TAKEN}; got {name}.{hint}")
    array = bands_last(_compact(image), channel_axis)
    return Raster(array, np.ones(array.shape[:2], bool))


def _compact(image: Any) -> NDArray[Any]:
    """Make an array; whole numbers of lists become uint8 where that holds them all."""
    array: NDArray[Any] = np.asarray(image)
    first = image
    while isinstance(first, list | tuple) and first:
        first = first[0]
    is_whole = isinstance(first, int) and array.dtype.kind == "i"
    fits = is_whole and array.min(initial=0) >= 0 and array.max(initial=0) <= np.iinfo(np.uint8).max
    return array.astype(np.uint8) if fits else array


def _from_numpy(image: NDArray[Any], channel_axis: int | None) -> Raster:
    """Take an array; a pixel that is masked in any band has no data, as with NaN."""
    array = bands_last(np.ma.getdata(image), channel_axis)
    if not isinstance(image, np.ma.MaskedArray):
        return Raster(array, np.ones(array.shape[:2], bool))
    hidden: NDArray[Any] = bands_last(np.ma.getmaskarray(image), channel_axis)
    return Raster(array, np.logical_not(hidden.any(axis=2)))


def _from_torch(image: Tensor, channel_axis: int | None) -> Raster:
    """Take a tensor of any device; bfloat16, which NumPy does not know, becomes float32."""
    dense = image if str(image.layout) == "torch.strided" else image.to_dense()
    known = str(dense.dtype) in ("torch.float16", "torch.float32", "torch.float64")
    wide = dense.float() if dense.dtype.is_floating_point and not known else dense
    return _from_numpy(wide.numpy(force=True), channel_axis)


def _from_stored(image: Any, channel_axis: int | None) -> Raster:
    """Take an array of Dask, Zarr or h5py, which is read whole."""
    if not hasattr(image, "shape"):
        holds = hasattr(image, "keys") and ", ".join(map(repr, sorted(image.keys())[:5]))
        raise InputError(
            f"a {type(image).__name__} is no array. Give one of those in it: {holds or 'none'}."
        )
    return _from_numpy(np.asarray(image), channel_axis)


def _from_pillow(image: Any, channel_axis: int | None) -> Raster:
    from nuriwake.io.picture import pillow_bands

    _refuse_axis("a picture of Pillow", channel_axis)
    bands, alpha = pillow_bands(image)
    array = bands_last(np.asarray(bands), -1 if bands.ndim == 2 else 2)
    valid = np.ones(array.shape[:2], bool) if alpha is None else alpha.astype(bool)
    return Raster(array, valid)


def _from_rasterio(image: DatasetReader, channel_axis: int | None) -> Raster:
    from nuriwake.io.geotiff import read_dataset

    _refuse_axis("a dataset of rasterio", channel_axis)
    return read_dataset(image)


def _from_xarray(image: Any, channel_axis: int | None) -> Raster:
    from nuriwake.io.dataarray import read_dataarray

    return read_dataarray(image, channel_axis)


def _from_simpleitk(image: Any, channel_axis: int | None) -> Raster:
    from nuriwake.io.itk import read_itk

    _refuse_axis("an image of SimpleITK", channel_axis)
    return read_itk(image)


#: By the first part of the name of the module that defines the type.
_CONVERTERS: Mapping[str, Callable[[Any, int | None], Raster]] = MappingProxyType(
    {
        "numpy": _from_numpy,
        "torch": _from_torch,
        "dask": _from_stored,
        "zarr": _from_stored,
        "h5py": _from_stored,
        "PIL": _from_pillow,
        "rasterio": _from_rasterio,
        "xarray": _from_xarray,
        "SimpleITK": _from_simpleitk,
    }
)
