"""Label images as OME-Zarr (OME-NGFF 0.4)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import OutputError, require
from nuriwake.raster import Georeference, Window

CHUNK = 512


def write_label_zarr(
    path: Path,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, NDArray[np.integer]]],
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
    blocks : iterable of (Window, ndarray of int)
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
    dtype = np.min_scalar_type(max_label)
    with atomic_folder(path) as (group, _):
        _write_pyramid(group, shape, blocks, dtype, georeference)
        group.attrs.update(tags or {})


@contextmanager
def atomic_folder(path: Path) -> Iterator[tuple[Any, Path]]:
    """Give a Zarr group to write, which appears under its name when the block ends well.

    Yields
    ------
    group : zarr.Group
    folder : pathlib.Path
        Where it lies meanwhile.

    Raises
    ------
    OutputError
        If there is something of this name already, or it cannot be written.
    MissingDependencyError
        If zarr is not installed.
    """
    zarr = require("zarr", extra="zarr")
    if path.exists():
        raise OutputError(f"{path}: cannot be written (it exists already).")
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield zarr.open_group(temporary, mode="w", zarr_format=2), temporary
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
    group: Any,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, NDArray[np.integer]]],
    dtype: np.dtype[np.generic],
    georeference: Georeference | None,
) -> None:
    level = new_array(group, "0", shape, dtype)
    for window, labels in blocks:
        level[window.slices] = labels.astype(dtype)
    n_levels = 1
    while max(level.shape) > CHUNK:
        level = _halve(group, level, str(n_levels))
        n_levels += 1
    a, _, c, _, e, f = georeference.transform if georeference else (1.0, 0, 0.0, 0, 1.0, 0.0)
    unit = georeference.unit if georeference else ""
    steps = [((e * 2**number, a * 2**number), (f, c)) for number in range(n_levels)]
    group.attrs.update(label_multiscale("yx", unit, steps))


def label_multiscale(
    axes: str, unit: str, levels: Sequence[tuple[Sequence[float], Sequence[float]]]
) -> dict[str, Any]:
    """Return the metadata of a label image.

    Parameters
    ----------
    axes : str
        Such as ``tzyx``.
    unit : str
        Of lengths, such as ``micrometer``; empty where unknown. Time is in seconds.
    levels : sequence of (scale, translation) pairs
        Of each array, the largest first; one number for each axis.

    Examples
    --------
    >>> label_multiscale("yx", "micrometer", [((0.5, 0.5), (0.0, 0.0))])["multiscales"][0]["axes"]
    [{'name': 'y', 'type': 'space', 'unit': 'micrometer'},
     {'name': 'x', 'type': 'space', 'unit': 'micrometer'}]
    """
    named = []
    for name in axes:
        is_time = name == "t"
        known = "second" if is_time else unit
        axis = {"name": name, "type": "time" if is_time else "space"}
        named.append({**axis, "unit": known} if known else axis)
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": list(scale)},
                {"type": "translation", "translation": list(translation)},
            ],
        }
        for number, (scale, translation) in enumerate(levels)
    ]
    multiscale = {"version": "0.4", "name": "labels", "axes": named, "datasets": datasets}
    return {"multiscales": [multiscale], "image-label": {"version": "0.4"}}


def new_array(group: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Any:
    """Make an array of one level; a chunk lies in one plane."""
    height, width = shape[-2:]
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=((1,) * (len(shape) - 2) + (min(CHUNK, height), min(CHUNK, width))),
        fill_value=0,
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )


def _halve(group: Any, level: Any, name: str) -> Any:
    """Write every second pixel of a level as the next one, a few rows of chunks at a time."""
    height, width = level.shape
    smaller = new_array(group, name, ((height + 1) // 2, (width + 1) // 2), level.dtype)
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
