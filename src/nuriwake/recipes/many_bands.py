"""Learning on the view of an image of many bands: on their principal components, in linear time."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.principal import MAX_VIEW_BANDS, principal_axes
from nuriwake.learn.view import N_TEXTURES
from nuriwake.learn.weights import Weights
from nuriwake.raster import BoolMap
from nuriwake.recipes.grid_learning import learn_grid
from nuriwake.recipes.training import Step
from nuriwake.settings import Settings


def learn_view(
    view: NDArray[np.float32], valid: BoolMap, settings: Settings, start: Weights | None = None
) -> Generator[Step, bool | None, Weights]:
    """Train a network on the coarse view of an image.

    Of more than 64 bands, the network sees the 64 principal components. They are linear in the
    bands: the first convolution takes them over, and the weights that are returned take all bands.

    Parameters
    ----------
    view : ndarray of float32, shape (h, w, bands + 3)
        From :func:`.view.coarse_view`.
    valid : ndarray of bool, shape (h, w)
    settings : Settings
    start : Weights, optional
        Trained further, on all bands, instead of new ones.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Weights
    """
    n_bands = view.shape[2] - N_TEXTURES
    if start is not None or n_bands <= MAX_VIEW_BANDS:
        return (yield from learn_grid(view, valid, settings, start))
    bands, texture = view[:, :, :n_bands], view[:, :, n_bands:]
    axes = principal_axes(bands[valid], MAX_VIEW_BANDS)
    narrow = np.concatenate([bands @ axes, texture], axis=2)
    return widened((yield from learn_grid(narrow, valid, settings)), axes)


def widened(weights: Weights, axes: NDArray[np.float32]) -> Weights:
    """Return weights for all bands that do what these do with their components.

    Parameters
    ----------
    weights : Weights
        Of k components and the textures.
    axes : ndarray of float32, shape (bands, k)
    """
    first, k = weights.arrays["convs.0.weight"], axes.shape[1]
    bands = np.einsum("okyx,bk->obyx", first[:, :k], axes)
    wide = np.concatenate([bands, first[:, k:]], axis=1)
    return replace(weights, arrays={**weights.arrays, "convs.0.weight": wide})
