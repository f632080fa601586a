"""The contingency table: a prediction and one annotator's drawing meet here, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nuriwake.errors import InputError

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Contingency:
    """How many pixels each predicted region shares with each ground-truth segment.

    Only cells that hold a pixel are stored, as three aligned arrays. Regions and segments are
    numbered from 0 in the order of their labels.

    Parameters
    ----------
    region, segment : (n_cells,) int64 array
        Row (predicted region) and column (ground-truth segment) of each cell.
    shared : (n_cells,) int64 array
        Pixels in each cell, at least 1.
    region_labels : (n_regions,) int64 array
        The label that each region has in the prediction, increasing.
    n_segments : int
        Number of ground-truth segments.

    Examples
    --------
    >>> table = Contingency.of([[1, 1, 2, 2]], [[1, 1, 1, 2]])
    >>> table.region_sizes.tolist(), table.segment_sizes.tolist()
    ([2, 2], [3, 1])
    """

    region: Counts
    segment: Counts
    shared: Counts
    region_labels: Counts
    n_segments: int

    @classmethod
    def of(cls, prediction: ArrayLike, truth: ArrayLike) -> Contingency:
        """Count the pixels of two label maps.

        Parameters
        ----------
        prediction : (H, W) integer array
            Label map to score. Its 0 counts as a region where the truth is annotated: leaving
            pixels out must not pay.
        truth : (H, W) integer array
            Ground truth; 0 = not annotated, and such pixels are left out of the table.

        Returns
        -------
        Contingency
            The table over the annotated pixels.

        Raises
        ------
        InputError
            If the maps differ in shape, hold no integers, or nothing is annotated.
        """
        return cls.of_windows([(prediction, truth)])

    @classmethod
    def of_windows(cls, windows: Iterable[tuple[ArrayLike, ArrayLike]]) -> Contingency:
        """Count the pixels of two label maps that come in parts: memory for one part at a time.

        Parameters
        ----------
        windows : iterable of (prediction, truth)
            As in :meth:`of`; a label means the same in every part.

        Returns
        -------
        Contingency
            The table of the whole maps.

        Raises
        ------
        InputError
            If two parts differ in shape, hold no integers, or nothing is annotated anywhere.

        Examples
        --------
        >>> halves = [([[5, 5]], [[1, 1]]), ([[5, 9]], [[1, 2]])]
        >>> Contingency.of_windows(halves).shared.tolist()
        [3, 1]
        """
        parts = [_cells(*_checked(*window)) for window in windows]
        regions, segments, pixels = (
            np.concatenate([np.empty(0, np.int64), *column])
            for column in (zip(*parts, strict=True) if parts else ((), (), ()))
        )
        if not pixels.size:
            raise InputError("`truth` must have at least one annotated (non-zero) pixel; got none.")
        region, region_labels = _compact(regions)
        segment, segment_labels = _compact(segments)
        return cls._count(region, segment, pixels, region_labels, len(segment_labels))

    def merged(self, group: ArrayLike) -> Contingency:
        """Return the table of a coarser prediction without visiting the pixels again.

        Parameters
        ----------
        group : (n_regions,) integer array
            The coarser region of each region; any labels.

        Returns
        -------
        Contingency
            The table whose rows are the groups, in the order of their labels.

        Examples
        --------
        >>> fine = Contingency.of([[1, 2, 3]], [[1, 1, 2]])
        >>> fine.merged([7, 7, 9]).region_sizes.tolist()
        [2, 1]
        """
        coarse, labels = _compact(np.asarray(group))
        if coarse.shape != (self.n_regions,):
            raise InputError(
                f"`group` must name one group for each of {self.n_regions} regions; "
                f"got shape {coarse.shape}."
            )
        return self._count(coarse[self.region], self.segment, self.shared, labels, self.n_segments)

    @classmethod
    def _count(
        cls,
        region: Counts,
        segment: Counts,
        pixels: Counts,
        region_labels: Counts,
        n_segments: int,
    ) -> Contingency:
        """Add up `pixels` that fall into the same cell."""
        cell, keys = _compact(region * n_segments + segment)
        shared = _sums(cell, pixels, len(keys))
        return cls(keys // n_segments, keys % n_segments, shared, region_labels, n_segments)

    @property
    def n_regions(self) -> int:
        """Number of predicted regions."""
        return len(self.region_labels)

    @property
    def n_pixels(self) -> int:
        """Number of annotated pixels."""
        return int(self.shared.sum())

    @property
    def region_sizes(self) -> Counts:
        """Annotated pixels in each predicted region, (n_regions,) int64."""
        return _sums(self.region, self.shared, self.n_regions)

    @property
    def segment_sizes(self) -> Counts:
        """Pixels in each ground-truth segment, (n_segments,) int64."""
        return _sums(self.segment, self.shared, self.n_segments)


def _checked(
    prediction: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the labels of the annotated pixels."""
    predicted, true = np.asarray(prediction), np.asarray(truth)
    if predicted.shape != true.shape:
        raise InputError(
            "prediction and truth must have the same shape; "
            f"got {predicted.shape} and {true.shape}."
        )
    for name, labels in (("prediction", predicted), ("truth", true)):
        if labels.dtype.kind not in "iub":
            raise InputError(f"`{name}` must hold integer labels; got dtype {labels.dtype}.")
    valid = true != 0
    return predicted[valid], true[valid]


def _cells(
    predicted: NDArray[np.integer], true: NDArray[np.integer]
) -> tuple[Counts, Counts, Counts]:
    """Return the labels of every pair that occurs, and its pixels."""
    if not true.size:
        return (np.empty(0, np.int64),) * 3
    region, region_labels = _compact(predicted)
    segment, segment_labels = _compact(true)
    cell, keys = _compact(region * len(segment_labels) + segment)
    rows, columns = np.divmod(keys, len(segment_labels))
    return region_labels[rows], segment_labels[columns], np.bincount(cell).astype(np.int64)


def _sums(index: Counts, pixels: Counts, n: int) -> Counts:
    # Float sums of whole numbers are exact below 2^53 pixels.
    return np.bincount(index, weights=pixels, minlength=n).astype(np.int64)


def _compact(labels: NDArray[np.integer]) -> tuple[Counts, Counts]:
    """Return each label's number, 0..n-1 in the order of the labels in use, and those labels."""
    flat = labels.astype(np.int64).ravel()
    low = int(flat.min())
    span = int(flat.max()) - low + 1
    if span > 8 * flat.size + 1024:  # a lookup table would be larger than the sort is slow
        in_use, number = np.unique(flat, return_inverse=True)
        return number, in_use
    flat -= low
    used = np.bincount(flat, minlength=span) > 0
    return (np.cumsum(used) - 1)[flat], np.flatnonzero(used) + low
