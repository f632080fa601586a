"""Batch normalisations folded into the matrix products around them, forwards and backwards.

With a = relu(convolution), mean m and (co)variance C of a over the n valid pixels, a normalisation
is x = s a + t with s = gamma / sqrt(var + eps), t = beta - m s. The functions below act on
p x p matrices only: nothing here depends on the number of pixels.

They are written with what tensors and arrays have in common, for the engines of PyTorch and numpy.
Gradients are those of n times the loss, so that they do not vanish in bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

#: A tensor of PyTorch or an array of numpy, float64 where there is float64.
Array = TypeVar("Array", "Tensor", "NDArray[np.float64]")


@dataclass(frozen=True)
class Normalisation(Generic[Array]):
    """A batch normalisation of activations with known statistics.

    Parameters
    ----------
    mean, variance : arrays of shape (p,)
    gamma, beta : arrays of shape (p,)
        The affine parameters.
    eps : float
    count : int
        n, the pixels that the statistics are of.
    """

    mean: Array
    variance: Array
    gamma: Array
    beta: Array
    eps: float
    count: int

    @property
    def deviation(self) -> Array:
        """sqrt(variance + eps)."""
        return (self.variance + self.eps) ** 0.5

    @property
    def scale(self) -> Array:
        """Scale, s of x = s a + t."""
        return self.gamma / self.deviation

    @property
    def shift(self) -> Array:
        """Shift, t of x = s a + t."""
        return self.beta - self.mean * self.scale

    def slope(self, d_gamma: Array) -> Array:
        """Return what the variance adds to da for each unit of a, for the gradient of gamma."""
        return -self.scale * d_gamma / (self.count * self.deviation)

    def backward(self, sum_dx: Array, sum_dxa: Array) -> tuple[Array, Array, Array, Array]:
        """Gradients from the sums of dx and of dx a over all pixels.

        Returns
        -------
        d_gamma, d_beta : arrays of shape (p,)
        slope, offset : arrays of shape (p,)
            da = s dx + slope a + offset, the last two for the valid pixels only.
        """
        d_gamma = (sum_dxa - self.mean * sum_dx) / self.deviation
        slope = self.slope(d_gamma)
        offset = -self.scale * sum_dx / self.count - self.mean * slope
        return d_gamma, sum_dx, slope, offset


@dataclass(frozen=True)
class FoldedConvolution(Generic[Array]):
    """A 3x3 convolution of x = s a + t as one of a.

    Parameters
    ----------
    weight : array of shape (C', C, 3, 3)
        Of the convolution of a.
    bias : array of shape (C',)
        With the contribution of t through all nine taps.
    outside : array of shape (3, 3, C')
        The contribution of t through each tap, which is not there outside the image.
    """

    weight: Array
    bias: Array
    outside: Array


def fold_convolution(
    weight: Array, bias: Array, norm: Normalisation[Array]
) -> FoldedConvolution[Array]:
    """Fold the normalisation of a convolution's input into its weights and bias."""
    through = (weight * norm.shift[:, None, None]).sum(1)
    outside = through.swapaxes(0, 1).swapaxes(1, 2)
    folded = weight * norm.scale[:, None, None]
    return FoldedConvolution(folded, bias + outside.sum((0, 1)), outside)


@dataclass(frozen=True)
class ConvolutionStep(Generic[Array]):
    """Gradients of a convolution and of the normalisation before it.

    Parameters
    ----------
    weight : array of shape (C', C, 3, 3)
    gamma, beta : arrays of shape (C,)
    slope, offset : arrays of shape (C,)
        The statistics add slope a + offset to the gradient of the normalisation's input a.
    """

    weight: Array
    gamma: Array
    beta: Array
    slope: Array
    offset: Array


def differentiate_convolution(
    weight: Array, products: Array, taps: Array, norm: Normalisation[Array]
) -> ConvolutionStep[Array]:
    """Differentiate a convolution of a normalisation's output.

    Parameters
    ----------
    weight : array of shape (C', C, 3, 3)
    products : array of shape (C', C, 3, 3)
        Sum over pixels of the output's gradient x the neighbourhood in a.
    taps : array of shape (3, 3, C')
        Sum of the output's gradient over the pixels whose neighbour is inside the image.
    norm : Normalisation
    """
    inside = taps.swapaxes(1, 2).swapaxes(0, 1)[:, None]
    gradient = products * norm.scale[:, None, None] + inside * norm.shift[:, None, None]
    # Sums of dx and dx a over all pixels, without a pass: both are linear in the gradient.
    sum_dx = (weight * inside).sum((0, 2, 3))
    sum_dxa = (weight * products).sum((0, 2, 3))
    return ConvolutionStep(gradient, *norm.backward(sum_dx, sum_dxa))


@dataclass(frozen=True)
class Head(Generic[Array]):
    """The last normalisation of the features, the classifier and its normalisation, as one map.

    y' = A a + b. The variance of the responses is the diagonal of K C K^T, K = W diag(s), so that
    no pass over the pixels is needed for it.

    Parameters
    ----------
    norm : Normalisation
        Of the last feature map.
    covariance : array of shape (p, p)
        C of the last feature map.
    classifier : array of shape (q, p)
        W of the 1x1 convolution.
    response_norm : Normalisation
        Of the responses before their normalisation.
    """

    norm: Normalisation[Array]
    covariance: Array
    classifier: Array
    response_norm: Normalisation[Array]

    @classmethod
    def of(
        cls,
        norm: Normalisation[Array],
        covariance: Array,
        weight: Array,
        bias: Array,
        gamma: Array,
        beta: Array,
    ) -> Head[Array]:
        """With the parameters of the classifier and of the normalisation after it."""
        mixing = weight * norm.scale
        variance = ((mixing @ covariance) * mixing).sum(1).clip(0.0)
        mean = weight @ (norm.shift + norm.scale * norm.mean) + bias
        responses = Normalisation(mean, variance, gamma, beta, norm.eps, norm.count)
        return cls(norm, covariance, weight, responses)

    @property
    def mixing(self) -> Array:
        """K, the classifier's weights on a."""
        return self.classifier * self.norm.scale

    @property
    def weight(self) -> Array:
        """Weights, A of y' = A a + b, shape (q, p)."""
        return self.response_norm.scale[:, None] * self.mixing

    @property
    def bias(self) -> Array:
        """Offset, b of y' = A a + b, shape (q,)."""
        return self.response_norm.beta - self.weight @ self.norm.mean

    def backward(self, sum_d: Array, products: Array) -> HeadGradient[Array]:
        """Differentiate from g = sum of d = dL/dy' (q,) and G = sum of d a^T (q, p)."""
        K, mean, count = self.mixing, self.norm.mean, self.norm.count
        deviation, scale = self.response_norm.deviation, self.response_norm.scale
        centred = products - sum_d[:, None] * mean
        # h: the gradient of the affine weight, sum of d times the normalised response.
        h = (K * centred).sum(1) / deviation
        # Q: sum of (gradient of the classifier's output) a^T.
        Q = scale[:, None] * (centred - (h / deviation)[:, None] * (K @ self.covariance))
        # The last normalisation removes any shift, so the sum of dx is 0.
        d_gamma = (self.classifier * Q).sum(0) / self.norm.deviation
        feedback = -K.T @ ((h * scale / (count * deviation))[:, None] * K)
        diagonal = range(len(mean))
        feedback[diagonal, diagonal] += self.norm.slope(d_gamma)
        offset = -(scale * sum_d / count) @ K - mean @ feedback
        return HeadGradient(Q * self.norm.scale, d_gamma, h, sum_d, feedback, offset)


@dataclass(frozen=True)
class HeadGradient(Generic[Array]):
    """What the backward pass through a :class:`Head` needs and gives.

    Parameters
    ----------
    classifier : array of shape (q, p)
    gamma : array of shape (p,)
        Of the last feature normalisation; its beta has gradient 0, as has the classifier's bias:
        the last normalisation removes both.
    response_gamma, response_beta : arrays of shape (q,)
    feedback : array of shape (p, p)
    offset : array of shape (p,)
        da = A^T d + feedback a + offset over the valid pixels.
    """

    classifier: Array
    gamma: Array
    response_gamma: Array
    response_beta: Array
    feedback: Array
    offset: Array
