"""Scribbles: a few pixels whose label the user has drawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.raster import LabelMap

#: The value of unscribbled pixels in the files of the paper's authors.
PUBLISHED_BLANK = 255


@dataclass(frozen=True, eq=False)
class Scribbles:
    """Labels drawn by the user, and how they were understood.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = not scribbled.
    note : str
        What was assumed, one line for people; empty where there was nothing to assume.
    """

    labels: LabelMap
    note: str = ""

    @property
    def n_labels(self) -> int:
        """How many different labels were drawn."""
        return int(np.unique(self.labels[self.labels > 0]).size)


def decode_scribbles(drawn: NDArray[np.generic]) -> Scribbles:
    """Read a map of integers by either convention.

    Usually 0 means not scribbled. In 8-bit maps whose most frequent value is 255, the files of the
    paper's authors among them, 255 means not scribbled and 0 is a label, so label k becomes k + 1.

    Parameters
    ----------
    drawn : ndarray of integers, shape (height, width)

    Returns
    -------
    Scribbles

    Raises
    ------
    InputError
        If it is not a two-dimensional map of integers that are at least 0.

    Examples
    --------
    >>> decode_scribbles(np.array([[255, 255, 0, 3]], np.uint8)).labels
    array([[0, 0, 1, 4]], dtype=int32)
    >>> decode_scribbles(np.array([[0, 0, 1, 3]], np.uint8)).labels
    array([[0, 0, 1, 3]], dtype=int32)
    """
    if drawn.ndim != 2 or drawn.dtype.kind not in "bui" or drawn.size == 0:
        got = f"{drawn.dtype} of shape {drawn.shape}"
        raise InputError(f"scribbles must be integers of shape (height, width); got {got}.")
    if drawn.min() < 0:
        raise InputError(f"scribbles must be at least 0; got {drawn.min()}.")
    labels = drawn.astype(np.int32)
    is_published = (
        drawn.dtype == np.uint8 and np.bincount(labels.ravel()).argmax() == PUBLISHED_BLANK
    )
    if not is_published:
        return Scribbles(labels, "0 means not scribbled")
    labels = np.where(labels == PUBLISHED_BLANK, 0, labels + 1).astype(np.int32)
    return Scribbles(labels, "255 means not scribbled, label k became k + 1")


def check_scribbles(scribbles: Scribbles, shape: tuple[int, int], max_labels: int) -> None:
    """Refuse scribbles that cannot guide this image.

    Parameters
    ----------
    scribbles : Scribbles
    shape : tuple of int
        Height and width of the image.
    max_labels : int
        q of the network.

    Raises
    ------
    InputError
        If the size differs, a label exceeds ``max_labels``, or fewer than two labels are drawn.
    """
    labels = np.unique(scribbles.labels)
    check_drawn(scribbles.labels.shape, labels[labels > 0].tolist(), shape, max_labels)


def check_drawn(
    drawn_shape: tuple[int, ...], labels: Collection[int], shape: tuple[int, int], max_labels: int
) -> None:
    """Refuse drawn labels that cannot guide this image; the checks of :func:`check_scribbles`.

    Parameters
    ----------
    drawn_shape : tuple of int
        Height and width of the scribbles.
    labels : collection of int
        Those that were drawn.
    shape : tuple of int
        Height and width of the image.
    max_labels : int
        q of the network.

    Raises
    ------
    InputError
        If the size differs, a label exceeds ``max_labels``, or fewer than two labels are drawn.
    """
    if drawn_shape != shape:
        got = f"{drawn_shape[0]} x {drawn_shape[1]}"
        raise InputError(
            f"scribbles must have the image's size, {shape[0]} x {shape[1]} pixels; got {got}."
        )
    if max(labels, default=0) > max_labels:
        raise InputError(
            f"scribbles must have labels in [1, {max_labels}]; got {max(labels)}. Renumber them, "
            "raise max_labels, or draw with hard edges if the brush mixed its colours."
        )
    if len(labels) < 2:
        raise InputError(
            f"scribbles must show at least 2 different labels; got {len(labels)}. "
            "Draw on the background too."
        )


def number_labels(sizes: NDArray[np.int64], scribbles: LabelMap | None) -> NDArray[np.int64]:
    """Order the network's outputs: drawn labels keep their number, the others go by size.

    Parameters
    ----------
    sizes : ndarray of int64, shape (q,)
        Pixels of each label.
    scribbles : ndarray of int32 or None

    Returns
    -------
    ndarray of int64, shape (q,)
        ``order[i]`` is the output that becomes output i.

    Examples
    --------
    >>> number_labels(np.array([1, 9, 5]), None)
    array([1, 2, 0])
    >>> number_labels(np.array([1, 9, 5]), np.array([[1]], np.int32))
    array([0, 1, 2])
    """
    by_size = np.argsort(-sizes, kind="stable").tolist()
    kept = set() if scribbles is None else set((np.unique(scribbles[scribbles > 0]) - 1).tolist())
    others = iter([output for output in by_size if output not in kept])
    return np.array([i if i in kept else next(others) for i in range(len(by_size))])
