"""Images to learn from, and where pieces of them are cut out; this module needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import BoolMap


@dataclass(frozen=True, eq=False)
class Reference:
    """One image to learn from.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    """

    image: NDArray[np.float32]
    valid: BoolMap


def place_crop(valid: BoolMap, shape: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """Place a crop at random; where it would hold no data, around a random pixel that is some.

    Parameters
    ----------
    valid : ndarray of bool, shape (height, width)
    shape : tuple of int
        Height and width of the crop.
    rng : numpy.random.Generator

    Returns
    -------
    row, col : int
        Its first pixel.
    """
    free = [max(extent - size, 0) for extent, size in zip(valid.shape, shape, strict=True)]
    row, col = (int(rng.integers(room + 1)) for room in free)
    if not valid[row : row + shape[0], col : col + shape[1]].any():
        place = np.unravel_index(rng.choice(np.flatnonzero(valid)), valid.shape)
        row, col = (
            int(np.clip(at - size // 2, 0, room))
            for at, size, room in zip(place, shape, free, strict=True)
        )
    return row, col
