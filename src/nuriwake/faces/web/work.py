"""What a job is given, what it reports while it runs, and what it leaves: the page's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap, Raster
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.regions.tree import MergeTree


@dataclass(frozen=True, eq=False)
class Task:
    """One image to segment.

    Parameters
    ----------
    name : str
        The picture's file name, without folders.
    raster : Raster
    settings : Settings
    scribbles : ndarray of int32, shape (height, width), optional
        0 = not scribbled.
    """

    name: str
    raster: Raster
    settings: Settings
    scribbles: LabelMap | None = None

    @property
    def stem(self) -> str:
        """The name without its suffix, for the names of downloads."""
        return PurePosixPath(self.name).stem or "image"


@dataclass(frozen=True, eq=False)
class Progress:
    """One look at a running training.

    Parameters
    ----------
    iteration, max_iter : int
    n_labels : int
        Labels in use.
    loss : float
    labels : callable
        Returns the labels of the pixels, shape (h, w) of any size: a small picture will do.
    """

    iteration: int
    max_iter: int
    n_labels: int
    loss: float
    labels: Callable[[], NDArray[np.integer]]


Report = Callable[[Progress], None]
"""Called after each step. Raises RunCancelled when nobody wants the result any more."""

Runner = Callable[[Task, Report], "MergeTree"]
"""Segments one image; reports as it goes; leaves the tree of its regions."""
