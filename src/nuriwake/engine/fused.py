"""The training step differentiated by hand: few passes over the pixels, little memory, bfloat16.

What PyTorch's automatic differentiation does in about forty passes over maps in main memory is done
here in four, strip by strip in the cache:

1. forwards: each 3x3 convolution, its ReLU and the sums for the statistics. The normalisation is
   folded into the next convolution's weights.
2. responses: one affine map (last feature normalisation, classifier and response normalisation in
   one), softmax and argmax.
3. slopes: d = softmax - one-hot, and the two sums that give the gradients of everything after the
   last ReLU.
4. backwards: the gradient of each feature map, and of the weights of the convolution before it.

Maps are bfloat16 where that is fast, sums and p x p matrices are float32 and float64, and the
responses are computed in float32: their argmax is the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nuriwake.engine.argmax import first_maximum_
from nuriwake.engine.compute import torch_team
from nuriwake.engine.convolution import ConvolutionGradient, choose_method
from nuriwake.engine.descent import Descent
from nuriwake.engine.folding import (
    FoldedConvolution,
    Head,
    HeadGradient,
    Normalisation,
    differentiate_convolution,
    fold_convolution,
)
from nuriwake.engine.kernels import linear, product
from nuriwake.engine.padded import PaddedMap, subtract_outside
from nuriwake.engine.plain import Objective
from nuriwake.engine.precision import Precision, compute_dtype
from nuriwake.engine.roughness import Roughness, RoughnessSum
from nuriwake.engine.schedule import Schedule
from nuriwake.engine.strips import TILE, Strip, strips_of
from nuriwake.engine.sums import Moments, SlopeSums, algebra_dtype, head_of, normalisation_of
from nuriwake.engine.team import merged
from nuriwake.learn.network import Network

#: Pixels of a strip: a CPU's second-level cache, or enough work for a graphics card.
_STRIP_PIXELS_BF16, _STRIP_PIXELS_FP32, _STRIP_PIXELS_GPU = 6144, 2048, 1 << 19


class FusedEngine:
    """A training step that agrees with :class:`nuriwake.engine.plain.PlainEngine`, only faster.

    Parameters
    ----------
    network : Network
        Trained in place; its parameters stay float32.
    image : Tensor of float32, shape (B, bands, H, W), in [0, 1]
    valid : Tensor of bool, shape (B, H, W)
    objective : Objective
    schedule : Schedule
    precision : {"auto", "bf16", "fp32"}

    Examples
    --------
    >>> network = Network(n_bands=1, n_channels=2, n_labels=2, n_layers=1)
    >>> valid = torch.ones(1, 3, 3, dtype=torch.bool)
    >>> objective = Objective(weights=valid / 9)
    >>> engine = FusedEngine(network, torch.rand(1, 1, 3, 3), valid, objective, Schedule(1, 1))
    >>> engine.update(engine.label()) > 0
    True
    """

    def __init__(
        self,
        network: Network,
        image: Tensor,
        valid: Tensor,
        objective: Objective,
        schedule: Schedule,
        precision: Precision = "auto",
    ) -> None:
        batch, n_bands, height, width = image.shape
        device = image.device
        self._network = network.train()
        self._dtype = compute_dtype(precision, device)
        self._team = torch_team(torch.get_num_threads() if device.type == "cpu" else 1)
        self._strips = _strips((batch, height, width), self._dtype, device, self._team.n_threads)
        self._height = height

        p, q = network.n_channels, network.n_labels
        # The first convolution is cheap, and bfloat16 would lose one grey level in 256: float32.
        self._image = PaddedMap((batch, height, width, n_bands), torch.float32, device)
        shape = (batch, height, width, p)
        # All feature maps but the last feed a convolution; their memory later holds their gradient.
        self._inner = [PaddedMap(shape, self._dtype, device) for _ in range(network.radius - 1)]
        self._gradient = PaddedMap(shape, self._dtype, device)
        self._last = torch.empty(shape, dtype=self._dtype, device=device)
        # The softmax, later the slopes d = n dL/dy'.
        self._slopes = torch.empty((batch, height, width, q), dtype=self._dtype, device=device)
        self._methods = [
            choose_method(source.data.shape[3], p, source.data)
            for source in (self._image, *self._inner)
        ]
        self._guesses = [torch.zeros(p, device=device) for _ in range(network.radius)]
        self._norms: list[Normalisation[Tensor]] = []
        self._head: Head[Tensor]
        self._descent = Descent(
            list(network.parameters()), schedule.learning_rate, schedule.momentum
        )
        self.load(image, valid, objective)

    def load(self, image: Tensor, valid: Tensor, objective: Objective) -> None:
        """Go on with another batch of the same shape; the momentum stays."""
        self._count = int(valid.sum())
        # No mask where there is nothing to mask: it would be another pass.
        self._mask = None if bool(valid.all()) else valid[..., None].to(self._dtype)
        self._weights = self._relative_weights(objective.weights)
        self._roughness = None
        self._continuity: Tensor | None = None
        if objective.continuity:
            self._roughness = Roughness(
                valid, self._network.n_labels, objective.continuity * self._count, self._dtype
            )
        self._image.data[:, 1:-1, 1:-1] = image.permute(0, 2, 3, 1)

    def _relative_weights(self, weights: Tensor) -> Tensor | None:
        """Give the pixels' weights relative to 1 / n, (B, H, W, 1); None where all are 1."""
        relative = weights[..., None] * self._count
        return None if bool(((relative - 1.0).abs() < 1e-5).all()) else relative

    # --- forwards ---------------------------------------------------------------------------

    @torch.no_grad()
    def label(self) -> Tensor:
        """Run the network; return the argmax label of each pixel, int64 (B, H, W)."""
        self._norms = []
        with self._team.alone():
            for layer in range(self._network.radius):
                self._extract(layer)
            return self._respond()

    def _extract(self, layer: int) -> None:
        """One component: convolution and ReLU into the layer's map, and its statistics."""
        source = self._source_of(layer)
        is_last = layer == self._network.radius - 1
        folded = self._folded(layer)
        dtype = source.data.dtype
        method = self._methods[layer]
        kernel = method.prepare(folded.weight)
        bias, outside = folded.bias.to(dtype), folded.outside.to(dtype)

        def extract(strips: Sequence[Strip]) -> Moments:
            moments = Moments(self._guesses[layer], whole=is_last)
            for strip in strips:
                values = method.convolve(source.surroundings(strip), kernel, bias)
                if layer:
                    subtract_outside(values, strip, self._height, outside)
                values.relu_()
                moments.add(values.flatten(0, 1), self._mask_of(strip))
                target = self._last[strip.index] if is_last else self._inner[layer].rows(strip)
                target.copy_(values)
            return moments

        moments = merged(self._team.share(self._strips, extract))
        mean, spread = moments.finish(self._count)
        self._guesses[layer] = mean.to(self._dtype).float()
        if is_last:
            self._head = head_of(self._network, mean, spread, self._count)
            self._norms.append(self._head.norm)
        else:
            norm = self._network.components()[layer][1]
            self._norms.append(normalisation_of(norm, mean, spread, self._count))

    def _folded(self, layer: int) -> FoldedConvolution[Tensor]:
        """Fold the normalisation before it into the layer's convolution."""
        conv = self._network.components()[layer][0]
        dtype = algebra_dtype(conv.weight.device)
        weight, bias = conv.weight.detach().to(dtype), _bias_of(conv).to(dtype)
        if layer:
            return fold_convolution(weight, bias, self._norms[layer - 1])
        return FoldedConvolution(weight, bias, bias.new_zeros((3, 3, len(bias))))

    def _respond(self) -> Tensor:
        """Responses, softmax and argmax from the last feature map."""
        weight, bias = self._head.weight.float(), self._head.bias.float()
        batch, height, width, q = self._slopes.shape
        labels = torch.empty((batch, height, width), dtype=torch.int64, device=bias.device)
        ranks = torch.arange(q, 0, -1, dtype=torch.float32, device=bias.device)

        def respond(strips: Sequence[Strip]) -> RoughnessSum | None:
            roughness = None if self._roughness is None else self._roughness.sum()
            for strip in strips:
                features = self._last[strip.index].flatten(0, 1)
                responses = linear(features.float(), weight, bias)
                self._slopes[strip.index].view(-1, q).copy_(responses.softmax(dim=1))
                if roughness is not None:
                    roughness.add(responses.view(-1, width, q), strip)
                labels[strip.index] = first_maximum_(responses, ranks).view(-1, width)
            return roughness

        parts = self._team.share(self._strips, respond)
        sums = [part for part in parts if part is not None]
        self._continuity = merged(sums).loss if sums else None
        return labels

    @torch.no_grad()
    def freeze(self) -> None:
        """Store the statistics of the last :meth:`label` in the network's normalisations."""
        norms = [norm for _, norm in self._network.components()]
        statistics = [*self._norms, self._head.response_norm]
        for norm, known in zip([*norms, self._network.classifier_norm], statistics, strict=True):
            norm.running_mean = known.mean.float()
            norm.running_var = known.variance.float()

    # --- backwards --------------------------------------------------------------------------

    @torch.no_grad()
    def update(self, targets: Tensor) -> float:
        """Descend one step towards the targets; return the loss before it."""
        with self._team.alone():
            loss = self.differentiate(targets)
            self._descent.step()
        return loss

    @torch.no_grad()
    def differentiate(self, targets: Tensor) -> float:
        """Set every parameter's ``grad`` to that of the loss for these targets; return the loss."""
        sums = self._measure_slopes(targets)
        gradient = self._enter_features(sums)
        for layer in range(self._network.radius - 1, 0, -1):
            gradient = self._descend(layer, gradient)
        first = self._network.components()[0][0]
        self._set_gradient(first.weight, gradient.weight)
        self._set_gradient(first.bias, gradient.bias)
        return float(sums.loss) / self._count

    def _measure_slopes(self, targets: Tensor) -> SlopeSums:
        """Turn the softmax into slopes; return their sums."""
        q, p = self._slopes.shape[3], self._last.shape[3]

        def measure(strips: Sequence[Strip]) -> SlopeSums:
            sums = SlopeSums.zero(q, p, targets.device)
            for strip in strips:
                slopes = self._slopes[strip.index].view(-1, q)
                chosen = targets[strip.index].reshape(-1, 1)
                likelihood = slopes.gather(1, chosen)
                cost = likelihood.float().clamp_min(torch.finfo(torch.float32).tiny).log()
                slopes.scatter_(1, chosen, likelihood - 1.0)
                if self._weights is not None:
                    weights = self._weights[strip.index].view(-1, 1)
                    cost *= weights
                    slopes *= weights
                if self._roughness is not None:
                    slopes += self._roughness.slopes[strip.index].view(-1, q)
                sums.add(cost, slopes, self._last[strip.index].view(-1, p))
            return sums

        sums = merged(self._team.share(self._strips, measure))
        if self._continuity is not None:
            sums.loss += self._continuity
        return sums

    def _enter_features(self, sums: SlopeSums) -> ConvolutionGradient:
        """Back through the head and the last ReLU."""
        head = self._head
        result = head.backward(sums.slopes, sums.products)
        self._set_head_gradients(result)
        weight, feedback = head.weight.to(self._dtype), result.feedback.to(self._dtype)
        offset = result.offset.to(self._dtype)

        def enter(strips: Sequence[Strip]) -> ConvolutionGradient:
            gradient = self._gradient_of(self._network.radius - 1, self._gradient)
            for strip in strips:
                active = self._last[strip.index]
                rows, slopes = active.flatten(0, 1), self._slopes[strip.index].flatten(0, 1)
                values = (
                    linear(slopes, weight.t(), offset).add_(product(rows, feedback)).view_as(active)
                )
                if self._mask is not None:
                    values *= self._mask[strip.index]
                gradient.add(strip, values, active)
            return gradient

        return merged(self._team.share(self._strips, enter))

    def _descend(self, layer: int, above: ConvolutionGradient) -> ConvolutionGradient:
        """Back through a convolution and the normalisation and ReLU before it.

        The memory of the feature map below becomes that of its gradient.
        """
        slope, offset, kernel = self._differentiate_layer(layer, above)
        below, method = self._inner[layer - 1], self._methods[layer]
        bias = offset if self._mask is None else torch.zeros_like(offset)

        def descend(strips: Sequence[Strip]) -> ConvolutionGradient:
            gradient = self._gradient_of(layer - 1, below)
            for strip in strips:
                active = below.rows(strip)
                values = method.convolve(above.gradient.surroundings(strip), kernel, bias)
                if self._mask is None:
                    values.addcmul_(active, slope)
                else:
                    values += torch.addcmul(offset, active, slope) * self._mask[strip.index]
                gradient.add(strip, values, active)
            return gradient

        return merged(self._team.share(self._strips, descend))

    def _differentiate_layer(
        self, layer: int, above: ConvolutionGradient
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of a convolution and of the normalisation before it.

        Returns
        -------
        slope, offset : Tensors of shape (p,)
            The statistics add slope a + offset to the gradient of the normalisation's input a.
        kernel : Tensor
            Takes the convolution's output gradient to that of a, statistics apart.
        """
        conv = self._network.components()[layer][0]
        norm_layer, norm = self._network.components()[layer - 1][1], self._norms[layer - 1]
        dtype = norm.mean.dtype
        weight, products, taps = conv.weight.to(dtype), above.weight.to(dtype), above.taps.to(dtype)
        step = differentiate_convolution(weight, products, taps, norm)
        self._set_gradient(conv.weight, step.weight)
        self._set_gradient(conv.bias, above.bias)
        self._set_gradient(norm_layer.weight, step.gamma)
        self._set_gradient(norm_layer.bias, step.beta)
        kernel = (weight * norm.scale[:, None, None]).flip(2, 3).transpose(0, 1)
        kernel = self._methods[layer].prepare(kernel)
        return step.slope.to(self._dtype), step.offset.to(self._dtype), kernel

    def _set_head_gradients(self, result: HeadGradient[Tensor]) -> None:
        network = self._network
        last_norm = network.components()[-1][1]
        self._set_gradient(network.classifier.weight, result.classifier)
        self._set_gradient(network.classifier_norm.weight, result.response_gamma)
        self._set_gradient(network.classifier_norm.bias, result.response_beta)
        self._set_gradient(last_norm.weight, result.gamma)
        # The last normalisation removes whatever shifts its input.
        self._set_gradient(network.classifier.bias, torch.zeros_like(result.response_beta))
        self._set_gradient(last_norm.bias, torch.zeros_like(result.gamma))

    def _set_gradient(self, parameter: Tensor | None, gradient: Tensor) -> None:
        """Store a gradient of n times the loss as that of the loss."""
        if parameter is None:
            return
        scaled = (gradient / self._count).to(parameter)
        parameter.grad = scaled.reshape(parameter.shape).contiguous()

    def _gradient_of(self, layer: int, gradient: PaddedMap) -> ConvolutionGradient:
        return ConvolutionGradient(self._source_of(layer), gradient, self._methods[layer])

    def _source_of(self, layer: int) -> PaddedMap:
        """Return the map that a layer's convolution reads."""
        return self._inner[layer - 1] if layer else self._image

    def _mask_of(self, strip: Strip) -> Tensor | None:
        return None if self._mask is None else self._mask[strip.index].view(-1, 1)


def _strips(
    shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device, n_threads: int
) -> list[Strip]:
    """Cut the images (batch, height, width) into strips for the threads."""
    if device.type != "cpu":
        return strips_of(*shape, _STRIP_PIXELS_GPU)
    if dtype == torch.bfloat16:
        return strips_of(*shape, _STRIP_PIXELS_BF16, n_shares=n_threads)
    return strips_of(*shape, _STRIP_PIXELS_FP32, TILE, n_threads)


def _bias_of(conv: torch.nn.Conv2d) -> Tensor:
    bias = conv.bias
    return conv.weight.new_zeros(conv.out_channels) if bias is None else bias.detach()
