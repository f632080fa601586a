"""A trained network, its statistics frozen, on a whole grid of cells, without PyTorch.

Whichever engine trained it and wherever its labels are wanted: for the recipe ``fast`` this is the
one computation, so that a model labels the image that it was trained on as its training did.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nuriwake.engine.folding import Normalisation
from nuriwake.engine.grid_convolution import FILTER, choose_grid_method
from nuriwake.engine.grid_folding import fold_taps
from nuriwake.engine.grid_passes import extract, room_for
from nuriwake.engine.strips import BAND
from nuriwake.engine.team import Team
from nuriwake.learn.weights import EPSILON, Weights


def respond(
    weights: Weights, image: NDArray[np.float32], n_threads: int = 1
) -> NDArray[np.float32]:
    """Run a trained network on a normalised image.

    Parameters
    ----------
    weights : Weights
    image : ndarray of float32, shape (height, width, bands)
    n_threads : int
        They share the strips; the responses are the same for any number.

    Returns
    -------
    ndarray of float32, shape (height, width, q)
        The responses y', float32.

    Examples
    --------
    >>> from nuriwake.learn.weights import draw_weights
    >>> respond(draw_weights(1, 4, 3, 2, seed=0), np.ones((5, 6, 1), np.float32)).shape
    (5, 6, 3)
    """
    # The sums of one thread are the same however many there are; whether responses are numbers is
    # asked by who reads them.
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
        features, team = image, Team(n_threads)
        for layer in range(weights.radius):
            features = _extract(weights, layer, features, team)
        classifier = _matrix(weights, "classifier.weight")[:, :, 0, 0]
        norm = _frozen(weights, "classifier_norm")
        weight = norm.scale[:, np.newaxis] * classifier
        bias = norm.scale * _matrix(weights, "classifier.bias") + norm.shift
        responses: NDArray[np.float32] = features @ weight.T.astype(np.float32)
        responses += bias.astype(np.float32)
        return responses


def _extract(
    weights: Weights, layer: int, source: NDArray[np.float32], team: Team
) -> NDArray[np.float32]:
    """One component: convolution, ReLU and normalisation."""
    height, width, n_inputs = source.shape
    weight, norm = _matrix(weights, f"convs.{layer}.weight"), _frozen(weights, f"norms.{layer}")
    bias, scale, shift = (
        array.astype(np.float32)
        for array in (_matrix(weights, f"convs.{layer}.bias"), norm.scale, norm.shift)
    )
    method = choose_grid_method(n_inputs, len(weight))
    taps = np.ascontiguousarray(weight.transpose(2, 3, 0, 1), np.float32).reshape(
        9, *weight.shape[:2]
    )
    kernel = np.empty(method.kernel(n_inputs, len(weight)), np.float32)
    fold_taps(taps, np.ones(n_inputs), np.zeros(n_inputs), FILTER, kernel)
    padded = np.pad(source, ((1, 1), (1, 1), (0, 0)))
    features = np.empty((height, width, len(weight)), np.float32)
    n_bands = -(-height // BAND)

    biases, bounds = np.broadcast_to(bias, (4, 4, len(bias))).copy(), np.arange(n_bands + 1)
    valid, guess = np.ones((height, width), bool), np.zeros_like(bias)

    def work(bands: Sequence[int]) -> None:
        room, strips = room_for(width, n_inputs, len(weight)), (bands[0], bands[-1] + 1)
        laid = np.zeros((1, *method.laid(width, n_inputs)), np.float32)
        sums, none = np.zeros((n_bands, 2, len(bias))), np.empty((0, 0, 0))
        extract(
            padded, laid, kernel, biases, valid, guess, features, room, bounds, strips, sums, none
        )
        part = features[BAND * bands[0] : BAND * (bands[-1] + 1)]
        with np.errstate(over="ignore", invalid="ignore"):
            part *= scale
            part += shift

    team.share(range(n_bands), work)
    return features


def _frozen(weights: Weights, name: str) -> Normalisation[NDArray[np.float64]]:
    mean, variance, gamma, beta = (
        _matrix(weights, f"{name}.{one}")
        for one in ("running_mean", "running_var", "weight", "bias")
    )
    return Normalisation(mean, variance, gamma, beta, EPSILON, count=1)


def _matrix(weights: Weights, name: str) -> NDArray[np.float64]:
    return weights.arrays[name].astype(np.float64)
