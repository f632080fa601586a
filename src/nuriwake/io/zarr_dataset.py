"""One array of a Zarr group, named as ``FOLDER.zarr::/path``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nuriwake.errors import InputError
from nuriwake.io.places import DatasetPath
from nuriwake.io.stored import AXES, Stored
from nuriwake.io.zarr import ZarrPixels, check_array, open_array, open_stored_zarr


def open_zarr_dataset(path: Path, axes: str = "") -> Stored:
    """Open an array, or an OME-Zarr image, inside a Zarr group.

    Parameters
    ----------
    path : pathlib.Path
        A :class:`.places.DatasetPath`.
    axes : str, optional
        The letter of each dimension. Default: the names of its dimensions, and ``YX`` for two.

    Returns
    -------
    Stored

    Raises
    ------
    InputError
        If there is no such array, or it does not say what its axes are.
    MissingDependencyError
        If zarr is not installed.
    """
    if not isinstance(path, DatasetPath):
        raise InputError(f"{path}: name an array in it, as FOLDER.zarr::/path.")
    inner = path.inner.strip("/")
    folder = path.file / inner
    if path.file.resolve() not in folder.resolve().parents or not folder.is_dir():
        raise InputError(f"{path}: no such array.")
    is_group = (
        any((folder / name).is_file() for name in (".zgroup", ".zattrs"))
        and not (folder / ".zarray").is_file()
    )
    if is_group:
        return open_stored_zarr(folder, axes)
    array = open_array(path.file, inner)
    check_array(path.file, array)
    names = getattr(array.metadata, "dimension_names", None) or ()
    letters = axes or "".join(str(name).upper() for name in names)
    if not letters and array.ndim == 2:
        letters = "YX"
    if len(letters) != array.ndim or not set("YX") <= set(letters) <= set(AXES):
        raise InputError(
            f"{path}: does not say what the {array.ndim} dimensions of shape {array.shape} are. "
            f"Give their letters, of {AXES}: for instance --axes {'TZCYX'[-array.ndim :]}."
        )
    pixels = ZarrPixels(path.file, inner, array.shape, np.dtype(array.dtype), array.chunks)
    return Stored(pixels, letters)
