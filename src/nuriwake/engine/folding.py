"""Batch normalisations folded into the matrix products around them, forwards and backwards.

With a = relu(convolution), mean m and (co)variance C of a over the n valid pixels, a normalisation
is x = s a + t with s = gamma / sqrt(var + eps), t = beta - m s. The functions below act on
p x p matrices only: nothing here depends on the number of pixels.

Gradients are those of n times the loss, so that they do not vanish in bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

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


@dataclass(frozen=True)
class Normalisation:
    """A batch normalisation of activations with known statistics.

    Parameters
    ----------
    mean, variance : Tensors of shape (p,)
    gamma, beta : Tensors of shape (p,)
        The affine parameters.
    eps : float
    count : int
        n, the pixels that the statistics are of.
    """

    mean: Tensor
    variance: Tensor
    gamma: Tensor
    beta: Tensor
    eps: float
    count: int

    @classmethod
    def of(cls, norm: BatchNorm, mean: Tensor, variance: Tensor, count: int) -> Normalisation:
        """With the affine parameters of a layer."""
        gamma, beta = (tensor.detach().to(mean.dtype) for tensor in (norm.weight, norm.bias))
        return cls(mean, variance, gamma, beta, norm.eps, count)

    @property
    def deviation(self) -> Tensor:
        """sqrt(variance + eps)."""
        return (self.variance + self.eps).sqrt()

    @property
    def scale(self) -> Tensor:
        """Scale, s of x = s a + t."""
        return self.gamma / self.deviation

    @property
    def shift(self) -> Tensor:
        """Shift, t of x = s a + t."""
        return self.beta - self.mean * self.scale

    def backward(self, sum_dx: Tensor, sum_dxa: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients from the sums of dx and of dx a over all pixels.

        Returns
        -------
        d_gamma, d_beta : Tensors of shape (p,)
        slope, offset : Tensors of shape (p,)
            da = s dx + slope a + offset, the last two for the valid pixels only.
        """
        d_gamma = (sum_dxa - self.mean * sum_dx) / self.deviation
        slope = -self.scale * d_gamma / (self.count * self.deviation)
        offset = -self.scale * sum_dx / self.count - self.mean * slope
        return d_gamma, sum_dx, slope, offset


@dataclass(frozen=True)
class FoldedConvolution:
    """A 3x3 convolution of x = s a + t as one of a.

    Parameters
    ----------
    weight : Tensor of shape (C', C, 3, 3)
        Of the convolution of a.
    bias : Tensor of shape (C',)
        With the contribution of t through all nine taps.
    outside : Tensor of shape (3, 3, C')
        The contribution of t through each tap, which is not there outside the image.
    """

    weight: Tensor
    bias: Tensor
    outside: Tensor


def fold_convolution(weight: Tensor, bias: Tensor, norm: Normalisation) -> FoldedConvolution:
    """Fold the normalisation of a convolution's input into its weights and bias."""
    outside = torch.einsum("ockl,c->klo", weight, norm.shift)
    folded = weight * norm.scale[:, None, None]
    return FoldedConvolution(folded, bias + outside.sum(dim=(0, 1)), outside)


@dataclass(frozen=True)
class Head:
    """The last normalisation of the features, the classifier and its normalisation, as one map.

    y' = A a + b. The variance of the responses is the diagonal of K C K^T, K = W diag(s), so that
    no pass over the pixels is needed for it.

    Parameters
    ----------
    norm : Normalisation
        Of the last feature map.
    covariance : Tensor of shape (p, p)
        C of the last feature map.
    classifier : Tensor of shape (q, p)
        W of the 1x1 convolution.
    response_norm : Normalisation
        Of the responses before their normalisation.
    """

    norm: Normalisation
    covariance: Tensor
    classifier: Tensor
    response_norm: Normalisation

    @classmethod
    def of(cls, network: Network, mean: Tensor, covariance: Tensor, count: int) -> Head:
        """With the parameters of a network and the statistics of its last feature map."""
        norm = Normalisation.of(
            network.components()[-1][1], mean, covariance.diagonal().clamp(min=0.0), count
        )
        weight, bias = (
            tensor.detach().to(mean.dtype)
            for tensor in (network.classifier.weight[:, :, 0, 0], _bias(network))
        )
        mixing = weight * norm.scale
        variance = ((mixing @ covariance) * mixing).sum(dim=1).clamp_(min=0.0)
        response_mean = weight @ (norm.shift + norm.scale * mean) + bias
        response_norm = Normalisation.of(network.classifier_norm, response_mean, variance, count)
        return cls(norm, covariance, weight, response_norm)

    @property
    def mixing(self) -> Tensor:
        """K, the classifier's weights on a."""
        return self.classifier * self.norm.scale

    @property
    def weight(self) -> Tensor:
        """Weights, A of y' = A a + b, shape (q, p)."""
        return self.response_norm.scale[:, None] * self.mixing

    @property
    def bias(self) -> Tensor:
        """Offset, b of y' = A a + b, shape (q,)."""
        return self.response_norm.beta - self.weight @ self.norm.mean

    def backward(self, sum_d: Tensor, products: Tensor) -> HeadGradient:
        """Differentiate from g = sum of d = dL/dy' (q,) and G = sum of d a^T (q, p)."""
        K, mean, count = self.mixing, self.norm.mean, self.norm.count
        deviation, scale = self.response_norm.deviation, self.response_norm.scale
        # h: the gradient of the affine weight, sum of d times the normalised response.
        h = (K * (products - torch.outer(sum_d, mean))).sum(dim=1) / deviation
        # Q: sum of (gradient of the classifier's output) a^T.
        Q = scale[:, None] * (
            products - torch.outer(sum_d, mean) - (h / deviation)[:, None] * (K @ self.covariance)
        )
        # The last normalisation removes any shift, so the sum of dx is 0.
        zero = torch.zeros_like(mean)
        d_gamma, _, slope, _ = self.norm.backward(zero, (self.classifier * Q).sum(dim=0))
        feedback = -K.t() @ ((h * scale / (count * deviation))[:, None] * K) + slope.diag()
        offset = -(scale * sum_d / count) @ K - mean @ feedback
        return HeadGradient(Q * self.norm.scale, d_gamma, h, sum_d, feedback, offset)


def _bias(network: Network) -> Tensor:
    bias = network.classifier.bias
    return torch.zeros(network.n_labels) if bias is None else bias


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


@dataclass(frozen=True)
class HeadGradient:
    """What the backward pass through a :class:`Head` needs and gives.

    Parameters
    ----------
    classifier : Tensor of shape (q, p)
    gamma : Tensor of shape (p,)
        Of the last feature normalisation; its beta has gradient 0, as has the classifier's bias:
        the last normalisation removes both.
    response_gamma, response_beta : Tensors of shape (q,)
    feedback : Tensor of shape (p, p)
    offset : Tensor of shape (p,)
        da = A^T d + feedback a + offset over the valid pixels.
    """

    classifier: Tensor
    gamma: Tensor
    response_gamma: Tensor
    response_beta: Tensor
    feedback: Tensor
    offset: Tensor
