"""Volumes of labels as NIfTI files, for the viewers of medicine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nuriwake.errors import require
from nuriwake.io.atomic import atomic_path
from nuriwake.io.nifti import NIFTI_SUFFIXES
from nuriwake.raster import LabelMap

NIFTI = ".nii"
_UNITS = {"millimeter": "mm", "micrometer": "micron", "meter": "meter"}


def write_label_nifti(
    path: Path,
    labels: LabelMap,
    spacing: tuple[float, float, float],
    unit: str,
    source: Path,
) -> None:
    """Write a volume of labels; beside one that came from NIfTI it lies in the same place.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.nii``.
    labels : ndarray of int32, shape (depth, height, width)
    spacing : tuple of float
        In depth, along rows and columns.
    unit : str
        Of the spacing.
    source : pathlib.Path
        The input: where it is a NIfTI file, its place in the patient or the room is kept.

    Raises
    ------
    OutputError
        If the file cannot be written.
    MissingDependencyError
        If nibabel is not installed.
    """
    nibabel = require("nibabel", extra="medical")
    affine = np.diag([*reversed(spacing), 1.0])
    if source.name.lower().endswith(NIFTI_SUFFIXES):
        affine = nibabel.load(source).affine
    stored = labels.transpose(2, 1, 0).astype(np.min_scalar_type(int(labels.max(initial=0))))
    image = nibabel.Nifti1Image(stored, affine)
    image.header.set_xyzt_units(_UNITS.get(unit, 0))
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)
