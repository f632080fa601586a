"""Feature maps with a border of zeros, cut into strips of rows that stay in the processor's cache.

A map is stored as (B, H + 2, W + 2, C): a pixel's channels lie together, and its 3x3 neighbours
exist for every pixel. In that layout the three horizontal neighbours of a pixel are one run of 3 C
numbers, so that the 3x3 neighbourhoods of a strip are an overlapping view, and the weight gradient
of a 3x3 convolution is three matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuriwake.engine.kernels import convolve, product, relu_backward

#: Pixels of a strip: a CPU's second-level cache, or enough work for a graphics card.
STRIP_PIXELS_CPU = 6144
STRIP_PIXELS_GPU = 1 << 19


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


def strips_of(batch: int, height: int, width: int, n_pixels: int) -> list[Strip]:
    """Cut a batch of images into strips of whole rows, ``n_pixels`` each or a little less.

    Examples
    --------
    >>> [strip.index for strip in strips_of(batch=1, height=5, width=10, n_pixels=20)]
    [(0, slice(0, 2, None)), (0, slice(2, 4, None)), (0, slice(4, 5, None))]
    """
    rows = max(1, n_pixels // width)
    return [
        Strip(image, start, min(start + rows, height))
        for image in range(batch)
        for start in range(0, height, rows)
    ]


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

    def convolve(self, strip: Strip, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return the strip's 3x3 convolution, (rows, W, C'), zero outside the image.

        ``weight`` is (C', C, 3, 3).
        """
        return convolve(self.data[strip.image, strip.start : strip.stop + 2], weight, bias)

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


class ConvolutionGradient:
    """The gradient of a 3x3 convolution's output, and what it means for the parameters.

    Parameters
    ----------
    source : PaddedMap
        The convolution's input.
    gradient : PaddedMap
        Where the gradient of its output is written.

    Notes
    -----
    A strip and the zeros between its rows are one run of pixels. The horizontal neighbours are
    copied out (C to 3 C numbers a pixel); the vertical ones are the same copy, a row earlier or
    later. The zeros in the gradient's border make what lies between the rows count nothing.
    """

    def __init__(self, source: PaddedMap, gradient: PaddedMap) -> None:
        self.gradient = gradient
        self._source = source
        device, n_outputs = source.data.device, gradient.data.shape[3]
        self._products = torch.zeros((3, n_outputs, 3 * source.data.shape[3]), device=device)
        self._neighbours = gradient.data.new_empty((0, 3 * source.data.shape[3]))
        #: Sum of the gradient over all pixels, (C',): the gradient of the bias.
        self.bias = torch.zeros(n_outputs, device=device)

    def add(self, strip: Strip, gradient: Tensor, active: Tensor) -> None:
        """Take in a strip of gradients with respect to the ReLU's output.

        Parameters
        ----------
        strip : Strip
        gradient, active : Tensors of shape (rows, W, C')
            ``active`` is the ReLU's output; it may be a view of the map that is written.
        """
        gradient = relu_backward(gradient, active)
        self.gradient.rows(strip).copy_(gradient)
        self.bias += gradient.sum(dim=(0, 1), dtype=torch.float32)
        self._add_products(strip)

    def _add_products(self, strip: Strip) -> None:
        _, height, width, n_outputs = self.gradient.data.shape  # with the border
        first = (strip.image * height + strip.start + 1) * width + 1
        length = (strip.stop - strip.start) * width - 2
        gradient = self.gradient.data.view(-1, n_outputs)[first : first + length].t()
        neighbours = self._horizontal_neighbours(first - width, length + 2 * width)
        for tap in range(3):
            self._products[tap] += product(gradient, neighbours[tap * width : tap * width + length])

    def _horizontal_neighbours(self, first: int, length: int) -> Tensor:
        n_inputs = self._source.data.shape[3]
        if self._neighbours.shape[0] < length:
            self._neighbours = self._neighbours.new_empty((length, 3 * n_inputs))
        # Row i of this overlapping view is the run of pixels i - 1, i, i + 1.
        view = self._source.data.as_strided(
            (length, 3 * n_inputs), (n_inputs, 1), (first - 1) * n_inputs
        )
        return self._neighbours[:length].copy_(view)

    @property
    def weight(self) -> Tensor:
        """Sum over pixels of gradient x neighbourhood, float32 of shape (C', C, 3, 3)."""
        _, n_outputs, _ = self._products.shape
        return self._products.view(3, n_outputs, 3, -1).permute(1, 3, 0, 2)

    @property
    def taps(self) -> Tensor:
        """Sum of the gradient over the pixels whose neighbour is inside the image, (3, 3, C')."""
        return self.bias - self.gradient.edge_sums()


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
