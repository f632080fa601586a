"""Sums over strips of pixels, and the normalisations of a network that has been given them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nuriwake.engine.folding import Head, Normalisation
from nuriwake.engine.kernels import product
from nuriwake.learn.network import BatchNorm, Network


def algebra_dtype(device: torch.device) -> torch.dtype:
    """float64, or float32 on devices that have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


class Moments:
    """Count, mean and covariance (or variance) of vectors that come in blocks.

    Sums are taken of deviations from a guess of the mean, because the difference of two large sums
    would lose what bfloat16 leaves of the variance.

    Parameters
    ----------
    guess : Tensor of shape (p,)
        Near the mean, exact in the blocks' dtype; the mean of the iteration before is good.
    whole : bool
        Whether to keep the whole covariance matrix, not only its diagonal.
    """

    def __init__(self, guess: Tensor, *, whole: bool) -> None:
        self._guess = guess
        self._whole = whole
        p = guess.numel()
        dtype = algebra_dtype(guess.device)
        self._sum = torch.zeros(p, dtype=dtype, device=guess.device)
        shape = (p, p) if whole else (p,)
        self._products = torch.zeros(shape, dtype=dtype, device=guess.device)

    def add(self, block: Tensor, mask: Tensor | None) -> None:
        """Add the rows of ``block`` (N, p) for which ``mask`` (N, 1) is 1."""
        if self._whole:
            deviation = block - self._guess.to(block.dtype)
        else:
            deviation = block.float() - self._guess
        if mask is not None:
            deviation *= mask
        self._sum += deviation.sum(dim=0, dtype=torch.float32)
        if self._whole:
            self._products += product(deviation.t(), deviation)
        else:
            self._products += deviation.square_().sum(dim=0)

    def merge(self, other: Moments) -> None:
        """Add what another one with the same guess was given."""
        self._sum += other._sum
        self._products += other._products

    def finish(self, count: int) -> tuple[Tensor, Tensor]:
        """Return the mean (p,) and the covariance (p, p) or variance (p,), divided by ``count``."""
        offset = self._sum / count
        mean = self._guess + offset
        if self._whole:
            return mean, self._products / count - torch.outer(offset, offset)
        return mean, (self._products / count - offset.square()).clamp_(min=0.0)


@dataclass
class SlopeSums:
    """Sums over pixels that the gradients of everything after the last ReLU follow from.

    Parameters
    ----------
    loss : Tensor of shape ()
        n times the loss.
    slopes : Tensor of shape (q,)
        Of d.
    products : Tensor of shape (q, p)
        Of d a^T, with the last feature map a.
    """

    loss: Tensor
    slopes: Tensor
    products: Tensor

    @classmethod
    def zero(cls, q: int, p: int, device: torch.device) -> SlopeSums:
        """Before the first pixel."""
        zeros = [
            torch.zeros(shape, dtype=algebra_dtype(device), device=device)
            for shape in ((), (q,), (q, p))
        ]
        return cls(*zeros)

    def add(self, likelihood: Tensor, slopes: Tensor, features: Tensor) -> None:
        """Add the log-likelihoods (N, 1), slopes (N, q) and features (N, p) of N pixels."""
        self.loss -= likelihood.sum()
        self.slopes += slopes.sum(dim=0, dtype=torch.float32)
        self.products += product(slopes.t(), features)

    def merge(self, other: SlopeSums) -> None:
        """Add the pixels of another part."""
        self.loss += other.loss
        self.slopes += other.slopes
        self.products += other.products


def normalisation_of(
    norm: BatchNorm, mean: Tensor, variance: Tensor, count: int
) -> Normalisation[Tensor]:
    """Give a layer's affine parameters the statistics of ``count`` pixels."""
    gamma, beta = (tensor.detach().to(mean.dtype) for tensor in (norm.weight, norm.bias))
    return Normalisation(mean, variance, gamma, beta, norm.eps, count)


def head_of(network: Network, mean: Tensor, covariance: Tensor, count: int) -> Head[Tensor]:
    """Give a network's parameters the statistics of its last feature map."""
    last, response = network.components()[-1][1], network.classifier_norm
    norm = normalisation_of(last, mean, covariance.diagonal().clamp(min=0.0), count)
    weight = network.classifier.weight[:, :, 0, 0].detach().to(mean.dtype)
    bias = network.classifier.bias
    offset = torch.zeros_like(weight[:, 0]) if bias is None else bias.detach().to(mean.dtype)
    gamma, beta = (tensor.detach().to(mean.dtype) for tensor in (response.weight, response.bias))
    return Head.of(norm, covariance, weight, offset, gamma, beta)
