"""HDF5: one dataset of a file, named as ``FILE::/path``, or the only one that there is."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, require
from nuriwake.io.faults import check_declared, check_file, reading
from nuriwake.io.places import DatasetPath
from nuriwake.io.stored import AXES, Stored
from nuriwake.io.trial import try_hdf5

if TYPE_CHECKING:
    from h5py import Dataset, File

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf")
_WHAT = "an HDF5 file"
#: So many names of datasets are listed.
_FEW = 5


@dataclass(frozen=True)
class Hdf5Pixels:
    """A dataset, read when it is indexed; it holds no open file."""

    path: Path
    inner: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        h5py = require("h5py", extra="zarr")
        with reading(self.path, _WHAT), h5py.File(self.path, "r") as file:
            return np.asarray(file[self.inner][index], self.dtype)


def open_stored_hdf5(path: Path, axes: str = "") -> Stored:
    """Open one dataset of an HDF5 file.

    Parameters
    ----------
    path : pathlib.Path
        A :class:`.places.DatasetPath` names the dataset; a plain path means the only one.
    axes : str, optional
        The letter of each dimension. Default: what the dataset says, and ``YX`` for two.

    Returns
    -------
    Stored
        Its pixels are read when they are indexed.

    Raises
    ------
    InputError
        If the file is missing or damaged, has no such dataset, or it is not clear which one is
        meant or what its axes are.
    MissingDependencyError
        If h5py is not installed.
    """
    h5py = require("h5py", extra="zarr")
    file_path = path.file if isinstance(path, DatasetPath) else path
    n_bytes = check_file(file_path)
    try_hdf5(file_path, "h5py")
    with reading(path, _WHAT), h5py.File(file_path, "r") as file:
        if isinstance(path, DatasetPath):
            found = _dataset(file, path.inner, path)
        else:
            found = _only_dataset(file, path)
        shape, dtype = tuple(map(int, found.shape)), np.dtype(found.dtype)
        inner, own = str(found.name), axes or _own_axes(found)
        steps = _steps(found, len(shape))
    if dtype.kind not in "buif" or min(shape, default=1) < 1:
        raise InputError(f"{path}: pixels must be ints or floats; got {dtype} of shape {shape}.")
    what = f"an array of shape {shape}"
    check_declared(path, math.prod(shape) * dtype.itemsize, n_bytes, what)
    if len(own) != len(shape):
        raise InputError(
            f"{path}: does not say what the {len(shape)} dimensions of shape {shape} are. Give "
            f"their letters, of {AXES}: for instance --axes {'TZCYX'[-len(shape) :]}."
        )
    unit = "micrometer" if steps else ""
    pixels = Hdf5Pixels(file_path, inner, shape, dtype.newbyteorder("="))
    return Stored(pixels, own, steps or (1.0,) * len(shape), unit)


def _dataset(file: File, inner: str, path: Path) -> Dataset:
    """Find a dataset; one whose pixels lie in other files is refused."""
    import h5py

    place: Any = file
    for part in filter(None, inner.split("/")):
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink):
            raise InputError(f"{path}: the dataset lies in another file. Name that one.")
        if link is None:
            raise InputError(f"{path}: no such dataset. {_listed(file)}")
        place = place[part]
    if not isinstance(place, h5py.Dataset) or place.shape is None or place.ndim < 2:
        raise InputError(f"{path}: not a dataset of two or more dimensions. {_listed(file)}")
    if place.external or place.is_virtual:
        raise InputError(f"{path}: the pixels of the dataset lie in other files. Name those.")
    return place


def _only_dataset(file: File, path: Path) -> Dataset:
    names = _names(file)
    if len(names) != 1:
        raise InputError(f"{path}: holds {len(names)} datasets that may be pictures. "
                         f"{_listed(file)}")  # fmt: skip
    return _dataset(file, names[0], path)


def _listed(file: File) -> str:
    names = _names(file)
    if not names:
        return "The file holds none."
    more = ", ..." if len(names) > _FEW else ""
    return f"Choose one as FILE::{names[0]}; it has {', '.join(names[:_FEW])}{more}."


def _names(file: File) -> list[str]:
    """List the datasets of numbers that have two or more dimensions, each once.

    HDF5 goes to every object once, where groups may lie in each other; and it follows no link that
    leads out of the file.
    """
    found: list[str] = []

    def look(name: str, place: Any) -> None:
        if getattr(place, "ndim", 0) >= 2 and place.dtype.kind in "buif":
            found.append(f"/{name}")

    file.visititems(look)
    return found


def _own_axes(dataset: Dataset) -> str:
    """Read the letters from the labels of the dimensions, or from the tags that ilastik writes."""
    # Not by h5py's `dims`: the function behind it crashes on a damaged file, now and then.
    stored = np.ravel(dataset.attrs.get("DIMENSION_LABELS", ()))
    labels = [_text(label).strip().upper() for label in stored]
    tags = dataset.attrs.get("axistags")
    if isinstance(tags, bytes | str):
        labels = [str(axis["key"]).upper() for axis in json.loads(tags)["axes"]]
    known = all(len(label) == 1 and label in AXES for label in labels)
    if known and len(labels) == dataset.ndim:
        return "".join(labels)
    return "YX" if dataset.ndim == 2 else ""


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _steps(dataset: Dataset, n_axes: int) -> tuple[float, ...]:
    """Read the steps in micrometres that many microscopy programs write."""
    steps = dataset.attrs.get("element_size_um")
    numbers = tuple(map(float, steps)) if steps is not None else ()
    usable = all(math.isfinite(step) and step > 0 for step in numbers)
    return (1.0,) * (n_axes - len(numbers)) + numbers if numbers and usable else ()
