"""Pictures larger than what is learned from: a reduced copy, and tiles of the picture itself.

The page shows the reduced copy, and where one zooms in beyond its resolution the tiles of a
pyramid. They are encoded once, when the picture is decoded, and kept in a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from nuriwake.errors import InputError
from nuriwake.faces.web.kept import keep
from nuriwake.faces.web.picture import encode_jpeg, painter
from nuriwake.faces.web.reduce import reduce_raster, reduction_for
from nuriwake.raster import LabelMap, Raster

#: Side of a tile, in pixels.
TILE = 512
_QUALITY = 88


@dataclass(frozen=True)
class Place:
    """Where a tile is: its level, its row and its column among the tiles of the level."""

    level: int
    row: int
    col: int


@dataclass(frozen=True)
class Pyramid:
    """How a picture is cut into tiles.

    Level 0 has the picture's own pixels; one of the next level is the mean of 2 x 2 of the level
    before. The levels end before the resolution of the reduced copy.

    Parameters
    ----------
    height, width : int
        Of the picture, in its own pixels.
    reduction : int
        Pixels of the picture, along each side, that are one of its reduced copy; at least 2.

    Examples
    --------
    >>> pyramid = Pyramid(height=5000, width=1500, reduction=3)
    >>> pyramid.n_levels, pyramid.n_tiles, pyramid.reduced_shape
    (2, 40, (1666, 500))
    """

    height: int
    width: int
    reduction: int

    @property
    def n_levels(self) -> int:
        """How many levels are finer than the reduced copy."""
        return (self.reduction - 1).bit_length()

    @property
    def n_tiles(self) -> int:
        """How many tiles all levels have."""
        return sum(1 for _ in self.places())

    @property
    def reduced_shape(self) -> tuple[int, int]:
        """Height and width of the reduced copy."""
        return self.height // self.reduction, self.width // self.reduction

    def fits(self, shape: tuple[int, ...], most: int) -> bool:
        """Tell whether this is a picture of that many pixels at most, reduced to ``shape``."""
        n_pixels = self.height * self.width
        return self.reduction > 1 and self.reduced_shape == shape and 0 < n_pixels <= most

    def places(self) -> Iterator[Place]:
        """List the tiles in their order: level by level, row by row."""
        for level in range(self.n_levels):
            side = TILE << level
            for row in range(-(-self.height // side)):
                for col in range(-(-self.width // side)):
                    yield Place(level, row, col)

    def enlarge(self, labels: LabelMap) -> LabelMap:
        """Give each pixel of the picture the label of its square in the reduced copy.

        Pixels beyond the last whole square belong to that one.

        Parameters
        ----------
        labels : ndarray of int32, of the reduced copy's shape

        Returns
        -------
        ndarray of int32, shape (height, width)

        Examples
        --------
        >>> Pyramid(2, 5, 2).enlarge(np.array([[1, 2]], np.int32))
        array([[1, 1, 2, 2, 2],
               [1, 1, 2, 2, 2]], dtype=int32)
        """
        rows, cols = (
            np.minimum(np.arange(side) // self.reduction, reduced - 1)
            for side, reduced in zip((self.height, self.width), labels.shape, strict=True)
        )
        enlarged: LabelMap = labels.take(cols, axis=1).take(rows, axis=0)
        return enlarged


def fit(raster: Raster, most: int) -> tuple[Raster, Pyramid | None, list[bytes]]:
    """Reduce what has more pixels than are learned from, and cut tiles of it.

    Parameters
    ----------
    raster : Raster
    most : int
        Height times width at most.

    Returns
    -------
    reduced : Raster
        The raster itself where it is small enough.
    pyramid : Pyramid or None
        None where nothing was reduced.
    tiles : list of bytes
        JPEGs, in the order of ``pyramid.places()``.

    Raises
    ------
    InputError
        If no square of the pixels that become one is valid as a whole.
    """
    factor = reduction_for(raster.valid.size, most)
    if factor == 1:
        return raster, None, []
    reduced = reduce_raster(raster, factor)
    if not reduced.valid.any():
        raise InputError(f"no {factor} x {factor} pixels side by side are valid.")
    pyramid = Pyramid(*raster.shape, factor)
    return reduced, pyramid, _encode(raster, reduced, pyramid)


def _encode(raster: Raster, reduced: Raster, pyramid: Pyramid) -> list[bytes]:
    from PIL import Image

    paint = painter(reduced)  # in the same colours
    tiles = []
    for place in pyramid.places():
        side = TILE << place.level
        window = tuple(slice(at * side, (at + 1) * side) for at in (place.row, place.col))
        picture = Image.fromarray(paint(Raster(raster.array[window], raster.valid[window])))
        tiles.append(encode_jpeg(np.asarray(picture.reduce(1 << place.level)), _QUALITY))
    return tiles


class Tiles:
    """The tiles of one picture, in a file that is gone when nobody holds them.

    Parameters
    ----------
    pyramid : Pyramid
    lengths : sequence of int
        Bytes of each tile, in the order of ``pyramid.places()``.
    data : bytes-like
        The tiles, one after the other.

    Raises
    ------
    InputError
        If these do not belong together.
    """

    def __init__(self, pyramid: Pyramid, lengths: Sequence[int], data: bytes | bytearray) -> None:
        places = list(pyramid.places())
        if len(lengths) != len(places) or min(lengths) < 1 or sum(lengths) != len(data):
            raise InputError("the tiles are those of another picture.")
        ends = accumulate(lengths, initial=0)
        self._starts = dict(zip(places, zip(ends, lengths, strict=False), strict=True))
        self._lengths, self._data = tuple(lengths), keep(data)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Bytes of each tile, in their order."""
        return self._lengths

    def joined(self) -> bytes:
        """Return all tiles, one after the other."""
        return self._data[:]

    def read(self, place: Place) -> bytes | None:
        """Return a tile, a JPEG; None where there is none."""
        if place not in self._starts:
            return None
        start, length = self._starts[place]
        return self._data[start : start + length]
