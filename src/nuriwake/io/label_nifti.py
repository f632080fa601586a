"""Volumes of labels as NIfTI files, for the viewers of medicine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nuriwake.errors import require
from nuriwake.io.atomic import atomic_path
from nuriwake.raster import LabelMap
from nuriwake.volume import Affine

_UNITS = {"millimeter": "mm", "micrometer": "micron", "meter": "meter"}


def write_label_nifti(
    path: Path,
    labels: LabelMap,
    spacing: tuple[float, float, float],
    unit: str,
    affine: Affine | None = None,
) -> None:
    """Write a volume of labels; one that came from NIfTI lies in the same place.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.nii`` or ``.nii.gz``.
    labels : ndarray of int32, shape (depth, height, width)
    spacing : tuple of float
        In depth, along rows and columns.
    unit : str
        Of the spacing.
    affine : tuple of four rows of four numbers, optional
        Its place in the patient or the room; default: at the origin, by the spacing.

    Raises
    ------
    OutputError
        If the file cannot be written.
    MissingDependencyError
        If nibabel is not installed.
    """
    nibabel = require("nibabel", extra="medical")
    place = np.diag([*reversed(spacing), 1.0]) if affine is None else np.array(affine)
    stored = labels.transpose(2, 1, 0).astype(np.min_scalar_type(int(labels.max(initial=0))))
    image = nibabel.Nifti1Image(stored, place)
    image.header.set_xyzt_units(_UNITS.get(unit, 0))
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)
