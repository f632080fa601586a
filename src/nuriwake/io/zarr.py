"""OME-Zarr: images in, label images out (OME-NGFF 0.4; 0.5 is read too)."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, OutputError, UsageError, out_of_range, require
from nuriwake.io.banded import BandedFile
from nuriwake.io.faults import MAX_EXPANSION, check_declared, reading
from nuriwake.raster import Georeference, LabelMap, Raster, Window, holds_data

#: Suffix of the folders that this module reads and writes.
ZARR_SUFFIX = ".zarr"
CHUNK = 512
_WHAT = "an OME-Zarr image"
#: Axes of images from before the format named them.
_OLD_AXES = ("t", "c", "z", "y", "x")


@dataclass(frozen=True, kw_only=True)
class ZarrSource(BandedFile):
    """The full resolution of an OME-Zarr image, read window by window; from :func:`open_zarr`.

    Its bands are the image's channels; its georeference is the physical size of a pixel, without a
    coordinate reference system.

    Parameters
    ----------
    dataset : str
        The array inside the image's folder.
    axes : tuple of str
        Such as ``("t", "c", "z", "y", "x")``.
    plane : Mapping of str to int
        Index on the axes ``t`` and ``z``. The others are those of :class:`.banded.BandedFile`.
    """

    dataset: str
    axes: tuple[str, ...]
    plane: Mapping[str, int]

    def read(self, window: Window) -> Raster:
        """Read the pixels of one window; those that are not finite are invalid.

        Raises
        ------
        InputError
            If the image is damaged or gone.
        """
        array = _open_array(self.path, self.dataset)
        rows, cols = window.slices
        with reading(self.path, _WHAT):
            channels = [np.asarray(array[self._index(band, rows, cols)]) for band in self.bands]
            values = np.stack(channels, axis=-1)
        valid = holds_data(values)
        place = self.georeference.shifted(window.row, window.col) if self.georeference else None
        return Raster(values, valid, place, self.band_names, self.path)

    def _index(self, band: int, rows: slice, cols: slice) -> tuple[int | slice, ...]:
        index: dict[str, int | slice] = {"c": band - 1, "y": rows, "x": cols, **self.plane}
        return tuple(index[axis] for axis in self.axes)


def open_zarr(
    path: Path,
    bands: Sequence[int] = (),
    *,
    time: int | None = None,
    depth: int | None = None,
) -> ZarrSource:
    """Open an OME-Zarr image for windowed reading.

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
    ZarrSource

    Raises
    ------
    InputError
        If the folder is missing, is no OME-Zarr image, or has several planes and none is chosen.
    UsageError
        If a channel or a plane does not exist.
    MissingDependencyError
        If zarr is not installed.
    """
    attributes = _attributes(path)
    with reading(path, _WHAT):
        multiscale = _multiscale(path, attributes)
        axes = tuple(str(a["name"]) for a in multiscale.get("axes", ())) or _OLD_AXES
        dataset = multiscale["datasets"][0]
        georeference = _pixel_size(dataset, axes)
    array = _open_array(path, dataset["path"])
    if len(set(axes)) != array.ndim or not set("yx") <= set(axes) <= set(_OLD_AXES):
        raise InputError(f"{path}: axes {axes} do not fit an array of shape {array.shape}.")
    _check_array(path, array)
    sizes, chunks = (dict(zip(axes, n, strict=True)) for n in (array.shape, array.chunks))
    n_channels = sizes.get("c", 1)
    source = ZarrSource(
        path=path,
        dataset=dataset["path"],
        axes=axes,
        plane={
            axis: _plane(path, axis, sizes[axis], wish)
            for axis, wish in (("t", time), ("z", depth))
            if axis in axes
        },
        bands=tuple(range(1, n_channels + 1)),
        n_file_bands=n_channels,
        shape=(sizes["y"], sizes["x"]),
        block_shape=(chunks["y"], chunks["x"]),
        dtype=np.dtype(array.dtype).name,
        georeference=georeference,
        file_band_names=_channel_names(attributes, n_channels),
    )
    return source.select(bands) if bands else source


def _plane(path: Path, axis: str, size: int, wish: int | None) -> int:
    name = {"t": "time", "z": "depth"}[axis]
    if wish is None and size > 1:
        raise InputError(f"{path}: has {size} planes along {axis}. Choose one with `{name}`.")
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
        raise InputError(f"{path}: a Zarr group, but not an OME-Zarr image.") from error
    return multiscale


def _open_array(path: Path, dataset: str) -> Any:
    zarr = require("zarr", extra="zarr")
    with reading(path, _WHAT):
        return zarr.open_array(path / dataset, mode="r")


def _check_array(path: Path, array: Any) -> None:
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


def _pixel_size(dataset: Mapping[str, Any], axes: tuple[str, ...]) -> Georeference | None:
    """Read scale and translation of the full resolution."""
    steps = {t["type"]: t for t in dataset.get("coordinateTransformations", ())}
    if "scale" not in steps:
        return None
    shift = [0.0] * len(axes)
    scale, origin = (
        dict(zip(axes, map(float, numbers), strict=True))
        for numbers in (
            steps["scale"]["scale"],
            steps.get("translation", {}).get("translation", shift),
        )
    )
    if not all(math.isfinite(number) for number in (*scale.values(), *origin.values())):
        raise ValueError("its scale is not finite")
    return Georeference(None, (scale["x"], 0.0, origin["x"], 0.0, scale["y"], origin["y"]))


def _channel_names(attributes: Mapping[str, Any], n_channels: int) -> tuple[str, ...]:
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list) or not all(isinstance(one, dict) for one in channels):
        return ()
    names = tuple(str(channel.get("label", "")) for channel in channels)
    return names if len(names) == n_channels and any(names) else ()


def write_label_zarr(
    path: Path,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, LabelMap]],
    *,
    max_label: int,
    georeference: Georeference | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a label image with a pyramid by nearest neighbour, as OME-Zarr 0.4.

    It appears under its name when it is whole. In the folder ``labels`` of an image it becomes one
    of that image's labels.

    Parameters
    ----------
    path : pathlib.Path
        The folder to make, such as ``labels.zarr`` or ``image.zarr/labels/regions``.
    shape : tuple of int
        Height and width.
    blocks : iterable of (Window, ndarray of int32)
        The map in pieces, each pixel once.
    max_label : int
        The largest label that may come.
    georeference : Georeference, optional
        Its pixel size and origin are kept.
    tags : mapping of str to str, optional
        Kept in the group's metadata.

    Raises
    ------
    OutputError
        If there is something of this name already, or it cannot be written.
    MissingDependencyError
        If zarr is not installed.
    """
    require("zarr", extra="zarr")
    if path.exists():
        raise OutputError(f"{path}: cannot be written (it exists already).")
    temporary = path.with_name(f".{path.name}.part")
    try:
        _write_pyramid(temporary, shape, blocks, np.min_scalar_type(max_label), georeference, tags)
        temporary.replace(path)
        register_label(path)
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{path}: cannot be written ({reason}).") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_pyramid(
    folder: Path,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, LabelMap]],
    dtype: np.dtype[np.generic],
    georeference: Georeference | None,
    tags: Mapping[str, str] | None,
) -> None:
    import zarr

    group = zarr.open_group(folder, mode="w", zarr_format=2)
    level = _new_array(group, "0", shape, dtype)
    for window, labels in blocks:
        level[window.slices] = labels.astype(dtype)
    n_levels = 1
    while max(level.shape) > CHUNK:
        level = _halve(group, level, str(n_levels))
        n_levels += 1
    a, _, c, _, e, f = georeference.transform if georeference else (1.0, 0, 0.0, 0, 1.0, 0.0)
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [e * 2**number, a * 2**number]},
                {"type": "translation", "translation": [f, c]},
            ],
        }
        for number in range(n_levels)
    ]
    axes = [{"name": name, "type": "space"} for name in ("y", "x")]
    multiscale = {"version": "0.4", "name": "labels", "axes": axes, "datasets": datasets}
    group.attrs.update(
        {"multiscales": [multiscale], "image-label": {"version": "0.4"}, **(tags or {})}
    )


def _new_array(group: Any, name: str, shape: tuple[int, int], dtype: np.dtype[np.generic]) -> Any:
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=(min(CHUNK, shape[0]), min(CHUNK, shape[1])),
        fill_value=0,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )


def _halve(group: Any, level: Any, name: str) -> Any:
    """Write every second pixel of a level as the next one, a few rows of chunks at a time."""
    height, width = level.shape
    smaller = _new_array(group, name, ((height + 1) // 2, (width + 1) // 2), level.dtype)
    for row in range(0, height, 2 * CHUNK):
        rows: NDArray[np.generic] = level[row : row + 2 * CHUNK]
        smaller[row // 2 : (row + len(rows) + 1) // 2] = rows[::2, ::2]
    return smaller


def register_label(path: Path) -> None:
    """Name a label image in the list of its image's labels, where it lies among them.

    Parameters
    ----------
    path : pathlib.Path
        Such as ``image.zarr/labels/regions``. A hidden name is a file that is being written.
    """
    if path.parent.name == "labels" and not path.name.startswith("."):
        _register(path)


def _register(path: Path) -> None:
    """Name a label image in the list that its image keeps."""
    import zarr

    group = zarr.open_group(path.parent, mode="a", zarr_format=2)
    names = list(group.attrs.get("labels", []))
    group.attrs["labels"] = [*names, *([path.name] if path.name not in names else [])]


def read_zarr_tags(path: Path) -> dict[str, Any]:
    """Return the metadata that :func:`write_label_zarr` stored.

    Raises
    ------
    InputError
        If it is no Zarr group.
    """
    return _attributes(path)
