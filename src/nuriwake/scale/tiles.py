"""Which tiles cover a raster, what each must read, and where they meet: pure geometry.

A tile is a core and a halo. The cores partition the raster; what is read for a tile is its core
grown by the halo and clipped to the raster. With a halo as wide as the network's reach, the
responses of the core do not depend on where the raster was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import Window

Shape = tuple[int, int]

#: Full-width tiles are preferred for striped files as long as they are at least this high.
MIN_STRIPE_HEIGHT = 64


@dataclass(frozen=True)
class Tile:
    """One piece of the work.

    Parameters
    ----------
    index : int
        Position in the plan, row by row.
    core : Window
        The pixels that this tile answers for.
    read : Window
        The core with its halo, clipped to the raster.
    """

    index: int
    core: Window
    read: Window

    @property
    def core_in_read(self) -> Window:
        """The core in the coordinates of what was read."""
        return self.core.relative_to(self.read)


@dataclass(frozen=True)
class Seam:
    """The face between two neighbouring cores: one line of pixels on either side.

    Pixels that face each other across it are 4-neighbours.

    Parameters
    ----------
    first, second : int
        Indices of the tiles; the first lies above or to the left.
    before, after : Window
        The last line of the first core and the first line of the second, one pixel thick.
    """

    first: int
    second: int
    before: Window
    after: Window

    @property
    def is_horizontal(self) -> bool:
        """Whether the two tiles lie one above the other."""
        return self.before.col == self.after.col


@dataclass(frozen=True)
class TilePlan:
    """A partition of a raster into tiles.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the raster.
    tile_shape : tuple of int
        Height and width of a core; those at the lower and right edge may be smaller.
    halo : int
        Pixels read around each core.

    Examples
    --------
    >>> plan = TilePlan(shape=(4, 5), tile_shape=(4, 3), halo=1)
    >>> len(plan), plan[1].core, plan[1].read
    (2, Window(row=0, col=3, height=4, width=2), Window(row=0, col=2, height=4, width=3))
    """

    shape: Shape
    tile_shape: Shape
    halo: int

    @property
    def grid(self) -> Shape:
        """Number of tiles down and across."""
        return -(-self.shape[0] // self.tile_shape[0]), -(-self.shape[1] // self.tile_shape[1])

    def __len__(self) -> int:
        return self.grid[0] * self.grid[1]

    def __getitem__(self, index: int) -> Tile:
        if not 0 <= index < len(self):
            raise IndexError(f"the plan has {len(self)} tiles; there is no tile {index}")
        row, col = divmod(index, self.grid[1])
        corner = Window(row * self.tile_shape[0], col * self.tile_shape[1], *self.tile_shape)
        core = corner.intersect(Window.full(self.shape))
        return Tile(index, core, core.expand(self.halo, within=self.shape))

    def __iter__(self) -> Iterator[Tile]:
        return (self[index] for index in range(len(self)))

    def seams(self) -> Iterator[Seam]:
        """Yield every face between neighbouring cores, each once, in the order of its tiles."""
        n_cols = self.grid[1]
        for tile in self:
            row, col = divmod(tile.index, n_cols)
            if row > 0:
                yield self._seam_above(self[tile.index - n_cols], tile)
            if col > 0:
                yield self._seam_beside(self[tile.index - 1], tile)

    def seams_after(self, index: int) -> Iterator[Seam]:
        """Yield the faces that a tile is the first of: the one below it, and the one beside it.

        Examples
        --------
        >>> [seam.second for seam in TilePlan((4, 4), (2, 2), halo=0).seams_after(0)]
        [2, 1]
        """
        n_rows, n_cols = self.grid
        row, col = divmod(index, n_cols)
        if row + 1 < n_rows:
            yield self._seam_above(self[index], self[index + n_cols])
        if col + 1 < n_cols:
            yield self._seam_beside(self[index], self[index + 1])

    @staticmethod
    def _seam_above(upper: Tile, lower: Tile) -> Seam:
        core = lower.core
        before = Window(core.row - 1, core.col, 1, core.width)
        return Seam(upper.index, lower.index, before, Window(core.row, core.col, 1, core.width))

    @staticmethod
    def _seam_beside(left: Tile, right: Tile) -> Seam:
        core = right.core
        before = Window(core.row, core.col - 1, core.height, 1)
        return Seam(left.index, right.index, before, Window(core.row, core.col, core.height, 1))


def plan_tiles(shape: Shape, tile_shape: Shape, halo: int, block_shape: Shape = (1, 1)) -> TilePlan:
    """Cut a raster into tiles that start where the file's blocks start.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the raster.
    tile_shape : tuple of int
        Height and width wished for a core. It is rounded down to whole blocks; along an axis on
        which a block is longer than the wish, no alignment is possible and the wish stands.
    halo : int
        Pixels needed around each core, at least 0.
    block_shape : tuple of int
        Height and width of the blocks in which the file is stored.

    Returns
    -------
    TilePlan

    Raises
    ------
    UsageError
        If a side is below 1 or the halo below 0.

    Examples
    --------
    >>> plan_tiles((1000, 1000), (300, 300), halo=2, block_shape=(256, 256)).tile_shape
    (256, 256)
    """
    for name, value in (("shape", shape), ("tile_shape", tile_shape), ("block_shape", block_shape)):
        if min(value) < 1:
            raise UsageError(out_of_range(name, "two ints of at least 1", value))
    if halo < 0:
        raise UsageError(out_of_range("halo", "an int of at least 0", halo))
    height, width = (
        min(side, wish // block * block if block <= wish else wish)
        for side, wish, block in zip(shape, tile_shape, block_shape, strict=True)
    )
    return TilePlan(shape, (height, width), halo)


def choose_tile_shape(n_pixels: int, shape: Shape, block_shape: Shape) -> Shape:
    """Choose the shape of a core of at most ``n_pixels`` pixels.

    Square, except in striped files: there a tile as wide as the raster reads each stripe once.

    Parameters
    ----------
    n_pixels : int
        How many pixels a tile may have, at least 1.
    shape : tuple of int
        Height and width of the raster.
    block_shape : tuple of int
        Height and width of the file's blocks.

    Returns
    -------
    tuple of int
        Height and width.

    Examples
    --------
    >>> choose_tile_shape(1_000_000, (9000, 9000), (512, 512))
    (1000, 1000)
    >>> choose_tile_shape(1_000_000, (9000, 9000), (1, 9000))
    (111, 9000)
    """
    height, width = shape
    is_striped = block_shape[1] >= width and n_pixels // width >= MIN_STRIPE_HEIGHT
    if is_striped:
        return min(height, n_pixels // width), width
    side = max(1, isqrt(n_pixels))
    return min(height, side), min(width, side)
