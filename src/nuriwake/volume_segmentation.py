"""The result of one run on a volume, and its slices as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from nuriwake.painting import Picture, overlay
from nuriwake.raster import LabelMap
from nuriwake.segmentation import HistoryRow, Partition
from nuriwake.volume import Affine, Volume

#: Slices of a montage, at most, and how many of them are side by side.
_SHOWN, _BESIDE = 9, 3


@dataclass(frozen=True, eq=False)
class VolumePartition(Partition):
    """A volume divided: its maps are of shape (depth, height, width).

    Parameters
    ----------
    spacing : tuple of float
        How far voxels are apart. The others are those of :class:`.segmentation.Partition`; the
        picture is of the slices of :func:`shown_slices` only, shape (n, height, width, 3).
    unit : str
        Of the spacing.
    affine : tuple of four rows of four numbers, optional
        Its place; see :class:`.volume.Volume`.
    """

    spacing: tuple[float, float, float]
    unit: str
    affine: Affine | None = field(default=None, kw_only=True)

    def overlay(self, opacity: float = 0.5, *, labels: LabelMap | None = None) -> Picture:
        """Lay colours over at most nine slices, evenly spaced, three of them side by side.

        Parameters
        ----------
        opacity : float
            Of the colours, in [0, 1].
        labels : ndarray of int32, shape (depth, height, width), optional
            What to show. Default: as of :meth:`.segmentation.Partition.overlay`.

        Returns
        -------
        ndarray of uint8, shape (rows, columns, 3)
        """
        own = self.regions if self.shows_regions else self.labels
        shown = own if labels is None else labels
        slices = shown_slices(len(shown))
        painted = [
            overlay(picture, shown[z], opacity)
            for picture, z in zip(self.picture, slices, strict=True)
        ]
        return montage(painted)


@dataclass(frozen=True, eq=False)
class VolumeSegmentation(VolumePartition):
    """A partition of one volume, and how it came about.

    Parameters
    ----------
    history : tuple of HistoryRow
    seconds : Mapping of str to float
        Seconds of each stage.
    threads : int
        CPU threads in force.
    device : str
        Where the network learned.
    volume : Volume
        The input.
    """

    history: tuple[HistoryRow, ...]
    seconds: Mapping[str, float]
    threads: int
    device: str
    volume: Volume


def shown_slices(depth: int) -> list[int]:
    """Choose the slices of a montage: evenly spaced, at most nine.

    Examples
    --------
    >>> shown_slices(3), shown_slices(100)
    ([0, 1, 2], [5, 16, 27, 38, 50, 61, 72, 83, 94])
    """
    n = min(depth, _SHOWN)
    return [int((k + 0.5) * depth / n) for k in range(n)]


def montage(pictures: Sequence[Picture]) -> Picture:
    """Lay pictures of one size side by side and below each other, with a black line between.

    Examples
    --------
    >>> montage([np.full((2, 3, 3), 255, np.uint8)] * 4).shape
    (5, 11, 3)
    """
    n_beside = min(_BESIDE, len(pictures))
    n_rows = -(-len(pictures) // n_beside)
    height, width = pictures[0].shape[:2]
    sheet = np.zeros((n_rows * (height + 1), n_beside * (width + 1), 3), np.uint8)
    for k, picture in enumerate(pictures):
        top, left = (k // n_beside) * (height + 1), (k % n_beside) * (width + 1)
        sheet[top : top + height, left : left + width] = picture
    return sheet[:-1, :-1]
