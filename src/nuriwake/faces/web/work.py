"""What a job is given, what it reports while it runs, and what it leaves: the page's contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from nuriwake.faces.web.pyramid import Pyramid, Tiles
from nuriwake.raster import LabelMap, Raster
from nuriwake.regions.tree import MergeTree
from nuriwake.segmentation import Partition
from nuriwake.settings import Settings


@dataclass(frozen=True)
class Origin:
    """What of a file a picture is.

    Parameters
    ----------
    n_pages : int
        Of the file's stack; 1 where it is none.
    page : int
        Which of them, from 0.
    plane : str
        The same as the command line's ``--plane``; empty where there is one page.
    pyramid : Pyramid or None
        Where the picture is a reduced copy: of what.
    tiles : Tiles or None
        What is shown of it in its own size.
    turn : callable, optional
        Reads another page of the file, from 0.
    """

    n_pages: int = 1
    page: int = 0
    plane: str = ""
    pyramid: Pyramid | None = None
    tiles: Tiles | None = field(default=None, compare=False)
    turn: Callable[[int], tuple[Raster, Origin]] | None = field(default=None, compare=False)


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
    origin : Origin
    """

    name: str
    raster: Raster
    settings: Settings
    scribbles: LabelMap | None = None
    origin: Origin = Origin()

    @property
    def stem(self) -> str:
        """The name without its suffix, for the names of downloads."""
        return PurePosixPath(self.name).stem or "image"


@dataclass(frozen=True, eq=False)
class JobProgress:
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


@dataclass(frozen=True, eq=False)
class Grown:
    """What a job leaves.

    Parameters
    ----------
    partition : Partition
    """

    partition: Partition

    @property
    def shows_regions(self) -> bool:
        """False where the recipe is about labels."""
        return self.partition.settings.method.shows == "regions"

    @property
    def shown(self) -> MergeTree:
        """The tree that the slider cuts."""
        return self.partition.tree if self.shows_regions else self.partition.label_tree

    @property
    def n_automatic(self) -> int | None:
        """So many regions are shown at first where labels were drawn: as few as keep them apart."""
        is_drawn = self.shows_regions and self.partition.reading.prefers_labels
        return self.shown.min_regions if is_drawn else None


Report = Callable[[JobProgress], None]
"""Called after each step. Raises RunCancelled when nobody wants the result any more."""

Runner = Callable[[Task, Report], Grown]
"""Segments one image; reports as it goes; leaves its trees."""
