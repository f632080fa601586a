"""Images cut into strips of rows that stay in the processor's cache."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

#: Rows and columns of a tile of Winograd's convolution, and the products that it costs.
TILE, POINTS = 4, 36
#: Rows of a band of a grid: two rows of tiles, whose points stay in a second-level cache.
BAND = 2 * TILE


@dataclass(frozen=True)
class Strip:
    """Rows ``start`` to ``stop`` of image ``image`` of the batch."""

    image: int
    start: int
    stop: int

    @property
    def index(self) -> tuple[int, slice]:
        """What picks the strip out of a tensor of shape (B, H, ...)."""
        return self.image, slice(self.start, self.stop)


def strips_of(
    batch: int, height: int, width: int, n_pixels: int, multiple: int = 1, n_shares: int = 1
) -> list[Strip]:
    """Cut a batch of images into strips of whole rows, ``n_pixels`` each or a little less.

    Their rows are a ``multiple`` (but for an image's last), even where that makes them larger.
    Each image has as many strips as can be shared out evenly, if it is tall enough.

    Examples
    --------
    >>> [strip.index for strip in strips_of(batch=1, height=5, width=10, n_pixels=20)]
    [(0, slice(0, 1, None)), (0, slice(1, 3, None)), (0, slice(3, 5, None))]
    """
    n_units = -(-height // multiple)
    n_strips = -(-n_units // max(1, n_pixels // (width * multiple)))
    n_strips = min(n_units, -(-n_strips // n_shares) * n_shares)
    bounds = [min(height, n_units * i // n_strips * multiple) for i in range(n_strips + 1)]
    return [Strip(image, *rows) for image in range(batch) for rows in pairwise(bounds)]
