"""OME-Zarr images (OME-NGFF 0.4; 0.5 is read too)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range, require
from nuriwake.io.faults import MAX_EXPANSION, check_declared, reading
from nuriwake.io.planes import PlaneSource, plane_of
from nuriwake.io.stored import AXES, Stored
from nuriwake.io.units import unit_name
from nuriwake.raster import Georeference

#: Suffix of the folders that this module reads and writes.
ZARR_SUFFIX = ".zarr"
_WHAT = "an OME-Zarr image"
#: Axes of images from before the format named them.
_OLD_AXES = "TCZYX"


@dataclass(frozen=True)
class ZarrPixels:
    """An array in a Zarr group, read when it is indexed; it holds no open file."""

    path: Path
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the image is damaged or gone.
        """
        array = open_array(self.path, self.dataset)
        with reading(self.path, _WHAT):
            return np.asarray(array[index])


def open_stored_zarr(path: Path, axes: str = "") -> Stored:
    """Open the full resolution of an OME-Zarr image.

    Parameters
    ----------
    path : pathlib.Path
        The folder of the image.
    axes : str, optional
        The letter of each dimension. Default: what the image says.

    Returns
    -------
    Stored
        Its pixels are read when they are indexed.

    Raises
    ------
    InputError
        If the folder is missing or is no OME-Zarr image.
    UsageError
        If the letters do not fit.
    MissingDependencyError
        If zarr is not installed.
    """
    attributes = _attributes(path)
    with reading(path, _WHAT):
        multiscale = _multiscale(path, attributes)
        named = [(str(a["name"]), str(a.get("unit", ""))) for a in multiscale.get("axes", ())]
        dataset = multiscale["datasets"][0]
        own = "".join(name for name, _ in named).upper() or _OLD_AXES
        scale, _ = _steps(dataset, len(own))
    array = open_array(path, dataset["path"])
    letters = axes or own
    if axes and len(axes) != array.ndim:
        expected = f"{array.ndim} letters for the shape {array.shape} of {path}"
        raise UsageError(out_of_range("--axes", expected, axes))
    fits = len(own) == array.ndim == len(set(letters)) and set("YX") <= set(letters) <= set(AXES)
    if not fits:
        raise InputError(f"{path}: axes {letters} do not fit an array of shape {array.shape}.")
    check_array(path, array)
    units = {letter: unit for letter, (_, unit) in zip(own, named, strict=False)}
    names = _channel_names(attributes, dict(zip(letters, array.shape, strict=True)).get("C", 1))
    pixels = ZarrPixels(path, dataset["path"], array.shape, np.dtype(array.dtype), array.chunks)
    return Stored(pixels, letters, scale, unit_name(units.get("X", "")), names)


def open_zarr(
    path: Path,
    bands: Sequence[int] = (),
    *,
    time: int | None = None,
    depth: int | None = None,
) -> PlaneSource:
    """Open one plane of an OME-Zarr image for windowed reading.

    Parameters
    ----------
    path : pathlib.Path
        The folder of the image.
    bands : sequence of int, optional
        Channels to read, numbered from 1. Default: all.
    time, depth : int, optional
        Which time point and which z slice, from 0; needed where there are several.

    Returns
    -------
    PlaneSource
        Its georeference is the physical size of a pixel, without a coordinate reference system.

    Raises
    ------
    InputError
        If the folder is missing, is no OME-Zarr image, or has several planes and none is chosen.
    UsageError
        If a channel or a plane does not exist.
    MissingDependencyError
        If zarr is not installed.
    """
    stored = open_stored_zarr(path)
    positions = {
        axis: _plane(path, axis, stored.size(axis), wish)
        for axis, wish in (("T", time), ("Z", depth))
        if axis in stored.axes
    }
    return plane_of_zarr(path, stored, positions, bands)


def plane_of_zarr(
    path: Path, stored: Stored, positions: Mapping[str, int], bands: Sequence[int] = ()
) -> PlaneSource:
    """Return one plane of an image, with its blocks and its place as the image has them."""
    pixels = stored.array.chunks if isinstance(stored.array, ZarrPixels) else stored.shape
    chunks = dict(zip(stored.axes, pixels, strict=True))
    source = replace(
        plane_of(path, stored, positions),
        block_shape=(chunks["Y"], chunks["X"]),
        georeference=_place(path, stored),
    )
    return source.select(bands) if bands else source


def _plane(path: Path, axis: str, size: int, wish: int | None) -> int:
    name = {"T": "time", "Z": "depth"}[axis]
    if wish is None and size > 1:
        way_out = f"Choose one with `{name}`, or --plane {axis.lower()}=0."
        raise InputError(f"{path}: has {size} planes along {axis.lower()}. {way_out}")
    if not 0 <= (wish or 0) < size:
        raise UsageError(out_of_range(name, f"an int in [0, {size - 1}]", wish))
    return wish or 0


def _attributes(path: Path) -> dict[str, Any]:
    """Return the metadata of an image; version 0.5 keeps it under a key of its own."""
    zarr = require("zarr", extra="zarr")
    if not path.is_dir():
        raise InputError(f"{path}: no such folder.")
    with reading(path, "a Zarr group"):
        attributes = dict(zarr.open_group(path, mode="r").attrs)
    nested = attributes.get("ome")
    return dict(nested) if isinstance(nested, dict) else attributes


def _multiscale(path: Path, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        multiscale: Mapping[str, Any] = attributes["multiscales"][0]
        _ = multiscale["datasets"][0]["path"]
    except (KeyError, IndexError, TypeError) as error:
        raise InputError(
            f"{path}: a Zarr group, but not an OME-Zarr image. Name an array in it: {path}::/PATH"
        ) from error
    return multiscale


def open_array(path: Path, dataset: str) -> Any:
    """Open an array of a group; its pixels are read when it is indexed."""
    zarr = require("zarr", extra="zarr")
    with reading(path, _WHAT):
        return zarr.open_array(path / dataset, mode="r")


def check_array(path: Path, array: Any) -> None:
    """Refuse complex pixels, and far more of them than the files can hold."""
    if array.dtype.kind not in "buif":
        raise InputError(f"{path}: pixels must be ints or floats; got {array.dtype}.")
    if 0 in array.shape or 0 in array.chunks:
        raise InputError(f"{path}: must have at least one pixel; got shape {array.shape}.")
    n_bytes = array.dtype.itemsize * max(math.prod(array.shape), math.prod(array.chunks))
    stored = 0
    for file in path.rglob("*"):
        if stored * MAX_EXPANSION >= n_bytes:
            break
        stored += file.stat().st_size if file.is_file() else 0
    what = f"an array of shape {array.shape} in chunks of {array.chunks}"
    check_declared(path, n_bytes, stored, what)


def _steps(dataset: Mapping[str, Any], n_axes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read scale and translation of the full resolution; 1 and 0 where there are none."""
    steps = {t["type"]: t for t in dataset.get("coordinateTransformations", ())}
    scale = steps.get("scale", {}).get("scale", [1.0] * n_axes)
    shift = steps.get("translation", {}).get("translation", [0.0] * n_axes)
    numbers = tuple(map(float, scale)), tuple(map(float, shift))
    if not all(math.isfinite(number) for number in (*numbers[0], *numbers[1])):
        raise ValueError("its scale is not finite")
    if not len(numbers[0]) == len(numbers[1]) == n_axes:
        raise ValueError("its scale has not one number for each axis")
    return numbers


def _place(path: Path, stored: Stored) -> Georeference | None:
    """Return the size of a pixel and the origin; None where the image says neither."""
    dataset = _multiscale(path, _attributes(path))["datasets"][0]
    if not dataset.get("coordinateTransformations"):
        return None
    _, shift = _steps(dataset, len(stored.axes))
    origin = dict(zip(stored.axes, shift, strict=True))
    transform = (stored.step("X"), 0.0, origin["X"], 0.0, stored.step("Y"), origin["Y"])
    return Georeference(None, transform, stored.unit)


def _channel_names(attributes: Mapping[str, Any], n_channels: int) -> tuple[str, ...]:
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or not all(isinstance(one, dict) for one in channels):
        return ()
    names = tuple(str(channel.get("label", "")) for channel in channels)
    return names if len(names) == n_channels and any(names) else ()


def read_zarr_tags(path: Path) -> dict[str, Any]:
    """Return the metadata that :func:`.label_zarr.write_label_zarr` stored.

    Raises
    ------
    InputError
        If it is no Zarr group.
    """
    return _attributes(path)
