"""The network that is trained on the image itself: a feature extractor and a linear classifier."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nuriwake.learn.weights import EPSILON, Weights


class BatchNorm(nn.BatchNorm2d):
    """Normalisation over the valid pixels of the batch at hand, which can be frozen.

    In training mode it uses the statistics of what it is given, and remembers nothing: the
    published programs normalise one image by itself. :meth:`freeze` stores the statistics of a
    batch; in evaluation mode these are used, so that a label means the same everywhere.

    Parameters
    ----------
    n_channels : int
        Number of channels.

    Examples
    --------
    >>> norm = BatchNorm(1)
    >>> norm(torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 2)).flatten().detach().round(decimals=3)
    tensor([-1.,  1.])
    """

    def __init__(self, n_channels: int) -> None:
        # Momentum 0: the running statistics change only in freeze().
        super().__init__(n_channels, eps=EPSILON, momentum=0.0)

    def forward(self, x: Tensor, valid: Tensor | None = None) -> Tensor:
        """Normalise ``x`` of shape (B, C, H, W); ``valid`` (B, 1, H, W) says which pixels count."""
        n_values = x.numel() // x.shape[1]
        if not self.training or (valid is None and n_values > 1):
            return super().forward(x)
        mean, variance = masked_statistics(x, valid)
        normal = (x - mean[:, None, None]) * torch.rsqrt(variance[:, None, None] + self.eps)
        return normal * self.weight[:, None, None] + self.bias[:, None, None]

    @torch.no_grad()
    def freeze(self, x: Tensor, valid: Tensor | None = None) -> None:
        """Store the statistics of this batch for evaluation mode."""
        self.store(*masked_statistics(x, valid))

    @torch.no_grad()
    def store(self, mean: Tensor, variance: Tensor) -> None:
        """Take these statistics, of shape (C,), for evaluation mode."""
        self.running_mean = mean.to(self.weight).contiguous()
        self.running_var = variance.to(self.weight).contiguous()


def masked_statistics(x: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of each channel over the valid pixels.

    Parameters
    ----------
    x : Tensor of shape (B, C, H, W)
    valid : Tensor of shape (B, 1, H, W), 1.0 or 0.0; None where all pixels count

    Returns
    -------
    mean, variance : Tensors of shape (C,)

    Examples
    --------
    >>> x = torch.tensor([1.0, 3.0, 9.0]).reshape(1, 1, 1, 3)
    >>> valid = torch.tensor([1.0, 1.0, 0.0]).reshape(1, 1, 1, 3)
    >>> masked_statistics(x, valid)
    (tensor([2.]), tensor([1.]))
    """
    axes = (0, 2, 3)
    if valid is None:
        variance, mean = torch.var_mean(x, dim=axes, correction=0)
        return mean, variance
    n_valid = valid.sum()
    mean = (x * valid).sum(dim=axes) / n_valid
    variance = ((x - mean[:, None, None]).square() * valid).sum(dim=axes) / n_valid
    return mean, variance


class Network(nn.Module):
    """M times [3x3 convolution, ReLU, batch normalisation], a 1x1 convolution, batch normalisation.

    Parameters
    ----------
    n_bands : int
        Bands of the image.
    n_channels : int
        p, the channels of the feature extractor.
    n_labels : int
        q, the number of responses and so of labels at most.
    n_layers : int
        M, the number of 3x3 convolutions.

    References
    ----------
    Kanezaki, ICASSP 2018, section 2 and figure 1.

    Examples
    --------
    >>> network = Network(n_bands=3, n_channels=8, n_labels=5, n_layers=2)
    >>> network(torch.zeros(1, 3, 6, 7)).shape, network.radius
    (torch.Size([1, 5, 6, 7]), 2)
    """

    def __init__(self, n_bands: int, n_channels: int, n_labels: int, n_layers: int) -> None:
        super().__init__()
        widths = [n_bands] + [n_channels] * n_layers
        self.convs = nn.ModuleList(
            nn.Conv2d(width, n_channels, kernel_size=3, padding=1) for width in widths[:-1]
        )
        self.norms = nn.ModuleList(BatchNorm(n_channels) for _ in range(n_layers))
        self.classifier = nn.Conv2d(n_channels, n_labels, kernel_size=1)
        self.classifier_norm = BatchNorm(n_labels)

    def components(self) -> list[tuple[nn.Conv2d, BatchNorm]]:
        """Return the feature extractor's convolutions, each with its normalisation."""
        pairs = zip(self.convs, self.norms, strict=True)
        return [(cast(nn.Conv2d, conv), cast(BatchNorm, norm)) for conv, norm in pairs]

    @property
    def n_bands(self) -> int:
        """Bands of the images that it takes."""
        return self.components()[0][0].in_channels

    @property
    def n_channels(self) -> int:
        """p, the channels of the feature extractor."""
        return self.classifier.in_channels

    @property
    def n_labels(self) -> int:
        """q, the number of responses."""
        return self.classifier.out_channels

    @property
    def radius(self) -> int:
        """How far, in pixels, a response looks: each 3x3 convolution adds one pixel."""
        return len(self.convs)

    def forward(self, image: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return the responses y' of shape (B, q, H, W) for an image (B, bands, H, W).

        ``valid`` (B, 1, H, W) restricts the statistics of training mode to pixels that hold data.
        """
        x = image
        for conv, norm in self.components():
            x = norm(functional.relu(conv(x)), valid)
        responses: Tensor = self.classifier_norm(self.classifier(x), valid)
        return responses

    @torch.no_grad()
    def freeze(self, image: Tensor, valid: Tensor | None = None) -> Tensor:
        """Store the statistics of this image in every normalisation; return its responses.

        Afterwards evaluation mode computes, for this image, what training mode does.
        """
        x = image
        for conv, norm in self.components():
            x = functional.relu(conv(x))
            norm.freeze(x, valid)
            x = norm(x, valid)
        x = self.classifier(x)
        self.classifier_norm.freeze(x, valid)
        responses: Tensor = self.classifier_norm(x, valid)
        return responses

    @torch.no_grad()
    def permute_labels(self, order: Tensor) -> None:
        """Renumber the labels: response ``order[i]`` becomes response ``i``."""
        for layer in (self.classifier, self.classifier_norm):
            for tensor in (*layer.parameters(), *layer.buffers()):
                if tensor.ndim:  # all but the normalisation's counter of batches
                    tensor.copy_(tensor[order])


def build_network(
    n_bands: int, n_channels: int, n_labels: int, n_layers: int, seed: int
) -> Network:
    """Build a network with PyTorch's default initial weights, drawn from a seed.

    The global random state is left as it was.

    Parameters
    ----------
    n_bands, n_channels, n_labels, n_layers : int
        As of :class:`Network`.
    seed : int
        Seed of the initial weights.

    Returns
    -------
    Network
        In training mode.

    Examples
    --------
    >>> one, two = (build_network(1, 4, 4, 1, seed=7) for _ in range(2))
    >>> bool((one.convs[0].weight == two.convs[0].weight).all())
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(n_bands, n_channels, n_labels, n_layers)


def weights_of(network: Network) -> Weights:
    """Copy what a network has learned out of PyTorch.

    Examples
    --------
    >>> weights_of(Network(n_bands=3, n_channels=8, n_labels=5, n_layers=2)).n_labels
    5
    """
    state = network.state_dict()
    arrays = {name: np.array(tensor.detach().cpu().numpy()) for name, tensor in state.items()}
    return Weights(arrays, str(network.classifier.weight.device))


def network_of(weights: Weights) -> Network:
    """Build a network of its own that does what these weights say.

    Parameters
    ----------
    weights : Weights

    Returns
    -------
    Network
        In evaluation mode, on the weights' device.
    """
    shape = weights.n_bands, weights.n_channels, weights.n_labels, weights.radius
    with torch.device("meta"):
        network = Network(*shape)
    state = {name: torch.from_numpy(np.array(array)) for name, array in weights.arrays.items()}
    network.load_state_dict(state, assign=True)
    return network.requires_grad_(True).to(weights.device).eval()
