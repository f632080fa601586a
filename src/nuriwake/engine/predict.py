"""A trained network, its statistics frozen, on images of any size.

The image is computed in blocks, so that memory is bounded. In float32 all have one size, and a
pixel goes through the same arithmetic whatever the size of the image or tile that it comes in. In
bfloat16 the blocks at the lower and right edge are cut short: the kernels seen so far give a pixel
the same bits there too, but that is not promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuriwake.engine.argmax import first_maximum_
from nuriwake.engine.folding import Normalisation
from nuriwake.engine.kernels import convolve, linear
from nuriwake.engine.overflow import check_responses
from nuriwake.engine.precision import Precision, compute_dtype
from nuriwake.engine.sums import algebra_dtype, normalisation_of
from nuriwake.learn.network import BatchNorm, Network
from nuriwake.raster import BoolMap, LabelMap, Window

#: Rows and columns of a block. On a CPU its feature maps fit the cache, and the halo of two pixels
#: around it costs 6 % more arithmetic; a graphics card would wait for more work.
BLOCK, _BLOCK_GPU = 128, 512
#: In bfloat16, rows and columns of a block at the edge are a multiple of this: few shapes, because
#: each is compiled once.
_STEP = 16


@dataclass(frozen=True)
class _Layer:
    """One component of the extractor: convolution, ReLU, x = scale a + shift."""

    kernel: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor


class Predictor:
    """Labels images with a trained network and its frozen statistics.

    Parameters
    ----------
    network : Network
        With statistics stored by :meth:`Network.freeze`; copied, so that it may be trained on.
    precision : {"auto", "bf16", "fp32"}
        Arithmetic of the feature extractor; the responses are computed in float32.

    Notes
    -----
    In "fp32" the result for a pixel at least :attr:`radius` pixels from the border of the array is
    the same, bit for bit, in whatever larger or smaller array it is computed, on one machine with
    one number of threads.

    Examples
    --------
    >>> predictor = Predictor(Network(n_bands=1, n_channels=4, n_labels=3, n_layers=2))
    >>> predictor.radius, predictor.labels(np.zeros((2, 3, 1), np.float32)).shape
    (2, (2, 3))
    """

    @torch.no_grad()
    def __init__(self, network: Network, precision: Precision = "auto") -> None:
        self._device = network.classifier.weight.device
        self._dtype = compute_dtype(precision, self._device)
        self._side = BLOCK if self._device.type == "cpu" else _BLOCK_GPU
        self.radius = network.radius
        self.n_bands, self.n_labels = network.n_bands, network.n_labels
        self._layers = [
            # As in training, the cheap first convolution keeps the image's grey levels apart.
            _layer(conv, _frozen(norm), self._dtype if layer else torch.float32)
            for layer, (conv, norm) in enumerate(network.components())
        ]
        # The last feature normalisation, the classifier and its normalisation are one affine map.
        features, responses = _frozen(network.components()[-1][1]), _frozen(network.classifier_norm)
        weight, bias = _parameters(network.classifier, features.scale.dtype)
        weight = weight[:, :, 0, 0]
        self._weight = ((responses.scale[:, None] * weight) * features.scale).float()
        offset = responses.scale * (weight @ features.shift + bias) + responses.shift
        self._bias = offset.float()
        self._ranks = torch.arange(self.n_labels, 0, -1, dtype=torch.float32, device=self._device)

    def labels(
        self,
        image: NDArray[np.float32],
        valid: BoolMap | None = None,
        core: Window | None = None,
    ) -> LabelMap:
        """Return the label of each pixel.

        Parameters
        ----------
        image : ndarray of float32, shape (height, width, bands), in [0, 1]
            Invalid pixels hold 0.
        valid : ndarray of bool, shape (height, width), optional
        core : Window, optional
            The part whose labels are wanted, the rest being its surroundings. Default: all.

        Returns
        -------
        ndarray of int32, shape (height, width) of the core
            1 to q; 0 where invalid.
        """
        core = core or Window.full(image.shape[:2])
        labels = np.empty((core.height, core.width), np.int32)
        for target, block in self._blocks(image, core):
            found = first_maximum_(block.flatten(0, 1), self._ranks).view(block.shape[:2])
            labels[target] = _crop(found, target).cpu().numpy()
        labels += 1
        if valid is not None:
            labels[~valid[core.slices]] = 0
        return labels

    def margins(
        self, image: NDArray[np.float32], valid: BoolMap | None = None
    ) -> NDArray[np.float32]:
        """Return the softmax margin of each pixel: largest minus second largest probability.

        Parameters
        ----------
        image : ndarray of float32, shape (height, width, bands), in [0, 1]
        valid : ndarray of bool, shape (height, width), optional

        Returns
        -------
        ndarray of float32, shape (height, width), in [0, 1]
            1 where there is only one label; 0 where invalid.
        """
        margins = np.ones(image.shape[:2], np.float32)
        if self.n_labels > 1:
            for target, block in self._blocks(image, Window.full(image.shape[:2])):
                top = _crop(block, target).softmax(dim=2).topk(2, dim=2).values
                margins[target] = (top[:, :, 0] - top[:, :, 1]).cpu().numpy()
        if valid is not None:
            margins[~valid] = 0
        return margins

    def responses(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the responses y' of each pixel.

        Parameters
        ----------
        image : ndarray of float32, shape (height, width, bands), in [0, 1]
            Invalid pixels hold 0.

        Returns
        -------
        ndarray of float32, shape (height, width, q)
        """
        responses = np.empty((*image.shape[:2], self.n_labels), np.float32)
        for target, block in self._blocks(image, Window.full(image.shape[:2])):
            responses[target] = _crop(block, target).cpu().numpy()
        return responses

    def _blocks(
        self, image: NDArray[np.float32], core: Window
    ) -> Iterator[tuple[tuple[slice, slice], Tensor]]:
        """Yield where in the core each block goes and its responses, (rows, columns, q).

        A block at the lower or right edge may have a few rows or columns more.
        """
        side = self._side
        for row in range(0, core.height, side):
            for column in range(0, core.width, side):
                rows, columns = min(side, core.height - row), min(side, core.width - column)
                window = Window(core.row + row, core.col + column, rows, columns)
                yield window.relative_to(core).slices, self._respond(image, window)

    @torch.no_grad()
    def _respond(self, image: NDArray[np.float32], window: Window) -> Tensor:
        """Responses of the pixels of a window, and perhaps of some beyond it."""
        x = self._read(image, window)
        for depth, layer in enumerate(self._layers[:-1], start=1):
            x = convolve(x, layer.kernel, layer.bias, relu=True)
            x = torch.addcmul(layer.shift, x, layer.scale).to(self._dtype)
            halo = self.radius - depth
            _clear_outside(x, window.row - halo, window.col - halo, image.shape)
        last = self._layers[-1]
        features = convolve(x, last.kernel, last.bias, relu=True)
        responses = linear(features.flatten(0, 1).float(), self._weight, self._bias)
        check_responses(responses)
        return responses.view(*features.shape[:2], -1)

    def _read(self, image: NDArray[np.float32], window: Window) -> Tensor:
        """Cut out the block and its halo of ``radius`` pixels; 0 outside the image."""
        halo = 2 * self.radius
        rows, columns = self._extent(window.height) + halo, self._extent(window.width) + halo
        block = np.zeros((rows, columns, image.shape[2]), np.float32)
        top, left = window.row - self.radius, window.col - self.radius
        source = image[max(top, 0) : top + rows, max(left, 0) : left + columns]
        first_row, first_column = max(-top, 0), max(-left, 0)
        block[
            first_row : first_row + source.shape[0], first_column : first_column + source.shape[1]
        ] = source
        return torch.from_numpy(block).to(self._device)

    def _extent(self, n_pixels: int) -> int:
        """Rows or columns of a block for so many wanted."""
        if self._dtype == torch.float32:
            return self._side
        return -(-n_pixels // _STEP) * _STEP


def _crop(block: Tensor, target: tuple[slice, slice]) -> Tensor:
    rows, columns = (part.stop - part.start for part in target)
    return block[:rows, :columns]


def _clear_outside(x: Tensor, top: int, left: int, shape: tuple[int, ...]) -> None:
    """Zero what lies outside the image: every convolution pads with zeros there."""
    height, width = shape[:2]
    x[: max(0, -top)] = 0
    x[max(0, height - top) :] = 0
    x[:, : max(0, -left)] = 0
    x[:, max(0, width - left) :] = 0


def _layer(conv: torch.nn.Conv2d, norm: Normalisation[Tensor], dtype: torch.dtype) -> _Layer:
    weight, bias = _parameters(conv, torch.float32)
    kernel = weight.to(dtype).contiguous(memory_format=torch.channels_last)
    return _Layer(kernel, bias.to(dtype), norm.scale.to(dtype), norm.shift.to(dtype))


def _parameters(conv: torch.nn.Conv2d, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    bias = conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias
    return conv.weight.detach().clone().to(dtype), bias.detach().clone().to(dtype)


def _frozen(norm: BatchNorm) -> Normalisation[Tensor]:
    """Read a normalisation with the statistics stored in its layer."""
    dtype = algebra_dtype(norm.weight.device)
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("the network's normalisations keep no statistics")
    return normalisation_of(norm, mean.to(dtype), variance.to(dtype), count=1)
