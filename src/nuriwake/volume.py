"""A volume in memory: a stack of slices, and how far its voxels are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.raster import BoolMap
from nuriwake.settings import Value

#: Defaults of the recipe fast on a volume, in place of its own: docs/volumes.md says why.
VOLUME: Mapping[str, Value] = MappingProxyType(
    {
        "edge_sigma": 2.25,
        "texton_weight": 0.0,
        "tone_weight": 6.0,
        "texton_edges": 0.0,
        "texton_contrast": 0.0,
        "texture_contrast": 0.0,
        "border_offset": 0.0,
        "border_power": 1.0,
        "size_power": 0.5,
        "thing_tones": 1.0,
        "thing_size_power": 0.5,
        "thing_difference_power": 0.5,
        "thing_spread": 0.0,
        "contact_power": 0.1,
        "altitude": 0.0155,
    }
)
#: Four rows of four numbers.
Affine = tuple[tuple[float, ...], ...]
#: Voxels a hundred times as long as wide are rather a wrong number.
_LONGEST = 100.0


@dataclass(frozen=True, eq=False)
class Volume:
    """A stack of slices of any number of bands, with the mask of its valid voxels.

    Parameters
    ----------
    array : ndarray of shape (depth, height, width, bands)
        Values of any real dtype.
    valid : ndarray of bool, shape (depth, height, width)
        False where there is no data; such voxels get label 0 and teach the network nothing.
    spacing : tuple of float
        How far voxels are apart: in depth, along rows and columns.
    unit : str
        Of the spacing, such as ``micrometer``; empty where it is not known.
    band_names : tuple of str
        Empty where there are none.
    path : pathlib.Path or None
        The file it was read from, for messages.
    affine : tuple of four rows of four numbers, optional
        Where the voxel (column, row, slice) lies in the patient or the room, as NIfTI says it.

    Examples
    --------
    >>> volume = as_volume(np.zeros((5, 8, 9), np.uint8), spacing=(3.0, 0.5, 0.5))
    >>> volume.shape, volume.n_bands, volume.steps
    ((5, 8, 9), 1, (6.0, 1.0, 1.0))
    """

    array: NDArray[np.generic]
    valid: BoolMap
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    unit: str = ""
    band_names: tuple[str, ...] = ()
    path: Path | None = None
    affine: Affine | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Depth, height and width in voxels."""
        depth, height, width = self.valid.shape
        return depth, height, width

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return int(self.array.shape[-1])

    @property
    def steps(self) -> tuple[float, float, float]:
        """The spacing in units of the finest axis."""
        least = min(self.spacing)
        depth, row, col = (step / least for step in self.spacing)
        return depth, row, col


def as_volume(
    array: NDArray[np.generic],
    valid: BoolMap | None = None,
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    unit: str = "",
    path: Path | None = None,
) -> Volume:
    """Make a volume of an array, and check it.

    Parameters
    ----------
    array : ndarray of shape (depth, height, width) or (depth, height, width, bands)
        Any real dtype. Voxels that are not finite in any band become invalid.
    valid : ndarray of bool, shape (depth, height, width), optional
        False where there is no data.
    spacing : sequence of float
        How far voxels are apart: in depth, along rows and columns, in any unit.
    unit : str
    path : pathlib.Path, optional
        For messages.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If the array is no volume, is not real or has no valid voxel.
    UsageError
        If the spacing is not three positive numbers of like size.
    """
    name = str(path) if path else "the volume"
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise InputError(f"{name} must be of a real dtype (bool, int, float); got {array.dtype}.")
    if array.ndim not in (3, 4) or array.size == 0:
        raise InputError(
            f"{name} must have shape (depth, height, width) or (depth, height, width, bands) with "
            f"at least one voxel; got shape {array.shape}."
        )
    array = array[..., np.newaxis] if array.ndim == 3 else array
    counts = np.ones(array.shape[:3], bool) if valid is None else np.asarray(valid)
    if counts.shape != array.shape[:3] or counts.dtype != bool:
        got = f"{counts.dtype} of shape {counts.shape}"
        raise InputError(f"`valid` must be a bool array of shape {array.shape[:3]}; got {got}.")
    if array.dtype.kind == "f":
        counts = counts & np.isfinite(array).all(axis=-1)
    if not counts.any():
        raise InputError(f"{name} has no valid voxel: all {counts.size} are nodata or not finite.")
    return Volume(array, counts, check_spacing(spacing), unit, path=path)


def check_spacing(spacing: Sequence[float]) -> tuple[float, float, float]:
    """Refuse what cannot be the distances of voxels.

    Raises
    ------
    UsageError
        If it is not three positive numbers, none a hundred times another.

    Examples
    --------
    >>> check_spacing([3, 1, 1])
    (3.0, 1.0, 1.0)
    """
    is_number = [isinstance(n, int | float | np.number) and math.isfinite(n) for n in spacing]
    fits = len(is_number) == 3 and all(is_number) and min(spacing) > 0
    if not fits or max(spacing) > _LONGEST * min(spacing):
        expected = "three positive numbers (depth, row, column), none 100 times another"
        raise UsageError(out_of_range("spacing", expected, tuple(spacing)))
    depth, row, col = map(float, spacing)
    return depth, row, col
