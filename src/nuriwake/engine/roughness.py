"""The continuity term and its gradient, strip by strip."""

from __future__ import annotations

import torch
from torch import Tensor

from nuriwake.engine.padded import Strip


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
        self._row_above = torch.empty(0)
        self.reset()

    def reset(self) -> None:
        """Forget the strips added so far."""
        self.loss = torch.zeros((), dtype=torch.float32, device=self.slopes.device)

    def add(self, responses: Tensor, strip: Strip) -> None:
        """Add the strip's responses, float32 (rows, W, q). Strips come in order, top to bottom."""
        image, rows = strip.index
        slopes = torch.zeros_like(responses)
        self._along(0, responses, slopes, self._vertical, self._pairs(strip, 0))
        self._along(1, responses, slopes, self._horizontal, self._pairs(strip, 1))
        if strip.start:
            seam = responses[:1] - self._row_above
            pair = None
            if self._valid is not None:
                pair = self._valid[image, strip.start - 1] & self._valid[image, strip.start]
            slope = self._charge(seam, self._vertical, pair)
            slopes[:1] += slope
            self.slopes[image, strip.start - 1] -= slope[0]
        self.slopes[image, rows] = slopes
        self._row_above = responses[-1:].clone()

    def _pairs(self, strip: Strip, axis: int) -> Tensor | None:
        if self._valid is None:
            return None
        valid = self._valid[strip.index]
        n_pairs = valid.shape[axis] - 1
        return valid.narrow(axis, 1, n_pairs) & valid.narrow(axis, 0, n_pairs)

    def _along(
        self, axis: int, responses: Tensor, slopes: Tensor, weight: float, pairs: Tensor | None
    ) -> None:
        n_pairs = responses.shape[axis] - 1
        far, near = responses.narrow(axis, 1, n_pairs), responses.narrow(axis, 0, n_pairs)
        slope = self._charge(far - near, weight, pairs)
        slopes.narrow(axis, 1, n_pairs).add_(slope)
        slopes.narrow(axis, 0, n_pairs).sub_(slope)

    def _charge(self, difference: Tensor, weight: float, pairs: Tensor | None) -> Tensor:
        """Add the differences' cost to the loss; return the slope on the farther pixel."""
        if pairs is not None:
            difference *= pairs[..., None]
        self.loss += weight * torch.linalg.vector_norm(difference, ord=1)
        return difference.sign_().mul_(weight)
