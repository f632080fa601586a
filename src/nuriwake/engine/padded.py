"""Feature maps with a border of zeros.

A map is stored as (B, H + 2, W + 2, C): a pixel's channels lie together, and its 3x3 neighbours
exist for every pixel.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nuriwake.engine.strips import Strip


class PaddedMap:
    """A feature map of shape (B, H, W, C) with a border of zeros, one pixel wide.

    Parameters
    ----------
    shape : (B, H, W, C)
    dtype : torch.dtype
    device : torch.device
    """

    def __init__(
        self, shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device
    ) -> None:
        batch, height, width, n_channels = shape
        self.data = torch.zeros(
            (batch, height + 2, width + 2, n_channels), dtype=dtype, device=device
        )

    def rows(self, strip: Strip) -> Tensor:
        """Return the strip's pixels, (rows, W, C): a view, without the border."""
        return self.data[strip.image, strip.start + 1 : strip.stop + 1, 1:-1]

    def surroundings(self, strip: Strip) -> Tensor:
        """Return the strip's pixels and all their neighbours, (rows + 2, W + 2, C): a view."""
        return self.data[strip.image, strip.start : strip.stop + 2]

    def edge_sums(self) -> Tensor:
        """For each tap of a 3x3 kernel, the sum over the pixels whose neighbour is outside.

        Returns
        -------
        Tensor of float32, shape (3, 3, C)
            What a convolution's border leaves out of a sum over all pixels.
        """
        inner = self.data[:, 1:-1, 1:-1]
        sums = inner.new_zeros((3, 3, inner.shape[3]), dtype=torch.float32)
        for tap, edge in ((0, 0), (2, -1)):
            sums[tap] += inner[:, edge].sum(dim=(0, 1), dtype=torch.float32)
            sums[:, tap] += inner[:, :, edge].sum(dim=(0, 1), dtype=torch.float32)
            for other, side in ((0, 0), (2, -1)):
                # A corner was taken out twice: by its row and by its column.
                sums[tap, other] -= inner[:, edge, side].sum(dim=0, dtype=torch.float32)
        return sums


def subtract_outside(values: Tensor, strip: Strip, height: int, taps: Tensor) -> None:
    """Take from the image's border what a constant input would have added from outside, in place.

    Parameters
    ----------
    values : Tensor of shape (rows, W, C')
        The strip's convolution, with the constant's contribution through all taps in its bias.
    strip : Strip
    height : int
        Of the image.
    taps : Tensor of shape (3, 3, C')
        The constant's contribution through each tap of the kernel.
    """
    edges = [(0, 0)] * (strip.start == 0) + [(2, -1)] * (strip.stop == height)
    for column_tap, column in ((0, 0), (2, -1)):
        values[:, column] -= taps[:, column_tap].sum(dim=0)
    for row_tap, row in edges:
        values[row] -= taps[row_tap].sum(dim=0)
        for column_tap, column in ((0, 0), (2, -1)):
            # The corner was subtracted twice: with its column and with its row.
            values[row, column] += taps[row_tap, column_tap]
