"""The continuity term and its gradient, strip by strip."""

from __future__ import annotations

import torch
from torch import Tensor

from nuriwake.engine.strips import Strip


class Roughness:
    """Mean absolute difference of vertical and of horizontal neighbours, and its gradient.

    Parameters
    ----------
    valid : Tensor of bool, shape (B, H, W)
        Pairs with an invalid pixel do not count.
    n_labels : int
        q, the number of responses.
    weight : float
        The term is multiplied by it.
    dtype : torch.dtype
        Of the gradient.

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, equation 3.
    """

    def __init__(self, valid: Tensor, n_labels: int, weight: float, dtype: torch.dtype) -> None:
        self.slopes = torch.zeros((*valid.shape, n_labels), dtype=dtype, device=valid.device)
        self._valid = None if bool(valid.all()) else valid
        pairs = (valid[:, 1:] & valid[:, :-1], valid[:, :, 1:] & valid[:, :, :-1])
        self._vertical, self._horizontal = (
            weight / max(1, int(pair.sum()) * n_labels) for pair in pairs
        )

    def sum(self) -> RoughnessSum:
        """Return the sum over a run of strips, none added yet."""
        return RoughnessSum(self)

    def within(self, responses: Tensor, strip: Strip) -> Tensor:
        """Set the slopes of a strip from its own pairs; return their cost."""
        slopes = torch.zeros_like(responses)
        cost = self._along(0, responses, slopes, self._vertical, self._pairs(strip, 0))
        cost = cost + self._along(1, responses, slopes, self._horizontal, self._pairs(strip, 1))
        self.slopes[strip.index] = slopes
        return cost

    def across(self, above: Tensor, below: Tensor, strip: Strip) -> Tensor:
        """Add the slopes of the pairs between a strip and the row above it; return their cost.

        ``above`` and ``below`` are the responses of the two rows, (W, q).
        """
        image, row = strip.image, strip.start
        valid = self._valid
        pairs = None if valid is None else valid[image, row - 1] & valid[image, row]
        cost, slope = _charge(below - above, self._vertical, pairs)
        self.slopes[image, row] += slope
        self.slopes[image, row - 1] -= slope
        return cost

    def _pairs(self, strip: Strip, axis: int) -> Tensor | None:
        if self._valid is None:
            return None
        valid = self._valid[strip.index]
        n_pairs = valid.shape[axis] - 1
        return valid.narrow(axis, 1, n_pairs) & valid.narrow(axis, 0, n_pairs)

    def _along(
        self, axis: int, responses: Tensor, slopes: Tensor, weight: float, pairs: Tensor | None
    ) -> Tensor:
        n_pairs = responses.shape[axis] - 1
        far, near = responses.narrow(axis, 1, n_pairs), responses.narrow(axis, 0, n_pairs)
        cost, slope = _charge(far - near, weight, pairs)
        slopes.narrow(axis, 1, n_pairs).add_(slope)
        slopes.narrow(axis, 0, n_pairs).sub_(slope)
        return cost


class RoughnessSum:
    """The term over a run of strips, which come in order, top to bottom.

    Parameters
    ----------
    roughness : Roughness
        Whose ``slopes`` are set.
    """

    def __init__(self, roughness: Roughness) -> None:
        self._roughness = roughness
        self.loss = torch.zeros((), dtype=torch.float32, device=roughness.slopes.device)
        #: The strips so far: the first, its first row, and the last row of the last.
        self._seen: tuple[Strip, Tensor, Tensor] | None = None

    def add(self, responses: Tensor, strip: Strip) -> None:
        """Add the strip's responses, float32 (rows, W, q), which may be overwritten afterwards."""
        self.loss += self._roughness.within(responses, strip)
        last = responses[-1].clone()
        if self._seen is None:
            self._seen = strip, responses[0].clone(), last
            return
        first_strip, first, above = self._seen
        self._join(above, responses[0], strip)
        self._seen = first_strip, first, last

    def merge(self, other: RoughnessSum) -> None:
        """Add the strips below."""
        self.loss += other.loss
        if self._seen is None or other._seen is None:
            self._seen = self._seen or other._seen
            return
        strip, below, last = other._seen
        self._join(self._seen[2], below, strip)
        self._seen = *self._seen[:2], last

    def _join(self, above: Tensor, below: Tensor, strip: Strip) -> None:
        """Add the pairs above a strip, unless it is its image's first."""
        if strip.start:
            self.loss += self._roughness.across(above, below, strip)


def _charge(difference: Tensor, weight: float, pairs: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the differences' cost and its slope on the farther pixel."""
    if pairs is not None:
        difference *= pairs[..., None]
    cost = weight * torch.linalg.vector_norm(difference, ord=1)
    return cost, difference.sign_().mul_(weight)
