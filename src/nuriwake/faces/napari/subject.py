"""What is segmented of a layer of napari, and where its result belongs.

A result has the axes of its image, so that napari's sliders move both: an axis of which one
position was taken, or along which the channels lie, has length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.raster import LabelMap, Raster, as_raster, holds_data
from nuriwake.volume import Volume, as_volume

Scope = Literal["plane", "planes", "volume"]
_CHANNEL_NAMES = frozenset({"c", "ch", "channel", "channels", "band", "bands", "s", "samples"})


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a result lies in the viewer: what napari's ``add_labels`` takes.

    Parameters
    ----------
    scale, translate : tuple of float
        For each axis of the result.
    units : tuple of str
        For each axis; empty where the layer has none.
    """

    scale: tuple[float, ...]
    translate: tuple[float, ...]
    units: tuple[str, ...] = ()

    def of_cells(self, factors: Sequence[float]) -> Placement:
        """Place a coarser map: each of its cells covers so many pixels along each axis.

        Examples
        --------
        >>> Placement((1.0, 2.0), (0.0, 0.0)).of_cells((4.0, 4.0))
        Placement(scale=(4.0, 8.0), translate=(1.5, 3.0), units=())
        """
        scale, cells = np.array(self.scale), np.array(factors)
        first = np.array(self.translate) + scale * (cells - 1.0) / 2.0
        return Placement(tuple((scale * cells).tolist()), tuple(first.tolist()), self.units)


def find_channels(layer: Any) -> int | None:
    """Say along which axis of its data the channels of an image layer lie, if any.

    Its flag ``rgb`` counts, then the names of its axes, then ``channel_axis`` or ``axes`` (such as
    ``CYX``) among its metadata. Contrast limits never count.

    Parameters
    ----------
    layer : napari.layers.Image

    Returns
    -------
    int or None
    """
    n_axes = int(layer.ndim) + int(layer.rgb)
    if layer.rgb:
        return n_axes - 1
    metadata: dict[str, object] = layer.metadata
    axis = metadata.get("channel_axis")
    if isinstance(axis, int):
        return axis % n_axes if -n_axes <= axis < n_axes else None
    for names in (layer.axis_labels, metadata.get("axes", ())):
        if isinstance(names, str | tuple | list) and len(names) == n_axes:
            named = [i for i, name in enumerate(names) if str(name).lower() in _CHANNEL_NAMES]
            if len(named) == 1:
                return named[0]
    return None


@dataclass(frozen=True, eq=False)
class Subject:
    """What is segmented of a layer.

    Parameters
    ----------
    data : array
        Of the layer, as it is; read by :meth:`raster` only.
    name : str
        Of the layer.
    channels : int or None
        The axis of the channels.
    planes : tuple of int
        The axes along which pictures are stacked.
    at : tuple of int
        The shown position along each of them.
    scope : {"plane", "planes", "volume"}
        The shown picture only, all of them, or those along the last axis of planes as one volume.
    shape : tuple of int
        Of the result.
    placement : Placement
        Of the result.
    """

    data: Any
    name: str
    channels: int | None
    planes: tuple[int, ...]
    at: tuple[int, ...]
    scope: Scope
    shape: tuple[int, ...]
    placement: Placement

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """The pictures to segment, each by its position along the axes of planes."""
        if self.scope == "plane":
            return [self.at]
        return list(product(*(range(self.data.shape[axis]) for axis in self.planes)))

    def raster(self, position: tuple[int, ...]) -> Raster:
        """Read one picture; it may be without any valid pixel.

        Raises
        ------
        InputError
            If its numbers are not real.
        """
        index: list[int | slice] = [slice(None)] * self.data.ndim
        for axis, at in zip(self.planes, position, strict=True):
            index[axis] = at
        array = np.asarray(self.data[tuple(index)])
        if array.dtype.kind not in "buif":
            raise InputError(f"{self.name} must have real values; got {array.dtype}.")
        if self.channels is None:
            array = array[..., np.newaxis]
        else:
            before = sum(axis < self.channels for axis in self.planes)
            array = np.moveaxis(array, self.channels - before, -1)
        return Raster(np.ascontiguousarray(array), holds_data(array))

    def picture(self) -> Raster:
        """Read the shown picture.

        Raises
        ------
        InputError
            If it cannot be segmented.
        """
        return as_raster(self.raster(self.at))

    def drawn(self, labels: NDArray[np.generic]) -> LabelMap:
        """Take the shown picture's part of scribbles, of the result's shape or of the image's.

        Raises
        ------
        InputError
            If they have another shape.
        """
        if labels.shape == self.shape and self.scope == "plane":
            return np.asarray(labels, np.int32).reshape(self.shape_of_picture)
        lengths = [1 if axis == self.channels else n for axis, n in enumerate(self.data.shape)]
        whole = tuple(lengths[: len(self.shape)])
        if labels.shape != whole:
            raise InputError(
                f"the scribbles must have the shape of the image's planes, {whole}, or of the "
                f"shown one, {self.shape}; got {labels.shape}. Make a layer with New scribbles."
            )
        index: list[int | slice] = [slice(None)] * len(whole)
        for axis, at in zip(self.planes, self.at, strict=True):
            index[axis] = at
        return np.asarray(labels[tuple(index)], np.int32).reshape(self.shape_of_picture)

    def volume(self) -> Volume:
        """Read the shown volume.

        Raises
        ------
        InputError
            If it cannot be segmented.
        UsageError
            If its voxels are much longer than wide.
        """
        depth = self.data.shape[self.planes[-1]]
        pages = [self.raster((*self.at[:-1], z)) for z in range(depth)]
        axes = (self.planes[-1], *self._pictured)
        return as_volume(
            np.stack([page.array for page in pages]),
            np.stack([page.valid for page in pages]),
            spacing=[abs(self.placement.scale[axis]) for axis in axes],
        )

    @property
    def shape_of_picture(self) -> tuple[int, int]:
        """Height and width of one picture."""
        height, width = (self.data.shape[axis] for axis in self._pictured)
        return height, width

    @property
    def _pictured(self) -> list[int]:
        """The axes of rows and columns."""
        used = {self.channels, *self.planes}
        return [axis for axis in range(self.data.ndim) if axis not in used]

    def place_coarse(self, labels: NDArray[np.integer]) -> tuple[NDArray[np.integer], Placement]:
        """Give a coarser map of what is shown the axes of the result, and its place.

        Parameters
        ----------
        labels : ndarray of int, shape (h, w) or (d, h, w)

        Returns
        -------
        labels : ndarray of int
            With axes of length 1 where the result has others than rows and columns.
        placement : Placement
        """
        shape, factors = [1] * len(self.shape), [1.0] * len(self.shape)
        axes = [*self.planes[-1:], *self._pictured][-labels.ndim :]
        for axis, cells in zip(axes, labels.shape, strict=True):
            shape[axis] = cells
            factors[axis] = self.data.shape[axis] / cells
        return labels.reshape(shape), self.placement.of_cells(factors)


def take_subject(
    layer: Any, channels: int | None, shown: Sequence[float], scope: Scope = "plane"
) -> Subject:
    """Say what is to be segmented of an image layer.

    Parameters
    ----------
    layer : napari.layers.Image
        Of a pyramid the finest level is taken.
    channels : int or None
        The axis of the channels.
    shown : sequence of float
        The point that the viewer shows, in world coordinates.
    scope : {"plane", "planes", "volume"}

    Returns
    -------
    Subject

    Raises
    ------
    UsageError
        If there is no such axis of channels, or too few others.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    if channels is not None and not 0 <= channels < data.ndim:
        raise UsageError(out_of_range("channels", f"an axis in [0, {data.ndim - 1}]", channels))
    pictured = [axis for axis in range(data.ndim) if axis != channels]
    if len(pictured) < 2:
        raise UsageError(
            f"{layer.name} must have two axes besides its channels; its shape is {data.shape}."
        )
    planes = tuple(pictured[:-2])
    if scope == "volume" and not planes:
        raise UsageError(
            f"{layer.name} is a single picture, not a volume. Segment the shown plane."
        )
    fixed = {"plane": planes, "planes": (), "volume": planes[:-1]}[scope]
    inside = np.round(layer.world_to_data(np.asarray(shown)[-layer.ndim :])).astype(int)
    at = tuple(int(np.clip(inside[axis], 0, data.shape[axis] - 1)) for axis in planes)
    shape, first, steps = [], np.zeros(layer.ndim), np.ones(layer.ndim)
    for axis in range(layer.ndim):
        if axis == channels:
            shape.append(1)
            steps[axis] = data.shape[axis]
            first[axis] = (data.shape[axis] - 1) / 2.0
        elif axis in fixed:
            shape.append(1)
            first[axis] = at[planes.index(axis)]
        else:
            shape.append(data.shape[axis])
    scale = np.asarray(layer.scale)
    placement = Placement(
        tuple((scale * steps).tolist()),
        tuple((np.asarray(layer.translate) + scale * first).tolist()),
        tuple(str(unit) for unit in layer.units),
    )
    return Subject(data, layer.name, channels, planes, at, scope, tuple(shape), placement)
