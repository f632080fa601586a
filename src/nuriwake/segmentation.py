"""The result of one run: label maps, how they came about, and how to show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.painting import Picture, overlay
from nuriwake.raster import LabelMap, Raster
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.learn.model import Model


@dataclass(frozen=True)
class HistoryRow:
    """One iteration of the training.

    Parameters
    ----------
    iteration : int
        Counted from 1.
    n_labels : int
        q', labels in use.
    loss : float
    """

    iteration: int
    n_labels: int
    loss: float


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Labels of one image, and everything that made them.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        The network's clusters, 1 the largest; one label may appear in many places. 0 = no data.
    confidence : ndarray of float32, shape (height, width), in [0, 1]
        The softmax margin between a pixel's label and the second best one.
    history : tuple of HistoryRow
    settings : Settings
    seconds : Mapping of str to float
        Seconds of each stage.
    threads : int
        CPU threads in force.
    raster : Raster
        The input.
    picture : ndarray of uint8, shape (height, width, 3)
        The input as people see it.
    model : Model
        The trained network, its statistics frozen, ready for other images.
    notes : tuple of str
        What was assumed on the way, for people.
    """

    labels: LabelMap
    confidence: NDArray[np.float32]
    history: tuple[HistoryRow, ...]
    settings: Settings
    seconds: Mapping[str, float]
    threads: int
    raster: Raster
    picture: Picture
    model: Model
    notes: tuple[str, ...] = ()

    @property
    def n_labels(self) -> int:
        """How many labels are in use."""
        return int(np.count_nonzero(np.bincount(self.labels.ravel())[1:]))

    def overlay(self, opacity: float = 0.5) -> Picture:
        """Return the labels' colours over the input, uint8 of shape (height, width, 3)."""
        return overlay(self.picture, self.labels, opacity)

    def _repr_png_(self) -> bytes:
        """Show the overlay in a notebook."""
        import io

        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.overlay()).save(buffer, format="PNG")
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        """Show the overlay and a caption in a notebook."""
        import base64

        height, width = self.labels.shape
        data = base64.b64encode(self._repr_png_()).decode("ascii")
        caption = (
            f"{width} × {height} pixels, {self.n_labels} labels, recipe {self.settings.recipe}, "
            f"seed {self.settings.seed}"
        )
        return (
            f'<figure><img alt="Segmentation: {caption}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
