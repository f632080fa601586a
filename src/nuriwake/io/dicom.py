"""DICOM: one file is one slice, or all frames of a series."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, require
from nuriwake.io.faults import check_declared, check_file, reading, reason_of
from nuriwake.io.stored import Stored

if TYPE_CHECKING:
    from pydicom import Dataset

DICOM_SUFFIXES = (".dcm", ".dicom")
_WHAT = "a DICOM picture"


@dataclass(frozen=True)
class DicomPixels:
    """The pixels of a DICOM file, decoded when they are indexed, in the units that it says."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: tuple[int | slice, ...]) -> NDArray[Any]:
        """Read a part.

        Raises
        ------
        InputError
            If the file is damaged or gone, or compressed in a way that needs another package.
        """
        pydicom = require("pydicom", extra="medical")
        with _reading(self.path):
            dataset = pydicom.dcmread(self.path)
            array = np.asarray(dataset.pixel_array)
            if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
                from pydicom.pixels import apply_color_lut

                array = apply_color_lut(array, dataset)
            return np.asarray(_measured(array, dataset).reshape(self.shape)[index], self.dtype)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what is raised inside the block into one line; pydicom has errors of its own."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with reading(path, _WHAT):
            yield
    except (BytesLengthException, InvalidDicomError) as error:
        reason = reason_of(error, path)
        raise InputError(f"{path}: cannot be read as {_WHAT} ({reason}).") from error


def _measured(array: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Apply the linear scale of the device, and mark what pads the picture as no data."""
    padding = dataset.get("PixelPaddingValue")
    slope, intercept = _scale(dataset)
    if padding is None and (slope, intercept) == (1.0, 0.0):
        return array
    measured = array.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    if padding is not None:
        measured[array == padding] = np.nan
    return measured


def _scale(dataset: Dataset) -> tuple[float, float]:
    return float(dataset.get("RescaleSlope", 1.0)), float(dataset.get("RescaleIntercept", 0.0))


def open_stored_dicom(path: Path) -> Stored:
    """Open a DICOM file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Stored
        Of the axes ``Y`` and ``X``; ``C`` behind them where there are colours; before them ``Z``
        where there are frames with a distance, ``I`` where there are others.

    Raises
    ------
    InputError
        If the file is missing, damaged or holds no picture.
    MissingDependencyError
        If pydicom is not installed.
    """
    pydicom = require("pydicom", extra="medical")
    n_bytes = check_file(path)
    with _reading(path):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        n_frames = int(dataset.get("NumberOfFrames") or 1)
        n_colours = int(dataset.get("SamplesPerPixel", 1))
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            n_colours = 3
        size = int(dataset.Rows), int(dataset.Columns)
        rows, cols = map(float, dataset.get("PixelSpacing") or (1.0, 1.0))
        depth = float(dataset.get("SpacingBetweenSlices") or 0.0)
        dtype = _dtype(dataset)
    frames, colours = (n_frames,) * (n_frames > 1), (n_colours,) * (n_colours > 1)
    shape = (*frames, *size, *colours)
    axes = ("Z" if depth else "I") * len(frames) + "YX" + "C" * len(colours)
    what = f"{' x '.join(map(str, shape))} pixels"
    if min(shape) < 1 or not all(map(math.isfinite, (rows, cols, depth))):
        raise InputError(f"{path}: must hold a picture; got {what}.")
    check_declared(path, math.prod(shape) * dtype.itemsize, n_bytes, what)
    steps = {"Y": rows, "X": cols, "Z": depth or 1.0}
    spacing = tuple(steps.get(axis, 1.0) for axis in axes)
    unit = "millimeter" if dataset.get("PixelSpacing") else ""
    return Stored(DicomPixels(path, shape, dtype), axes, spacing, unit)


def _dtype(dataset: Dataset) -> np.dtype[Any]:
    if dataset.get("PixelPaddingValue") is not None or _scale(dataset) != (1.0, 0.0):
        return np.dtype(np.float32)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return np.dtype("u2" if dataset.RedPaletteColorLookupTableDescriptor[2] > 8 else "u1")
    n_bits = int(dataset.BitsAllocated)
    if n_bits not in (1, 8, 16, 32):
        raise ValueError(f"{n_bits} bits per pixel")
    kind = "i" if int(dataset.get("PixelRepresentation", 0)) else "u"
    return np.dtype(f"{kind}{max(1, n_bits // 8)}")
