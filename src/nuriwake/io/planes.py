"""Single pictures out of what a file stores: one plane, read by windows or as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.banded import BandedFile
from nuriwake.io.stored import Indexed, Stored
from nuriwake.raster import Georeference, Raster, Window, holds_data


@dataclass(frozen=True, kw_only=True)
class PlaneSource(BandedFile):
    """One plane of a file, read window by window; made by :func:`plane_of`.

    Its bands are the channels; its georeference is the size of a pixel.

    Parameters
    ----------
    stored : Stored
    positions : Mapping of letter to int
        On the axes that are neither rows, columns nor channels. The others are those of
        :class:`.banded.BandedFile`.
    """

    stored: Stored
    positions: Mapping[str, int] = field(default_factory=dict)

    def read(self, window: Window) -> Raster:
        """Read the pixels of one window; those not finite, masked or transparent are invalid.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        n_channels, has_alpha = self.n_file_bands, self.stored.has_alpha
        first, last = min(self.bands) - 1, max(self.bands)
        if has_alpha or last - first == self.n_bands:
            first, last = (0, n_channels + 1) if has_alpha else (first, last)
            values = self._channels(window, first, last)
            array = np.ascontiguousarray(values[:, :, [band - 1 - first for band in self.bands]])
        else:
            parts = [self._channels(window, band - 1, band) for band in self.bands]
            array = np.concatenate(parts, axis=2)
        valid = holds_data(array)
        if self.stored.mask is not None:
            axes = self.stored.axes.replace("C", "")
            valid &= self._part(self.stored.mask, axes, window, slice(0)) != 0
        elif has_alpha:
            valid &= values[:, :, -1] > 0
        place = self.georeference.shifted(window.row, window.col) if self.georeference else None
        return Raster(array, valid, place, self.band_names, self.path)

    def _channels(self, window: Window, first: int, last: int) -> NDArray[Any]:
        """Read neighbouring channels of a window, shape (height, width, last - first)."""
        values = self._part(self.stored.array, self.stored.axes, window, slice(first, last))
        return values.reshape((*window.shape, -1))

    def _part(self, array: Indexed, axes: str, window: Window, channels: slice) -> NDArray[Any]:
        """Read a window of this plane, its axes in the order of rows, columns and channels."""
        part: dict[str, int | slice] = {
            "Y": slice(window.row, window.end_row),
            "X": slice(window.col, window.end_col),
            "C": channels,
            **self.positions,
        }
        values = array[tuple(part[axis] for axis in axes)]
        kept = [axis for axis in axes if axis in "YXC"]
        wanted = "YXC" if "C" in kept else "YX"
        return values.transpose([kept.index(axis) for axis in wanted])


def plane_of(path: Path, stored: Stored, positions: Mapping[str, int]) -> PlaneSource:
    """Make a picture of one plane.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    stored : Stored
    positions : Mapping of letter to int
        One for each axis that is neither ``Y``, ``X`` nor ``C``.
    """
    n_bands = stored.size("C") - stored.has_alpha
    shape = stored.size("Y"), stored.size("X")
    return PlaneSource(
        path=path,
        bands=tuple(range(1, n_bands + 1)),
        n_file_bands=n_bands,
        shape=shape,
        block_shape=shape,
        dtype=stored.array.dtype.name,
        georeference=pixel_size(stored),
        file_band_names=stored.channel_names,
        stored=stored,
        positions=positions,
    )


def pixel_size(stored: Stored) -> Georeference | None:
    """Return the size of a pixel as a georeference; None where the file does not say.

    Examples
    --------
    >>> pixel_size(Stored(np.zeros((4, 5)), "YX", (0.5, 0.25), "micrometer")).transform
    (0.25, 0.0, 0.0, 0.0, 0.5, 0.0)
    """
    steps = stored.step("Y"), stored.step("X")
    if not stored.unit and steps == (1.0, 1.0):
        return None
    return Georeference(None, (steps[1], 0.0, 0.0, 0.0, steps[0], 0.0), stored.unit)
