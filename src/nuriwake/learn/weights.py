"""What a network has learned, as arrays: models, files and results hold it without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Added to the variances before the square root, as in the published code.
EPSILON = 1e-5


@dataclass(frozen=True, eq=False)
class Weights:
    """The parameters and statistics of a network, by the names that PyTorch gives them.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``convs.0.weight`` of shape (p, bands, 3, 3), ``convs.0.bias``, ``norms.0.weight``,
        ``norms.0.bias``, ``norms.0.running_mean``, ``norms.0.running_var`` and so on for each
        layer; the same of ``classifier``, whose weight has the shape (q, p, 1, 1), and of
        ``classifier_norm``. float32, but for the normalisations' ``num_batches_tracked``.
    device : str
        Where the network was trained, and is run by PyTorch.

    Examples
    --------
    >>> weights = draw_weights(n_bands=3, n_channels=8, n_labels=5, n_layers=2, seed=0)
    >>> weights.n_bands, weights.n_channels, weights.n_labels, weights.radius
    (3, 8, 5, 2)
    """

    arrays: Mapping[str, NDArray[Any]]
    device: str = "cpu"

    @property
    def n_bands(self) -> int:
        """Bands of the images that the network takes."""
        return int(self.arrays["convs.0.weight"].shape[1])

    @property
    def n_channels(self) -> int:
        """p, the channels of the feature extractor."""
        return int(self.arrays["classifier.weight"].shape[1])

    @property
    def n_labels(self) -> int:
        """q, the number of responses."""
        return int(self.arrays["classifier.weight"].shape[0])

    @property
    def radius(self) -> int:
        """How far, in pixels, a response looks: each 3x3 convolution adds one pixel."""
        return sum(name.startswith("convs.") and name.endswith(".weight") for name in self.arrays)

    def permuted(self, order: NDArray[np.int64]) -> Weights:
        """Renumber the labels: response ``order[i]`` becomes response ``i``."""
        arrays = dict(self.arrays)
        for name, array in arrays.items():
            # All but the normalisation's counter of batches.
            if name.startswith("classifier") and array.ndim:
                arrays[name] = array[order]
        return replace(self, arrays=arrays)


def array_shapes(
    n_bands: int, n_channels: int, n_labels: int, n_layers: int
) -> dict[str, tuple[int, ...]]:
    """Name the arrays of a network, and their shapes.

    Parameters
    ----------
    n_bands, n_channels, n_labels, n_layers : int
        As of :class:`nuriwake.learn.network.Network`.

    Examples
    --------
    >>> shapes = array_shapes(n_bands=3, n_channels=8, n_labels=5, n_layers=2)
    >>> shapes["convs.1.weight"], shapes["classifier.weight"], shapes["classifier_norm.bias"]
    ((8, 8, 3, 3), (5, 8, 1, 1), (5,))
    """
    widths = [n_bands] + [n_channels] * n_layers
    layers = [
        *((f"convs.{i}", f"norms.{i}", n_channels, (widths[i], 3, 3)) for i in range(n_layers)),
        ("classifier", "classifier_norm", n_labels, (n_channels, 1, 1)),
    ]
    shapes: dict[str, tuple[int, ...]] = {}
    for conv, norm, n_outputs, reads in layers:
        shapes |= {f"{conv}.weight": (n_outputs, *reads), f"{conv}.bias": (n_outputs,)}
        names = ("weight", "bias", "running_mean", "running_var")
        shapes |= {f"{norm}.{name}": (n_outputs,) for name in names}
        shapes[f"{norm}.num_batches_tracked"] = ()
    return shapes


def draw_weights(n_bands: int, n_channels: int, n_labels: int, n_layers: int, seed: int) -> Weights:
    """Draw initial weights by PyTorch's default distributions, from a seed, without PyTorch.

    Parameters
    ----------
    n_bands, n_channels, n_labels, n_layers : int
        As of :class:`nuriwake.learn.network.Network`.
    seed : int

    Returns
    -------
    Weights
        Uniform within 1 / sqrt(numbers that a unit reads); normalisations that change nothing.
    """
    rng = np.random.default_rng(seed)
    shapes = array_shapes(n_bands, n_channels, n_labels, n_layers)
    arrays: dict[str, NDArray[Any]] = {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if kind == "num_batches_tracked":
            arrays[name] = np.array(0)
        elif "norm" in layer:
            fill = 1.0 if kind in ("weight", "running_var") else 0.0
            arrays[name] = np.full(shape, fill, np.float32)
        else:
            bound = np.prod(shapes[f"{layer}.weight"][1:]) ** -0.5
            arrays[name] = rng.uniform(-bound, bound, shape).astype(np.float32)
    return Weights(arrays)
