"""The three products of a 3x3 convolution: its output, its input's gradient, its weights' gradient.

:class:`Direct` computes them as they stand, in any number format on any device; :class:`Winograd`
with a quarter of the multiplications, in float32 on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from nuriwake.engine.kernels import convolve, product, relu_backward
from nuriwake.engine.padded import PaddedMap
from nuriwake.engine.strips import POINTS, Strip

#: Fewer channels than this, in or out, are not worth a transform.
_MIN_CHANNELS = 16
#: As many neighbours of a pixel as are copied out at once.
_MAX_COPIED = 128


class Method(Protocol):
    """One way to compute the products of a convolution."""

    def prepare(self, weight: Tensor) -> Tensor:
        """Lay a kernel of shape (C', C, 3, 3) out for :meth:`convolve`."""

    def convolve(self, surroundings: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """Convolve (rows + 2, W + 2, C) with a prepared kernel; return (rows, W, C')."""

    def correlate(self, source: PaddedMap, slopes: PaddedMap) -> Correlation:
        """Return the sum over pixels of slopes x neighbourhood in the source, still 0."""


class Correlation(Protocol):
    """Sum over pixels of slopes x 3x3 neighbourhood: the gradient of a convolution's weights."""

    def add(self, strip: Strip) -> None:
        """Add a strip's pixels."""

    def merge(self, other: Self) -> None:
        """Add the pixels of another sum over the same maps."""

    @property
    def total(self) -> Tensor:
        """The sum so far, of shape (C', C, 3, 3)."""


class Direct:
    """The products as they stand.

    Parameters
    ----------
    dtype : torch.dtype
        Of the maps and kernels.
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype

    def prepare(self, weight: Tensor) -> Tensor:
        """Lay the weights out as the maps are."""
        return weight.to(self._dtype).contiguous(memory_format=torch.channels_last)

    def convolve(self, surroundings: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """Convolve (rows + 2, W + 2, C) with a prepared kernel; return (rows, W, C')."""
        return convolve(surroundings, kernel, bias)

    def correlate(self, source: PaddedMap, slopes: PaddedMap) -> Correlation:
        """Return the sum over pixels of slopes x neighbourhood in the source, still 0."""
        return DirectCorrelation(source, slopes)


class DirectCorrelation:
    """The sum as matrix products of a strip's slopes and neighbourhoods.

    Parameters
    ----------
    source, slopes : PaddedMap
        Of one size. The slopes have zeros in their border.

    Notes
    -----
    A strip and the zeros between its rows are one run of pixels, and the three horizontal
    neighbours of a pixel are one run of 3 C numbers, which is copied out. With many channels the
    vertical neighbours are the same copy, a row earlier or later. The zeros in the slopes' border
    make what lies between the rows count nothing.
    """

    def __init__(self, source: PaddedMap, slopes: PaddedMap) -> None:
        self._source, self._slopes = source, slopes
        n_inputs, n_outputs = source.data.shape[3], slopes.data.shape[3]
        #: Rows of the kernel that are copied out together.
        self._together = 3 if 9 * n_inputs <= _MAX_COPIED else 1
        shape = (3 // self._together, n_outputs, self._together * 3 * n_inputs)
        self._products = torch.zeros(shape, device=source.data.device)
        self._neighbours = slopes.data.new_empty((0, self._together, 3 * n_inputs))

    def add(self, strip: Strip) -> None:
        """Add a strip's pixels."""
        _, height, width, n_outputs = self._slopes.data.shape  # with the border
        first = (strip.image * height + strip.start + 1) * width + 1
        length = (strip.stop - strip.start) * width - 2
        slopes = self._slopes.data.view(-1, n_outputs)[first : first + length].t()
        more = (3 - self._together) * width
        neighbours = self._copied(first - width, length + more)
        for row, products in enumerate(self._products):
            products += product(slopes, neighbours[row * width : row * width + length])

    def merge(self, other: DirectCorrelation) -> None:
        """Add the pixels of another sum over the same maps."""
        self._products += other._products

    def _copied(self, first: int, length: int) -> Tensor:
        """Copy out the neighbours of a run of pixels, a row above it and perhaps below."""
        width, n_inputs = self._source.data.shape[2:]
        if self._neighbours.shape[0] < length:
            self._neighbours = self._neighbours.new_empty((length, *self._neighbours.shape[1:]))
        # Row i of this overlapping view is the run of pixels i - 1, i, i + 1.
        view = self._source.data.as_strided(
            (length, self._together, 3 * n_inputs),
            (n_inputs, width * n_inputs, 1),
            (first - 1) * n_inputs,
        )
        return self._neighbours[:length].copy_(view).flatten(1)

    @property
    def total(self) -> Tensor:
        """The sum so far, float32 of shape (C', C, 3, 3)."""
        n_outputs = self._products.shape[1]
        rows = self._products.transpose(0, 1).reshape(n_outputs, 3, 3, -1)
        return rows.permute(0, 3, 1, 2)


class Winograd:
    """The products of tiles of 4x4 pixels, see :mod:`nuriwake.engine.winograd`."""

    def prepare(self, weight: Tensor) -> Tensor:
        """Transform the weights, to (36, C, C')."""
        from nuriwake.engine.winograd import filter_matrix

        n_outputs, n_inputs = weight.shape[:2]
        taps = weight.double().permute(2, 3, 1, 0).reshape(9, -1)
        points = (torch.from_numpy(filter_matrix()) @ taps).float()
        return points.view(POINTS, n_inputs, n_outputs)

    def convolve(self, surroundings: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """Convolve (rows + 2, W + 2, C) with a prepared kernel; return (rows, W, C')."""
        from nuriwake.engine.winograd import input_points, output_pixels, scratch_size

        shape = surroundings.shape[0] - 2, surroundings.shape[1] - 2, kernel.shape[2]
        points = torch.bmm(_at_points(input_points, surroundings), kernel)
        output = points.new_empty(shape)
        scratch = points.new_empty(scratch_size(*shape[1:]))
        output_pixels(points.numpy(), output.numpy(), scratch.numpy())
        return output.add_(bias) if bias.numel() else output

    def correlate(self, source: PaddedMap, slopes: PaddedMap) -> Correlation:
        """Return the sum over pixels of slopes x neighbourhood in the source, still 0."""
        if slopes.data.dtype != torch.float32:
            # The first convolution is float32 although the maps after it are not.
            return DirectCorrelation(source, slopes)
        return WinogradCorrelation(source, slopes)


def _at_points(loop: Callable[[Any, Any, Any], None], surroundings: Tensor) -> Tensor:
    """Transform the tiles of a strip, float32 (rows + 2, W + 2, C), to (36, tiles, C)."""
    from nuriwake.engine.winograd import points_shape, scratch_size

    height, width, n_channels = surroundings.shape
    points = surroundings.new_empty(points_shape(height - 2, width - 2, n_channels))
    scratch = surroundings.new_empty(scratch_size(width - 2, n_channels))
    loop(surroundings.numpy(), points.numpy(), scratch.numpy())
    return points


class WinogradCorrelation:
    """The sum over tiles, point by point.

    Parameters
    ----------
    source, slopes : PaddedMap
        Of one size, float32.
    """

    def __init__(self, source: PaddedMap, slopes: PaddedMap) -> None:
        self._source, self._slopes = source, slopes
        self._products = torch.zeros((POINTS, slopes.data.shape[3], source.data.shape[3]))

    def add(self, strip: Strip) -> None:
        """Add a strip's pixels."""
        from nuriwake.engine.winograd import input_points, slope_points

        slopes = _at_points(slope_points, self._slopes.surroundings(strip))
        neighbours = _at_points(input_points, self._source.surroundings(strip))
        self._products += torch.bmm(slopes.transpose(1, 2), neighbours)

    def merge(self, other: WinogradCorrelation) -> None:
        """Add the pixels of another sum over the same maps."""
        self._products += other._products

    @property
    def total(self) -> Tensor:
        """The sum so far, float64 of shape (C', C, 3, 3)."""
        from nuriwake.engine.winograd import filter_matrix

        taps = torch.from_numpy(filter_matrix()).t() @ self._products.flatten(1).double()
        return taps.view(3, 3, *self._products.shape[1:]).permute(2, 3, 0, 1)


def choose_method(n_inputs: int, n_outputs: int, like: Tensor) -> Method:
    """Return the fastest way to convolve maps of the device and number format of ``like``."""
    is_plain = like.device.type == "cpu" and like.dtype == torch.float32
    if is_plain and min(n_inputs, n_outputs) >= _MIN_CHANNELS:
        return Winograd()
    return Direct(like.dtype)


class ConvolutionGradient:
    """The gradient of a 3x3 convolution's output, and what it means for the parameters.

    Parameters
    ----------
    source : PaddedMap
        The convolution's input.
    gradient : PaddedMap
        Where the gradient of its output is written.
    method : Method
    """

    def __init__(self, source: PaddedMap, gradient: PaddedMap, method: Method) -> None:
        self.gradient = gradient
        self._correlation = method.correlate(source, gradient)
        #: Sum of the gradient over all pixels, (C',): the gradient of the bias.
        self.bias = torch.zeros(gradient.data.shape[3], device=gradient.data.device)

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
        self._correlation.add(strip)

    def merge(self, other: ConvolutionGradient) -> None:
        """Take in the strips of another one of the same maps."""
        self.bias += other.bias
        self._correlation.merge(other._correlation)

    @property
    def weight(self) -> Tensor:
        """Sum over pixels of gradient x neighbourhood, of shape (C', C, 3, 3)."""
        return self._correlation.total

    @property
    def taps(self) -> Tensor:
        """Sum of the gradient over the pixels whose neighbour is inside the image, (3, 3, C')."""
        return self.bias - self.gradient.edge_sums()
