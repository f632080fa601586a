"""The result of one run: the trees, the maps read from them, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.painting import Picture, overlay
from nuriwake.raster import Georeference, LabelMap, Raster
from nuriwake.regions.tree import Detail, LabelTree, RegionTree, check_detail
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from xarray import DataArray

    from nuriwake.model import Model

P = TypeVar("P", bound="Partition")


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


@dataclass(frozen=True)
class Reading:
    """Which cuts of the trees a result shows.

    Parameters
    ----------
    n_regions : int or None
        So many connected regions; None for the automatic cut.
    n_labels : int or None
        So many materials; None for the network's labels as they are.
    prefers_labels : bool
        Show labels in pictures: they were drawn, or a number of them was asked for.
    detail : str or None
        ``fine``, ``medium`` or ``coarse`` regions, in place of a number of them.
    """

    n_regions: int | None = None
    n_labels: int | None = None
    prefers_labels: bool = False
    detail: Detail | None = None


@dataclass(frozen=True)
class Asked:
    """What a caller of :func:`nuriwake.segment` wants to see, checked before anything is learned.

    Parameters
    ----------
    regions : int or "auto"
    detail : {"fine", "medium", "coarse"} or None
    labels : int or None

    Raises
    ------
    UsageError
        If no image has such a number or detail, or both regions and a detail are given.
    """

    regions: int | Literal["auto"] = "auto"
    detail: Detail | None = None
    labels: int | None = None

    def __post_init__(self) -> None:
        is_auto = isinstance(self.regions, str) and self.regions == "auto"
        if not (is_auto or _can_count(self.regions)):
            raise UsageError(out_of_range("regions", '"auto" or an int of 1 or more', self.regions))
        if not (self.labels is None or _can_count(self.labels)):
            raise UsageError(out_of_range("labels", "None or an int of 1 or more", self.labels))
        if self.detail is not None:
            check_detail(self.detail)
            if not is_auto:
                raise UsageError("give `regions` or `detail`, not both.")

    def of(self, found: P) -> P:
        """Return a result that shows this.

        Raises
        ------
        UsageError
            If the image was divided into fewer parts.
        """
        n_regions = None if self.regions == "auto" else self.regions
        if n_regions is not None:
            found.tree.check_number(n_regions, "regions")
        if self.labels is not None:
            found.label_tree.check_number(self.labels, "labels")
        return found.read(n_regions, self.labels, self.detail)


def _can_count(number: object) -> bool:
    """Tell whether something is a number of parts."""
    if isinstance(number, bool) or not isinstance(number, int | np.integer):
        return False
    return bool(number >= 1)


@dataclass(frozen=True, eq=False)
class Partition:
    """An image divided: two trees, and the cuts that are shown.

    Parameters
    ----------
    tree : RegionTree
        Of connected regions.
    label_tree : LabelTree
        Of the network's labels, each of which may appear in many places.
    own_labels : ndarray of int32, shape (height, width)
        The network's labels with their own numbers; 0 = no data.
    confidence : ndarray of float32, shape (height, width), in [0, 1]
        The softmax margin between a pixel's label and the second best one.
    picture : ndarray of uint8, shape (height, width, 3)
        The input as people see it.
    settings : Settings
    reading : Reading
    georeference : Georeference or None
        Place on the ground.
    name : str
        The input's file name; empty where it has none.
    """

    tree: RegionTree
    label_tree: LabelTree
    own_labels: LabelMap
    confidence: NDArray[np.float32]
    picture: Picture
    settings: Settings
    reading: Reading
    georeference: Georeference | None
    name: str = field(default="", kw_only=True)

    @cached_property
    def regions(self) -> LabelMap:
        """Connected regions 1, 2, ...; int32 of shape (height, width), 0 = no data."""
        return self.cut(self.reading.n_regions, detail=self.reading.detail)

    @cached_property
    def labels(self) -> LabelMap:
        """Labels, int32 of shape (height, width), 0 = no data: the network's own, or materials."""
        wanted = self.reading.n_labels
        return self.own_labels if wanted is None else self.label_tree.cut(wanted)

    @property
    def n_labels(self) -> int:
        """How many labels are in use."""
        return int(np.count_nonzero(np.bincount(self.labels.ravel())[1:]))

    @property
    def n_regions(self) -> int:
        """How many regions the cut has."""
        return int(self.regions.max())

    @property
    def shows_regions(self) -> bool:
        """Whether pictures show the regions, rather than the labels, unless told otherwise."""
        if self.reading.n_regions is not None or self.reading.detail is not None:
            return True
        return self.settings.method.shows == "regions" and not self.reading.prefers_labels

    def cut(
        self,
        n_regions: int | None = None,
        *,
        altitude: float | None = None,
        detail: Detail | None = None,
    ) -> LabelMap:
        """Read another number of regions; no training, milliseconds.

        Parameters
        ----------
        n_regions : int, optional
            Exactly so many, in [tree.min_regions, tree.n_leaves].
        altitude : float, optional
            Do every merge that costs at most this much.
        detail : {"fine", "medium", "coarse"}, optional
            Cut at one of three altitudes that suit photographs: medium is about what a person
            would outline. Without all three: the automatic cut.

        Returns
        -------
        ndarray of int32, shape (height, width)
            Regions 1, 2, ...; 0 = no data.

        Raises
        ------
        UsageError
            If the number cannot be had, there is no such detail, or two of the three are given.
        """
        return self.tree.cut(n_regions, altitude=altitude, detail=detail)

    def read(
        self,
        n_regions: int | None = None,
        n_labels: int | None = None,
        detail: Detail | None = None,
    ) -> Self:
        """Return the same result, showing other cuts.

        Raises
        ------
        UsageError
            If a number cannot be had, or both a number of regions and a detail are given.
        """
        prefers_labels = self.reading.prefers_labels or n_labels is not None
        other = replace(self, reading=Reading(n_regions, n_labels, prefers_labels, detail))
        # The maps are made now, so that a wrong number is told here.
        _ = other.regions, other.labels
        return other

    def overlay(self, opacity: float = 0.5, *, labels: LabelMap | None = None) -> Picture:
        """Lay colours over the input.

        Parameters
        ----------
        opacity : float
            Of the colours, in [0, 1].
        labels : ndarray of int32, shape (height, width), optional
            What to show. Default: the regions where a number of them was asked for; the labels
            where those were drawn or counted; else what the recipe is about.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        shown = self.regions if self.shows_regions else self.labels
        return overlay(self.picture, shown if labels is None else labels, opacity)

    def _repr_png_(self) -> bytes:
        """Show the overlay in a notebook."""
        import io

        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.overlay()).save(buffer, format="PNG")
        return buffer.getvalue()


@dataclass(frozen=True, eq=False)
class Segmentation(Partition):
    """A partition of one image, and everything that made it.

    Parameters
    ----------
    history : tuple of HistoryRow
    seconds : Mapping of str to float
        Seconds of each stage.
    threads : int
        CPU threads in force.
    raster : Raster
        The input.
    model : Model
        The trained network, its statistics frozen, ready for other images.
    notes : tuple of str
        What was assumed on the way, for people.
    """

    history: tuple[HistoryRow, ...]
    seconds: Mapping[str, float]
    threads: int
    raster: Raster
    model: Model
    notes: tuple[str, ...] = ()

    def to_xarray(self, *, labels: LabelMap | None = None) -> DataArray:
        """Give a label map the dimensions, the coordinates and the reference system of the input.

        Parameters
        ----------
        labels : ndarray of int32, shape (height, width), optional
            What to give them to, such as ``result.cut(12)``. Default: the regions or the labels,
            whichever :meth:`overlay` shows.

        Returns
        -------
        xarray.DataArray
            Of int32; 0 = no data, which is noted as its ``_FillValue``.

        Raises
        ------
        MissingDependencyError
            If xarray is not installed.
        """
        from nuriwake.io.dataarray import label_dataarray

        name, shown = ("regions", self.regions) if self.shows_regions else ("labels", self.labels)
        if labels is not None:
            name, shown = "labels", labels
        return label_dataarray(self.raster, shown, name)

    def _repr_html_(self) -> str:
        """Show the overlay and a caption in a notebook."""
        import base64

        height, width = self.tree.base.shape
        data = base64.b64encode(self._repr_png_()).decode("ascii")
        count = f"{self.n_regions} regions" if self.shows_regions else f"{self.n_labels} labels"
        caption = (
            f"{width} × {height} pixels, {count}, recipe {self.settings.recipe}, "
            f"seed {self.settings.seed}"
        )
        return (
            f'<figure><img alt="Segmentation: {caption}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
