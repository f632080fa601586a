"""Files of many dimensions, of every format that names its axes or lets them be named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.families import Family, family_of
from nuriwake.io.places import DatasetPath

if TYPE_CHECKING:
    from nuriwake.io.stored import Stored

#: Families of files that are opened by their axes.
STORED: frozenset[Family] = frozenset({"tiff", "zarr", "numpy", "nifti", "dicom", "hdf5"})


def open_stored(path: Path, axes: str = "", page: int | None = None) -> Stored:
    """Open a file of one of the families :data:`STORED`.

    Parameters
    ----------
    path : pathlib.Path
        ``FILE::/path``, a :class:`.places.DatasetPath`, names one dataset of an HDF5 file, a Zarr
        group or an ``.npz``.
    axes : str, optional
        The letter of each dimension. Default: what the file says.
    page : int, optional
        One page of a TIFF, from 1.

    Returns
    -------
    Stored
        Its pixels are read when they are indexed.

    Raises
    ------
    InputError
        If the file is missing or damaged, or does not say clearly which axis is which.
    UsageError
        If the letters do not fit, or there is no such page.
    MissingDependencyError
        If the package for this format is not installed.
    """
    family = family_of(path)
    if page is not None and family != "tiff":
        raise UsageError(f"{path}: --page is for TIFF and animations. Choose with --plane.")
    if family == "tiff":
        from nuriwake.io.tiff_axes import open_stored_page, open_stored_tiff

        return open_stored_tiff(path, axes) if page is None else open_stored_page(path, page)
    if family == "zarr":
        from nuriwake.io.zarr import open_stored_zarr
        from nuriwake.io.zarr_dataset import open_zarr_dataset

        is_named = isinstance(path, DatasetPath)
        return open_zarr_dataset(path, axes) if is_named else open_stored_zarr(path, axes)
    if family == "numpy":
        from nuriwake.io.numpy_file import open_stored_numpy

        return open_stored_numpy(path, axes)
    if family == "hdf5":
        from nuriwake.io.hdf5 import open_stored_hdf5

        return open_stored_hdf5(path, axes)
    return _medical(path, family, axes)


def _medical(path: Path, family: Family, axes: str) -> Stored:
    if family == "nifti":
        from nuriwake.io.nifti import open_stored_nifti

        stored = open_stored_nifti(path)
    elif family == "dicom":
        from nuriwake.io.dicom import open_stored_dicom

        stored = open_stored_dicom(path)
    else:
        raise InputError(f"{path}: has no axes to be named.")
    if axes and len(axes) != len(stored.axes):
        expected = f"{len(stored.axes)} letters for the shape {stored.shape} of {path}"
        raise UsageError(out_of_range("--axes", expected, axes))
    return replace(stored, axes=axes) if axes else stored
