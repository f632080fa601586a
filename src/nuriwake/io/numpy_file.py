"""NumPy's own files: ``.npy``, and one array of an ``.npz``. Pickled objects are never loaded."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.io.axes import axis_of_bands
from nuriwake.io.faults import check_declared, check_file, reading
from nuriwake.io.places import DatasetPath
from nuriwake.io.stored import AXES, Stored

NUMPY_SUFFIXES = (".npy", ".npz")
_WHAT = "an array of NumPy"


@dataclass(frozen=True)
class NumpyPixels:
    """An array in a file, read when it is indexed.

    Parameters
    ----------
    path : pathlib.Path
    member : str
        Name in the archive; empty for a ``.npy``, of which only what is indexed is read.
    shape, dtype
        Of the array.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        with reading(self.path, _WHAT):
            if not self.member:
                whole = np.load(self.path, mmap_mode="r", allow_pickle=False)
            else:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                    whole = npy.read_array(stream, allow_pickle=False)
            return np.array(whole[index], self.dtype)


def open_stored_numpy(path: Path, axes: str = "") -> Stored:
    """Open an array of NumPy.

    Parameters
    ----------
    path : pathlib.Path
        A :class:`.places.DatasetPath` names an array of an ``.npz``; a plain path means the only
        one.
    axes : str, optional
        The letter of each dimension. Default: ``YX`` for two, ``YXC`` for three where the shape
        does not speak against it.

    Returns
    -------
    Stored

    Raises
    ------
    InputError
        If the file is missing or damaged, holds objects or complex numbers, or it is not clear
        which array is meant or what its axes are.
    """
    file = path.file if isinstance(path, DatasetPath) else path
    n_bytes = check_file(file)
    with reading(path, _WHAT):
        if file.suffix.lower() == ".npy":
            member = ""
            with file.open("rb") as stream:
                shape, dtype = array_header(stream)
        else:
            with zipfile.ZipFile(file) as archive:
                member = _member(archive, path)
                with archive.open(member) as stream:
                    shape, dtype = array_header(stream)
    if dtype.kind not in "buif" or min(shape, default=1) < 1:
        raise InputError(f"{path}: pixels must be ints or floats; got {dtype} of shape {shape}.")
    what = f"an array of shape {shape}"
    check_declared(path, math.prod(shape) * dtype.itemsize, n_bytes, what)
    pixels = NumpyPixels(file, member, shape, dtype.newbyteorder("="))
    return Stored(pixels, axes or _usual_axes(shape, path))


def array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Read shape and dtype of an array; its data follow.

    Raises
    ------
    ValueError
        If it is none, or of Python's objects.
    """
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(stream)
    else:
        shape, _, dtype = npy.read_array_header_2_0(stream)
    if dtype.hasobject:
        raise ValueError("it holds objects of Python, which are never loaded")
    return tuple(map(int, shape)), dtype


def _member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name.removesuffix(".npy") for name in archive.namelist()]
    if {"header", "base", "merges"} <= set(names):
        raise InputError(f"{path}: a result of nuriwake. Read regions from it: nuriwake cut {path}")
    wanted = path.inner.strip("/") if isinstance(path, DatasetPath) else ""
    if wanted in names or (len(names) == 1 and not wanted):
        return f"{wanted or names[0]}.npy"
    listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    example = f" Choose one as FILE::{names[0]}; it has {listed}." if names else ""
    raise InputError(f"{path}: holds {len(names)} arrays, of which one is needed.{example}")


def _usual_axes(shape: tuple[int, ...], path: Path) -> str:
    try:
        axis = axis_of_bands(shape, -1)
    except InputError as error:
        example = "TZCYX"[-len(shape) :] if len(shape) <= len(AXES) - 1 else "ZYX"
        raise InputError(
            f"{path}: does not say what the {len(shape)} dimensions of shape {shape} are. Give "
            f"their letters, of {AXES}: for instance --axes {example}."
        ) from error
    return "YX" if axis is None else "YXC"
