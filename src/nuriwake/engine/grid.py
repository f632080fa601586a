"""The training step on a small grid of cells by numpy and compiled loops, without PyTorch.

The same step as of :class:`nuriwake.engine.fused.FusedEngine` in float32, in the same passes over
the same strips, for one image and without the continuity term: what the recipe ``fast`` trains. A
pass is one compiled call for each thread, and PyTorch, whose import takes longer than the training,
is not needed.

The strips depend on the grid alone and their sums are added in their order, so that the result is
the same, bit for bit, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from nuriwake.engine.folding import Head, HeadGradient, Normalisation
from nuriwake.engine.grid_borders import border_biases, inside_sums
from nuriwake.engine.grid_convolution import FILTER, GridMethod, choose_grid_method, zeros_together
from nuriwake.engine.grid_folding import differentiate_taps, fold_taps, turn_taps
from nuriwake.engine.grid_loops import FloatMap
from nuriwake.engine.grid_passes import (
    Room,
    answer,
    descend,
    enter,
    extract,
    measure,
    room_for,
)
from nuriwake.engine.schedule import Schedule
from nuriwake.engine.strips import BAND, strips_of
from nuriwake.engine.team import Team
from nuriwake.learn.weights import EPSILON, Weights
from nuriwake.raster import BoolMap

Matrix = NDArray[np.float64]
#: Pixels of a strip: as many sums are added up by the threads, and one for each strip afterwards.
_STRIP_PIXELS = 2048
#: Names of what is learned; the others are statistics.
_LEARNED = (".weight", ".bias")
#: What is not there, for compiled loops.
_NO_MAP, _NO_SUMS = np.empty((0, 0, 0), np.float32), np.empty((0, 0, 0))


@dataclass(frozen=True)
class _Hand:
    """The strips of one thread, the first and the end, and its memory."""

    strips: tuple[int, int]
    room: Room


@dataclass(frozen=True)
class _Gradient:
    """Sums over pixels of a convolution's output gradient: alone, and x the neighbourhood."""

    bias: Matrix
    products: FloatMap


class GridEngine:
    """A training step that agrees with :class:`nuriwake.engine.plain.PlainEngine`.

    Parameters
    ----------
    weights : Weights
        To start from; they are left as they are.
    image : ndarray of float32, shape (H, W, bands)
    valid : ndarray of bool, shape (H, W)
        Which pixels count; the others hold 0.
    schedule : Schedule
    n_threads : int

    Examples
    --------
    >>> from nuriwake.learn.weights import draw_weights
    >>> weights = draw_weights(n_bands=1, n_channels=2, n_labels=2, n_layers=1, seed=0)
    >>> valid = np.ones((3, 3), bool)
    >>> engine = GridEngine(weights, np.eye(3, dtype=np.float32)[:, :, None], valid, Schedule(1, 1))
    >>> engine.update(engine.label()) > 0
    True
    """

    def __init__(
        self,
        weights: Weights,
        image: NDArray[np.float32],
        valid: BoolMap,
        schedule: Schedule,
        n_threads: int = 1,
    ) -> None:
        self._weights, self._schedule = weights, schedule
        # All numbers in one piece, for the update, and what they are the numbers of.
        shapes = {name: a.shape for name, a in weights.arrays.items() if name.endswith(_LEARNED)}
        self._numbers, self._slope, self._velocity = np.zeros(
            (3, sum(map(prod, shapes.values()))), np.float32
        )
        self.parameters = _views(self._numbers, shapes)
        self.gradients = _views(self._slope, shapes)
        for name, array in self.parameters.items():
            array[:] = weights.arrays[name]
        self._valid = np.ascontiguousarray(valid)
        self._count = int(valid.sum())

        height, width = valid.shape
        cut = strips_of(1, height, width, _STRIP_PIXELS, BAND)
        self._n_strips = len(cut)
        self._bounds = np.array([0, *(-(-strip.stop // BAND) for strip in cut)])
        self._hands = [
            _Hand(strips, room_for(width, image.shape[2], weights.n_channels))
            for strips in _shares(self._n_strips, n_threads)
        ]
        blas = ThreadpoolController()
        self._alone: Callable[[], AbstractContextManager[object]] = lambda: blas.limit(
            limits=1, user_api="blas"
        )
        self._team = Team(len(self._hands))

        self._allocate(image, weights)
        self._guesses = [np.zeros(weights.n_channels, np.float32) for _ in self._sources]
        self._norms: list[Normalisation[Matrix]] = []
        self._head: Head[Matrix]

    def _allocate(self, image: NDArray[np.float32], weights: Weights) -> None:
        """Make the maps."""
        height, width, n_bands = image.shape
        p, q, n_layers = weights.n_channels, weights.n_labels, weights.radius
        inputs = [n_bands] + [p] * (n_layers - 1)
        self._methods = [choose_grid_method(n_inputs, p) for n_inputs in inputs]
        padded, whole = (height + 2, width + 2), (height, width)
        laid_shapes = [
            (-(-height // BAND), *method.laid(width, n_inputs))
            for method, n_inputs in zip(self._methods, inputs, strict=True)
        ]
        shapes = [(*padded, n) for n in (*inputs, p)] + [(*whole, p), (*whole, q), *laid_shapes]
        arrays = zeros_together(shapes)
        # What each convolution reads, with a border of zeros; later, of all but the image, the
        # gradient of what the one before has written.
        self._sources = list(islice(arrays, n_layers))
        self._sources[0][1:-1, 1:-1] = image
        # The last array holds the softmax, later the slopes d = n dL/dy'.
        self._gradient, self._last, self._slopes = islice(arrays, 3)
        self._laid, self._is_laid = list(arrays), False

    # --- forwards ---------------------------------------------------------------------------

    def label(self) -> NDArray[np.int64]:
        """Run the network; return the argmax label of each pixel, int64 (H, W)."""
        with self._alone(), np.errstate(all="ignore"):
            self._norms = []
            for layer in range(len(self._sources)):
                self._extract(layer)
            return self._respond()

    def _extract(self, layer: int) -> None:
        """One component: convolution and ReLU into the next map, and its statistics."""
        method, is_last = self._methods[layer], layer == len(self._sources) - 1
        bias = self._matrix(f"convs.{layer}.bias")
        weight, scale, shift = self._taps(layer), *self._before(layer)
        kernel = np.empty(method.kernel(weight.shape[2], len(bias)), np.float32)
        outside = fold_taps(weight, scale, shift, FILTER, kernel)
        biases = border_biases(bias, outside)
        guess, n = self._guesses[layer], len(bias)
        # The image stays as it is, and is laid out once.
        source = self._sources[layer] if layer or not self._is_laid else _NO_MAP
        active = self._last if is_last else self._sources[layer + 1]
        sums = np.zeros((self._n_strips, 2, n))
        moments = np.zeros((self._n_strips, n, n)) if is_last else _NO_SUMS
        self._each(
            lambda hand: extract(
                source, self._laid[layer], kernel, biases, self._valid, guess, active,
                hand.room, self._bounds, hand.strips, sums, moments,
            )
        )  # fmt: skip
        self._is_laid = True
        deviation, square = sums.sum(axis=0) / self._count
        mean = guess + deviation
        self._guesses[layer] = mean.astype(np.float32)
        if is_last:
            above = np.triu(moments.sum(axis=0)) / self._count
            products = above + np.triu(above, 1).T
            self._set_head(mean, products - np.outer(deviation, deviation))
        else:
            variance = (square - deviation**2).clip(0.0)
            self._norms.append(self._normalisation(f"norms.{layer}", mean, variance))

    def _set_head(self, mean: Matrix, covariance: Matrix) -> None:
        norm = self._normalisation(
            f"norms.{len(self._sources) - 1}", mean, covariance.diagonal().clip(0.0)
        )
        weight = self._matrix("classifier.weight")[:, :, 0, 0]
        bias, gamma, beta = map(
            self._matrix, ("classifier.bias", "classifier_norm.weight", "classifier_norm.bias")
        )
        self._head = Head.of(norm, covariance, weight, bias, gamma, beta)
        self._norms.append(norm)

    def _respond(self) -> NDArray[np.int64]:
        """Responses, softmax and argmax from the last feature map."""
        weight = np.ascontiguousarray(self._head.weight.T, np.float32)
        bias = self._head.bias.astype(np.float32)
        labels = np.empty(self._valid.shape, np.int64)
        self._each(
            lambda hand: answer(
                self._last, weight, bias, self._slopes, labels, self._bounds, hand.strips
            )
        )
        return labels

    def frozen(self) -> Weights:
        """Return the weights with the statistics of the last :meth:`label`."""
        arrays = dict(self._weights.arrays) | {
            name: array.copy() for name, array in self.parameters.items()
        }
        names = [f"norms.{layer}" for layer in range(len(self._sources))] + ["classifier_norm"]
        norms = [*self._norms, self._head.response_norm]
        for name, norm in zip(names, norms, strict=True):
            arrays[f"{name}.running_mean"] = norm.mean.astype(np.float32)
            arrays[f"{name}.running_var"] = norm.variance.astype(np.float32)
        return replace(self._weights, arrays=arrays, device="cpu")

    # --- backwards --------------------------------------------------------------------------

    def update(self, targets: NDArray[np.int64]) -> float:
        """Descend one step towards the targets; return the loss before it."""
        loss = self.differentiate(targets)
        with np.errstate(all="ignore"):
            self._velocity *= np.float32(self._schedule.momentum)
            self._velocity += self._slope
            self._numbers -= np.float32(self._schedule.learning_rate) * self._velocity
        return loss

    def differentiate(self, targets: NDArray[np.int64]) -> float:
        """Set every parameter's gradient to that of the loss for these targets; return the loss."""
        with self._alone(), np.errstate(all="ignore"):
            loss, result = self._measure_slopes(targets)
            gradient = self._enter_features(result)
            above = self._gradient
            for layer in range(len(self._sources) - 1, 0, -1):
                gradient = self._descend(layer, gradient, above)
                above = self._sources[layer]
        self._differentiate(0, gradient, np.zeros((9, len(gradient.bias))))
        return loss / self._count

    def _measure_slopes(self, targets: NDArray[np.int64]) -> tuple[float, HeadGradient[Matrix]]:
        """Turn the softmax into slopes; go back through the head."""
        sums = np.zeros((self._n_strips, self._slopes.shape[2]))
        products = np.zeros((*sums.shape, self._last.shape[2]))
        losses = np.zeros(self._n_strips)
        self._each(
            lambda hand: measure(
                self._slopes, targets, self._valid, self._last,
                self._bounds, hand.strips, losses, sums, products,
            )
        )  # fmt: skip
        result = self._head.backward(sums.sum(axis=0), products.sum(axis=0))
        last = f"norms.{len(self._sources) - 1}"
        self._set_gradient("classifier.weight", result.classifier)
        self._set_gradient("classifier_norm.weight", result.response_gamma)
        self._set_gradient("classifier_norm.bias", result.response_beta)
        self._set_gradient(f"{last}.weight", result.gamma)
        # The last normalisation removes whatever shifts its input.
        self._set_gradient("classifier.bias", np.zeros_like(result.response_beta))
        self._set_gradient(f"{last}.bias", np.zeros_like(result.gamma))
        return float(losses.sum()), result

    def _enter_features(self, result: HeadGradient[Matrix]) -> _Gradient:
        """Back through the head's map and the last ReLU."""
        weight, feedback, offset = (
            np.ascontiguousarray(matrix, np.float32)
            for matrix in (self._head.weight, result.feedback, result.offset)
        )
        layer = len(self._sources) - 1
        method, laid, sums, taps = self._reading(layer)
        self._each(
            lambda hand: enter(
                self._slopes, weight, self._last, feedback, offset, self._valid, self._gradient,
                laid, method.transform, hand.room, self._bounds, hand.strips, sums, taps,
            )
        )  # fmt: skip
        return _Gradient(sums.sum(axis=0), taps)

    def _descend(self, layer: int, gradient: _Gradient, above: FloatMap) -> _Gradient:
        """Back through a convolution and the normalisation and ReLU before it."""
        norm, method = self._norms[layer - 1], self._methods[layer]
        taps, weight = inside_sums(above, gradient.bias), self._taps(layer)
        sums = self._differentiate(layer, gradient, taps)
        gamma, beta, slope, shift = norm.backward(*sums)
        self._set_gradient(f"norms.{layer - 1}.weight", gamma)
        self._set_gradient(f"norms.{layer - 1}.bias", beta)
        kernel = np.empty(method.kernel(*weight.shape[1:]), np.float32)
        turn_taps(weight, norm.scale, FILTER, kernel)
        slopes, offset = slope.astype(np.float32), shift.astype(np.float32)
        below, width = self._sources[layer], self._valid.shape[1]
        shape = method.laid(width, weight.shape[1])
        before, laid, sums, products = self._reading(layer - 1)
        self._each(
            lambda hand: descend(
                above, kernel, slopes, offset, self._valid, below,
                np.empty(shape, np.float32) if shape[0] == 1 else _NO_MAP,
                laid, before.transform, hand.room, self._bounds, hand.strips, sums, products,
            )
        )  # fmt: skip
        return _Gradient(sums.sum(axis=0), products)

    def _reading(self, layer: int) -> tuple[GridMethod, FloatMap, Matrix, FloatMap]:
        """Return what a layer has read, and room for the sums of its output's gradient."""
        method, laid = self._methods[layer], self._laid[layer]
        n_taps, size = len(method.transform), laid.shape[3] * self._last.shape[2]
        sums = np.zeros((self._n_strips, self._last.shape[2]))
        return method, laid, sums, np.empty((self._n_strips, n_taps, size), np.float32)

    def _differentiate(self, layer: int, gradient: _Gradient, inside: Matrix) -> Matrix:
        """Set a convolution's gradients; return what :func:`differentiate_taps` does."""
        weight, scale, shift = self._taps(layer), *self._before(layer)
        slopes = np.empty_like(weight)
        sums = differentiate_taps(weight, gradient.products, inside, scale, shift, slopes)
        kernel = slopes.reshape(3, 3, *slopes.shape[1:]).transpose(2, 3, 0, 1)
        self._set_gradient(f"convs.{layer}.weight", kernel)
        self._set_gradient(f"convs.{layer}.bias", gradient.bias)
        return sums

    def _set_gradient(self, name: str, gradient: Matrix | FloatMap) -> None:
        """Store a gradient of n times the loss as that of the loss."""
        out = self.gradients[name]
        np.divide(gradient.reshape(out.shape), self._count, out=out)

    # --- what the passes share --------------------------------------------------------------

    def _each(self, work: Callable[[_Hand], None]) -> None:
        """Let every thread do its strips."""

        def work_on(hands: Sequence[_Hand]) -> None:
            for hand in hands:
                work(hand)

        self._team.share(self._hands, work_on)

    def _matrix(self, name: str) -> Matrix:
        return self.parameters[name].astype(np.float64)

    def _taps(self, layer: int) -> FloatMap:
        """Return a view of a kernel as it is stored, (9, C', C)."""
        taps = self.parameters[f"convs.{layer}.weight"].transpose(2, 3, 0, 1)
        return taps.reshape(9, *taps.shape[2:])

    def _before(self, layer: int) -> tuple[Matrix, Matrix]:
        """Return scale and shift of what a convolution reads; of the image there are none."""
        if layer:
            return self._norms[layer - 1].scale, self._norms[layer - 1].shift
        n_bands = self._sources[0].shape[2]
        return np.ones(n_bands), np.zeros(n_bands)

    def _normalisation(self, name: str, mean: Matrix, variance: Matrix) -> Normalisation[Matrix]:
        gamma, beta = self._matrix(f"{name}.weight"), self._matrix(f"{name}.bias")
        return Normalisation(mean, variance, gamma, beta, EPSILON, self._count)


def _views(numbers: FloatMap, shapes: dict[str, tuple[int, ...]]) -> dict[str, FloatMap]:
    """Return arrays of such shapes that share one; of a kernel, tap by tap."""
    views, place = {}, 0
    for name, shape in shapes.items():
        part, place = numbers[place : place + prod(shape)], place + prod(shape)
        is_kernel = name.startswith("convs") and len(shape) == 4
        order = (*shape[2:], *shape[:2]) if is_kernel else shape
        views[name] = part.reshape(order)
        if is_kernel:
            views[name] = views[name].transpose(2, 3, 0, 1)
    return views


def _shares(n_strips: int, n_threads: int) -> Iterator[tuple[int, int]]:
    """Share strips out evenly: the first one of each thread, and the end."""
    n_shares = max(1, min(n_threads, n_strips))
    return pairwise(n_strips * share // n_shares for share in range(n_shares + 1))
