"""The training step on a small grid of cells by numpy and compiled loops, without PyTorch.

The same step as of :class:`nuriwake.engine.fused.FusedEngine` in float32, in the same passes over
the same strips, for one image and without the continuity term: what the recipe ``fast`` trains. It
takes as long; what it saves is importing PyTorch, which takes longer than the training.

The strips depend on the grid alone and their sums are added in their order, so that the result is
the same, bit for bit, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from nuriwake.engine.folding import (
    Head,
    HeadGradient,
    Normalisation,
    differentiate_convolution,
    fold_convolution,
)
from nuriwake.engine.grid_borders import border_biases, inside_sums
from nuriwake.engine.grid_convolution import Room, choose_grid_method, zeros_together
from nuriwake.engine.grid_loops import FloatMap, activate, gate, respond, slope
from nuriwake.engine.schedule import Schedule
from nuriwake.engine.strips import TILE, Strip, strips_of
from nuriwake.engine.team import Team
from nuriwake.learn.weights import EPSILON, Weights
from nuriwake.raster import BoolMap

Result = TypeVar("Result")
Matrix = NDArray[np.float64]
#: Pixels of a strip: its points and maps stay in a second-level cache.
_STRIP_PIXELS = 2048


@dataclass(frozen=True)
class _Hand:
    """The strips of one thread, and its memory."""

    strips: range
    room: Room


@dataclass(frozen=True)
class _Gradient:
    """Sums over pixels of a convolution's output gradient: alone, and x the neighbourhood."""

    bias: Matrix
    products: Matrix


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
        self.parameters = {
            name: array.astype(np.float32)
            for name, array in weights.arrays.items()
            if name.endswith((".weight", ".bias"))
        }
        self.gradients: dict[str, FloatMap] = {}
        self._velocities = {name: np.zeros_like(a) for name, a in self.parameters.items()}
        self._valid = np.ascontiguousarray(valid)
        self._count = int(valid.sum())

        self._strips = strips_of(1, len(valid), valid.shape[1], _STRIP_PIXELS, TILE)
        self._hands = _hands(len(self._strips), n_threads)
        blas = ThreadpoolController()
        alone: Callable[[], AbstractContextManager[object]] = lambda: blas.limit(  # noqa: E731
            limits=1, user_api="blas"
        )
        self._team = Team(len(self._hands), alone)

        self._allocate(image, weights)
        self._guesses = [np.zeros(weights.n_channels, np.float32) for _ in self._sources]
        self._norms: list[Normalisation[Matrix]] = []
        self._head: Head[Matrix]

    def _allocate(self, image: NDArray[np.float32], weights: Weights) -> None:
        """Make the maps, and lay the image out, which stays as it is."""
        height, width, n_bands = image.shape
        p, q, n_layers = weights.n_channels, weights.n_labels, weights.radius
        inputs = [n_bands] + [p] * (n_layers - 1)
        self._methods = [choose_grid_method(n_inputs, p) for n_inputs in inputs]
        padded, whole = (height + 2, width + 2), (height, width)
        strip_shapes = [
            method.shape(strip.stop - strip.start, width, n_inputs)
            for method, n_inputs in zip(self._methods, inputs, strict=True)
            for strip in self._strips
        ]
        shapes = [(*padded, n) for n in (*inputs, p)] + [(*whole, p), (*whole, q), *strip_shapes]
        arrays = zeros_together(shapes)
        # What each convolution reads, with a border of zeros; later, of all but the image, the
        # gradient of what the one before has written.
        self._sources = list(islice(arrays, n_layers))
        self._sources[0][1:-1, 1:-1] = image
        # The last array holds the softmax, later the slopes d = n dL/dy'.
        self._gradient, self._last, self._slopes = islice(arrays, 3)
        self._laid = [list(islice(arrays, len(self._strips))) for _ in self._methods]
        for strip, laid in zip(self._strips, self._laid[0], strict=True):
            self._methods[0].lay_out(self._surroundings(self._sources[0], strip), laid)

    # --- forwards ---------------------------------------------------------------------------

    def label(self) -> NDArray[np.int64]:
        """Run the network; return the argmax label of each pixel, int64 (H, W)."""
        with self._team.alone(), np.errstate(all="ignore"):
            self._norms = []
            for layer in range(len(self._sources)):
                self._extract(layer)
            return self._respond()

    def _extract(self, layer: int) -> None:
        """One component: convolution and ReLU into the next map, and its statistics."""
        method, is_last = self._methods[layer], layer == len(self._sources) - 1
        weight, bias = self._matrix(f"convs.{layer}.weight"), self._matrix(f"convs.{layer}.bias")
        outside = np.zeros((3, 3, len(bias)))
        if layer:
            folded = fold_convolution(weight, bias, self._norms[layer - 1])
            weight, outside = folded.weight, folded.outside
        kernel, biases = method.prepare(weight), border_biases(bias, outside)
        guess = self._guesses[layer]

        def extract(number: int, room: Room) -> tuple[Matrix, FloatMap | None]:
            strip, laid = self._strips[number], self._laid[layer][number]
            if layer:
                method.lay_out(self._surroundings(self._sources[layer], strip), laid)
            output, valid = self._output(strip, room), self._valid[strip.index[1]]
            method.multiply(laid, kernel, output, room)
            active = self._last[strip.index[1]]
            if not is_last:
                active = self._inner(self._sources[layer + 1], strip)
            sums = np.zeros((2, len(guess)))
            activate(output, biases, self._states(strip), valid, guess, active, sums)
            if not is_last:
                return sums, None
            if not valid.all():
                active[~valid] = 0
            rows = output.reshape(-1, len(guess))
            return sums, rows.T @ rows

        parts = self._each(extract)
        sums = np.sum([part for part, _ in parts], axis=0) / self._count
        mean = guess + sums[0]
        self._guesses[layer] = mean.astype(np.float32)
        if is_last:
            products = _total([part for _, part in parts if part is not None]) / self._count
            self._set_head(mean, products - np.outer(sums[0], sums[0]))
        else:
            variance = (sums[1] - sums[0] ** 2).clip(0.0)
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

        def answer(number: int, _room: Room) -> None:
            rows = self._strips[number].index[1]
            responses = _flat(self._slopes[rows])
            np.dot(_flat(self._last[rows]), weight, out=responses)
            respond(responses, bias, labels[rows].reshape(-1))

        self._each(answer)
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
            for name, gradient in self.gradients.items():
                velocity = self._velocities[name]
                velocity *= np.float32(self._schedule.momentum)
                velocity += gradient
                self.parameters[name] -= np.float32(self._schedule.learning_rate) * velocity
        return loss

    def differentiate(self, targets: NDArray[np.int64]) -> float:
        """Set every parameter's gradient to that of the loss for these targets; return the loss."""
        with self._team.alone(), np.errstate(all="ignore"):
            loss, result = self._measure_slopes(targets)
            gradient = self._enter_features(result)
            above = self._gradient
            for layer in range(len(self._sources) - 1, 0, -1):
                gradient = self._descend(layer, gradient, above)
                above = self._sources[layer]
        self._set_gradient("convs.0.weight", gradient.products)
        self._set_gradient("convs.0.bias", gradient.bias)
        return loss / self._count

    def _measure_slopes(self, targets: NDArray[np.int64]) -> tuple[float, HeadGradient[Matrix]]:
        """Turn the softmax into slopes; go back through the head."""

        def measure(number: int, _room: Room) -> tuple[float, Matrix, FloatMap]:
            rows = self._strips[number].index[1]
            slopes, sums = _flat(self._slopes[rows]), np.zeros(self._slopes.shape[2])
            loss = slope(slopes, targets[rows].reshape(-1), self._valid[rows].reshape(-1), sums)
            return loss, sums, slopes.T @ _flat(self._last[rows])

        losses, sums, products = zip(*self._each(measure), strict=True)
        result = self._head.backward(np.sum(sums, axis=0), _total(products))
        last = f"norms.{len(self._sources) - 1}"
        self._set_gradient("classifier.weight", result.classifier)
        self._set_gradient("classifier_norm.weight", result.response_gamma)
        self._set_gradient("classifier_norm.bias", result.response_beta)
        self._set_gradient(f"{last}.weight", result.gamma)
        # The last normalisation removes whatever shifts its input.
        self._set_gradient("classifier.bias", np.zeros_like(result.response_beta))
        self._set_gradient(f"{last}.bias", np.zeros_like(result.gamma))
        return sum(losses), result

    def _enter_features(self, result: HeadGradient[Matrix]) -> _Gradient:
        """Back through the head's map and the last ReLU."""
        weight, feedback, offset = (
            np.ascontiguousarray(matrix, np.float32)
            for matrix in (self._head.weight, result.feedback, result.offset)
        )
        layer, none = len(self._sources) - 1, np.zeros_like(offset)

        def enter(number: int, room: Room) -> tuple[Matrix, FloatMap]:
            strip = self._strips[number]
            active, slopes = self._last[strip.index[1]], self._slopes[strip.index[1]]
            values, more = (room.take(name, active.shape) for name in ("values", "more"))
            np.dot(_flat(slopes), weight, out=_flat(values))
            values += np.dot(_flat(active), feedback, out=_flat(more)).reshape(active.shape)
            sums = np.zeros(len(offset))
            valid = self._valid[strip.index[1]]
            target = self._inner(self._gradient, strip)
            gate(values, none, offset, valid, active, target, sums)
            return sums, self._correlate(layer, number, self._gradient, room)

        return self._gather(layer, self._each(enter))

    def _descend(self, layer: int, gradient: _Gradient, above: FloatMap) -> _Gradient:
        """Back through a convolution and the normalisation and ReLU before it."""
        norm, method = self._norms[layer - 1], self._methods[layer]
        weight = self._matrix(f"convs.{layer}.weight")
        taps = inside_sums(above[1:-1, 1:-1], gradient.bias)
        step = differentiate_convolution(weight, gradient.products, taps, norm)
        self._set_gradient(f"convs.{layer}.weight", step.weight)
        self._set_gradient(f"convs.{layer}.bias", gradient.bias)
        self._set_gradient(f"norms.{layer - 1}.weight", step.gamma)
        self._set_gradient(f"norms.{layer - 1}.bias", step.beta)
        back = (weight * norm.scale[:, None, None])[:, :, ::-1, ::-1].swapaxes(0, 1)
        kernel = method.prepare(back)
        slopes, offset = step.slope.astype(np.float32), step.offset.astype(np.float32)
        below = self._sources[layer]

        def descend(number: int, room: Room) -> tuple[Matrix, FloatMap]:
            strip = self._strips[number]
            surroundings = self._surroundings(above, strip)
            shape = method.shape(strip.stop - strip.start, below.shape[1] - 2, len(weight))
            laid = room.take(method.name, shape)
            method.lay_out(surroundings, laid)
            output, sums = self._output(strip, room), np.zeros(len(slopes))
            method.multiply(laid, kernel, output, room)
            active, valid = self._inner(below, strip), self._valid[strip.index[1]]
            gate(output, slopes, offset, valid, active, active, sums)
            return sums, self._correlate(layer - 1, number, below, room)

        return self._gather(layer - 1, self._each(descend))

    def _correlate(self, layer: int, number: int, gradient: FloatMap, room: Room) -> FloatMap:
        """Sum a strip's gradient x the neighbourhood in what the layer's convolution reads."""
        slopes = self._surroundings(gradient, self._strips[number])
        return self._methods[layer].correlate(self._laid[layer][number], slopes, room)

    def _gather(self, layer: int, parts: list[tuple[Matrix, FloatMap]]) -> _Gradient:
        sums, products = zip(*parts, strict=True)
        gradient = self._methods[layer].gradient(_total(products))
        return _Gradient(np.sum(sums, axis=0), gradient)

    def _set_gradient(self, name: str, gradient: Matrix) -> None:
        """Store a gradient of n times the loss as that of the loss."""
        scaled = (gradient / self._count).astype(np.float32)
        self.gradients[name] = scaled.reshape(self.parameters[name].shape)

    # --- what the passes share --------------------------------------------------------------

    def _each(self, work: Callable[[int, Room], Result]) -> list[Result]:
        """Do something with every strip; return the results in their order."""

        def work_on(hands: Sequence[_Hand]) -> list[Result]:
            # What overflows is found in the end: the responses are no numbers.
            with np.errstate(all="ignore"):
                return [work(number, hand.room) for hand in hands for number in hand.strips]

        parts = self._team.share(self._hands, work_on)
        return [result for part in parts for result in part]

    def _matrix(self, name: str) -> Matrix:
        return self.parameters[name].astype(np.float64)

    def _normalisation(self, name: str, mean: Matrix, variance: Matrix) -> Normalisation[Matrix]:
        gamma, beta = self._matrix(f"{name}.weight"), self._matrix(f"{name}.bias")
        return Normalisation(mean, variance, gamma, beta, EPSILON, self._count)

    def _surroundings(self, source: FloatMap, strip: Strip) -> FloatMap:
        return source[strip.start : strip.stop + 2]

    def _inner(self, source: FloatMap, strip: Strip) -> FloatMap:
        """Return a strip's rows of a map with a border, with the first and the last column."""
        return source[strip.start + 1 : strip.stop + 1]

    def _output(self, strip: Strip, room: Room) -> FloatMap:
        """Return room for a convolution's output, whose first and last column are 0."""
        return room.take("output", (strip.stop - strip.start, *self._gradient.shape[1:]))

    def _states(self, strip: Strip) -> NDArray[np.int64]:
        """Which borders of the image each row of a strip is at, see :func:`activate`."""
        rows = np.arange(strip.start, strip.stop)
        states: NDArray[np.int64] = (rows == 0) + 2 * (rows == len(self._valid) - 1)
        return states


def _hands(n_strips: int, n_threads: int) -> list[_Hand]:
    n_hands = max(1, min(n_threads, n_strips))
    bounds = [n_strips * hand // n_hands for hand in range(n_hands + 1)]
    return [_Hand(range(bounds[i], bounds[i + 1]), Room()) for i in range(n_hands)]


def _flat(part: FloatMap) -> FloatMap:
    """Return a view with one row for each pixel."""
    return part.reshape(-1, part.shape[2])


def _total(parts: Sequence[FloatMap]) -> Matrix:
    """Add products of single precision up in double."""
    total: Matrix = parts[0].astype(np.float64)
    for part in parts[1:]:
        total += part
    return total
