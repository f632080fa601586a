"""NIfTI: volumes of scanners, whose axes are columns, rows, slices and time, in this order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, require
from nuriwake.io.faults import check_declared, check_file, reading
from nuriwake.io.stored import Stored
from nuriwake.volume import Affine

NIFTI_SUFFIXES = (".nii", ".nii.gz")
_WHAT = "a NIfTI file"
#: The fifth dimension of the format holds a vector: channels.
_AXES = "XYZTC"
_UNITS = {"mm": "millimeter", "micron": "micrometer", "meter": "meter"}
_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


@dataclass(frozen=True)
class NiftiPixels:
    """The pixels of a NIfTI file, scaled as it says, read when they are indexed."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        nibabel = require("nibabel", extra="medical")
        with reading(self.path, _WHAT), nibabel.imageglobals.LoggingOutputSuppressor():
            stored = nibabel.load(self.path).dataobj
            # A colour is one number of three parts in the file, and an axis of three channels here.
            if stored.dtype.names:
                colours = np.asarray(stored[index[:-1]])
                parts = np.stack([colours[name] for name in stored.dtype.names], axis=-1)
                return np.asarray(parts[..., index[-1]])
            return np.asarray(stored[index], self.dtype)


def open_stored_nifti(path: Path) -> Stored:
    """Open a NIfTI file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Stored
        Of the axes ``X``, ``Y``, ``Z``, ``T`` and ``C``, as many as there are, in this order. Rows
        and columns stay as they are stored.

    Raises
    ------
    InputError
        If the file is missing, damaged or no NIfTI file, or holds complex numbers.
    MissingDependencyError
        If nibabel is not installed.
    """
    nibabel = require("nibabel", extra="medical")
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    n_bytes = check_file(path)
    try:
        with reading(path, _WHAT), nibabel.imageglobals.LoggingOutputSuppressor():
            image = nibabel.load(path)
            header, stored = image.header, image.dataobj
            shape, dtype = tuple(map(int, image.shape)), np.dtype(stored.dtype)
            steps = tuple(map(float, header.get_zooms()))
            space, time = header.get_xyzt_units()
            is_scaled = (stored.slope, stored.inter) != (1.0, 0.0)
    except (ImageFileError, HeaderDataError) as error:
        raise InputError(f"{path}: cannot be read as {_WHAT} ({error}).") from error
    if dtype.names:
        shape, steps, dtype = (*shape, len(dtype.names)), (*steps, 1.0), np.dtype(np.uint8)
        axes = _AXES[: len(shape) - 1] + "C"
    else:
        axes = _AXES[: len(shape)]
    if (
        dtype.kind not in "buif"
        or len(axes) != len(shape)
        or min(shape, default=0) < 1
        or len(shape) < 2
    ):
        raise InputError(f"{path}: pixels must be real numbers; got {dtype} of shape {shape}.")
    what = f"{' x '.join(map(str, shape))} pixels"
    check_declared(path, math.prod(shape) * dtype.itemsize, n_bytes, what)
    seconds = _SECONDS.get(time, 1.0)
    spacing = tuple(
        _step(step) * (seconds if axis == "T" else 1.0)
        for axis, step in zip(axes, steps, strict=True)
    )
    kept = np.dtype(np.float32) if is_scaled else dtype.newbyteorder("=")
    return Stored(NiftiPixels(path, shape, kept), axes, spacing, _UNITS.get(space, ""))


def nifti_affine(path: Path) -> Affine:
    """Read where the voxels of a NIfTI file lie.

    Returns
    -------
    tuple of four rows of four numbers
        From column, row and slice to millimetres, or what the file's unit is.

    Raises
    ------
    InputError
        If the file is damaged or gone.
    """
    nibabel = require("nibabel", extra="medical")
    with reading(path, _WHAT), nibabel.imageglobals.LoggingOutputSuppressor():
        return tuple(tuple(map(float, row)) for row in nibabel.load(path).affine)


def _step(step: float) -> float:
    """Return a step of the header; 1 where it is none."""
    return abs(step) if math.isfinite(step) and step != 0 else 1.0
