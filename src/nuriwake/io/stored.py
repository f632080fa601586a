"""An array as a file stores it: pixels of any number of dimensions, and what each of them means."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range

#: Time, depth, channel, row, column; and pages of which the file does not say what they are.
AXES = "TZCYXI"


class Indexed(Protocol):
    """What holds the pixels: an array in memory, or a file that reads what is indexed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""

    def __getitem__(self, index: tuple[int | slice, ...], /) -> NDArray[Any]:
        """Read a part."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Pixels as they are stored, with the name, the spacing and the unit of each axis.

    Parameters
    ----------
    array : ndarray, or what reads like one
        Any real dtype. Files give one that reads only what is indexed, and that can be sent to
        other processes.
    axes : str
        One letter of ``TZCYXI`` for each dimension of the array: time, depth, channel, row, column,
        and ``I`` for pages of which the file does not say what they are. ``Y`` and ``X`` are there.
    spacing : tuple of float
        Steps along each axis: of time in seconds, of depth, rows and columns in ``unit``; 1 where
        the file does not say, and for channels. Default: 1 for each axis.
    unit : str
        Of the steps in space, such as ``micrometer``; empty where the file does not say.
    channel_names : tuple of str
        Empty where the file has none.
    has_alpha : bool
        Whether the last channel is alpha.
    mask : ndarray, or what reads like one, optional
        Of the same axes but channels; 0 where there is no data. It says more than alpha.

    Raises
    ------
    InputError
        If axes and array do not fit.

    Examples
    --------
    >>> stored = Stored(np.zeros((5, 3, 48, 64), np.uint8), "ZCYX", (2.0, 1.0, 0.5, 0.5), "um")
    >>> stored.size("Z"), stored.size("T"), stored.step("Y")
    (5, 1, 0.5)
    >>> stored.take(Z=4).axes
    'CYX'
    >>> stored.ordered("ZYXC").array.shape
    (5, 48, 64, 3)
    """

    array: Indexed
    axes: str
    spacing: tuple[float, ...] = ()
    unit: str = ""
    channel_names: tuple[str, ...] = ()
    has_alpha: bool = False
    mask: Indexed | None = None

    def __post_init__(self) -> None:
        if not self.spacing:
            object.__setattr__(self, "spacing", (1.0,) * len(self.axes))
        known = set(AXES) >= set(self.axes) >= set("YX")
        if not known or max(Counter(self.axes).values()) > 1:
            expected = f"letters of {AXES}, each once, Y and X among them"
            raise InputError(out_of_range("axes", expected, self.axes))
        if not len(self.axes) == len(self.array.shape) == len(self.spacing):
            expected = f"one letter for each dimension of an array of shape {self.array.shape}"
            raise InputError(out_of_range("axes", expected, self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis, in the order of :attr:`axes`."""
        return tuple(self.array.shape)

    def size(self, axis: str) -> int:
        """Return the length of an axis; 1 where there is no such axis."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    def step(self, axis: str) -> float:
        """Return the spacing along an axis; 1 where there is no such axis."""
        return self.spacing[self.axes.index(axis)] if axis in self.axes else 1.0

    def take(self, **positions: int) -> Stored:
        """Read one position on some axes, which the result does not have any more.

        Parameters
        ----------
        **positions : int
            From 0, by the letter of the axis: ``take(T=0, Z=5)``.

        Raises
        ------
        UsageError
            If there is no such axis or position.
        InputError
            If the file is damaged or gone.
        """
        for axis, position in positions.items():
            if axis not in self.axes or axis in "YX":
                expected = f"one of the axes {self.axes} but Y and X"
                raise UsageError(out_of_range("plane", expected, axis))
            if not 0 <= position < self.size(axis):
                expected = f"an int in [0, {self.size(axis) - 1}] along {axis}"
                raise UsageError(out_of_range("plane", expected, position))
        index = tuple(positions.get(axis, slice(None)) for axis in self.axes)
        kept = [k for k, axis in enumerate(self.axes) if axis not in positions]
        without_channels = tuple(
            positions.get(axis, slice(None)) for axis in self.axes if axis != "C"
        )
        return replace(
            self,
            array=self.array[index],
            axes="".join(self.axes[k] for k in kept),
            spacing=tuple(self.spacing[k] for k in kept),
            channel_names=() if "C" in positions else self.channel_names,
            mask=None if self.mask is None else self.mask[without_channels],
        )

    def ordered(self, axes: str) -> Stored:
        """Read everything, with the axes in another order; those that are missing get length 1.

        The mask is left out.

        Parameters
        ----------
        axes : str
            All axes of the array, such as ``ZYXC``, and others.

        Raises
        ------
        UsageError
            If an axis of more than one position is left out.
        InputError
            If the file is damaged or gone.
        """
        lost = [axis for axis in self.axes if axis not in axes and self.size(axis) > 1]
        if lost:
            expected = f"an order of all axes of {self.axes}"
            raise UsageError(out_of_range("axes", expected, axes))
        index = tuple(slice(None) if axis in axes else 0 for axis in self.axes)
        kept = [axis for axis in self.axes if axis in axes]
        array = self.array[index].transpose([kept.index(axis) for axis in axes if axis in kept])
        missing = tuple(k for k, axis in enumerate(axes) if axis not in kept)
        spacing = tuple(map(self.step, axes))
        array = np.expand_dims(array, missing)
        return replace(self, array=array, axes=axes, spacing=spacing, mask=None)
