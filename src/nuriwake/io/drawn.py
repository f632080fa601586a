"""Scribbles on rasters of any size, read by windows where their file has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from nuriwake.io.scribbles import read_scribbles, refuse_soft_edges
from nuriwake.io.tiff import TIFF_SUFFIXES
from nuriwake.learn.guidance import PUBLISHED_BLANK
from nuriwake.raster import LabelMap, Window

#: Rows that are counted at once.
_ROWS = 512


class DrawnLabels(Protocol):
    """A map of drawn labels that is read window by window; 0 = not scribbled."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    @property
    def note(self) -> str:
        """What was assumed, one line for people."""

    @property
    def sizes(self) -> Mapping[int, int]:
        """Pixels of each label."""

    def read(self, window: Window) -> LabelMap:
        """Read the labels of a window."""


@dataclass(frozen=True, eq=False)
class DrawnArray:
    """A map in memory.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
    note : str
    """

    labels: LabelMap
    note: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def sizes(self) -> Mapping[int, int]:
        """Pixels of each label."""
        return _sizes(np.bincount(self.labels.ravel()))

    def read(self, window: Window) -> LabelMap:
        """Read the labels of a window."""
        return self.labels[window.slices]


@dataclass(frozen=True)
class DrawnFile:
    """A TIFF of one band; made by :func:`open_scribbles`.

    Parameters
    ----------
    path : pathlib.Path
    shape : tuple of int
        Height and width.
    note : str
    is_published : bool
        Whether 255 means not scribbled and label k stands for k + 1.
    counts : tuple of (label, pixels)
    """

    path: Path
    shape: tuple[int, int]
    note: str
    is_published: bool
    counts: tuple[tuple[int, int], ...]

    @property
    def sizes(self) -> Mapping[int, int]:
        """Pixels of each label."""
        return dict(self.counts)

    def read(self, window: Window) -> LabelMap:
        """Read the labels of a window."""
        from nuriwake.io.geotiff import open_geotiff

        drawn = open_geotiff(self.path, (1,)).read(window).array[:, :, 0].astype(np.int32)
        if not self.is_published:
            return drawn
        return np.where(drawn == PUBLISHED_BLANK, 0, drawn + 1).astype(np.int32)


def open_scribbles(path: Path, shape: tuple[int, int] | None = None) -> DrawnFile | DrawnArray:
    """Open a scribble file for reading by windows.

    A TIFF of one band of bytes or of 16-bit integers is read so; any other file, which is
    compressed as one piece, is read whole.

    Parameters
    ----------
    path : pathlib.Path
        Understood as :func:`.scribbles.read_scribbles` does.
    shape : tuple of int, optional
        Height and width of the image, which ImageJ's files do not tell.

    Raises
    ------
    InputError
        If the file cannot be read, is in a lossy format, or its brush had soft edges.
    """
    if path.suffix.lower() in TIFF_SUFFIXES and find_spec("rasterio") is not None:
        drawn = _open_tiff(path)
        if drawn is not None:
            return drawn
    whole = read_scribbles(path, shape)
    return DrawnArray(whole.labels, whole.note)


def _open_tiff(path: Path) -> DrawnFile | None:
    """Count the values of a TIFF; None where it is not one band of small integers."""
    from nuriwake.io.geotiff import open_geotiff

    file = open_geotiff(path)
    if file.n_file_bands != 1 or file.dtype not in ("uint8", "uint16"):
        return None
    height, width = file.shape
    counts = np.zeros(np.iinfo(file.dtype).max + 1, np.int64)
    for row in range(0, height, _ROWS):
        part = file.read(Window(row, 0, min(_ROWS, height - row), width)).array
        counts += np.bincount(part.ravel(), minlength=counts.size)
    is_published = file.dtype == "uint8" and int(counts.argmax()) == PUBLISHED_BLANK
    if is_published:
        counts = np.concatenate([[0], counts[:PUBLISHED_BLANK]])
    sizes = _sizes(counts)
    refuse_soft_edges(path, np.array(list(sizes.values()), np.int64))
    note = (
        "255 means not scribbled, label k became k + 1" if is_published else "0 means not scribbled"
    )
    return DrawnFile(path, file.shape, note, is_published, tuple(sizes.items()))


def _sizes(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[int, int]:
    return {int(label): int(counts[label]) for label in np.flatnonzero(counts) if label > 0}
