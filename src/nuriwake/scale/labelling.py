"""A trained model on one tile."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.raster import LabelMap, Raster, Window

if TYPE_CHECKING:
    from nuriwake.model import Model


def label_tile(model: Model, tile: Raster, core: Window | None = None) -> LabelMap:
    """Label what was read for a tile; unlike an image it may be without any valid pixel.

    Parameters
    ----------
    model : Model
    tile : Raster
    core : Window, optional
        The part whose labels are wanted, the rest being its halo. Default: all.

    Returns
    -------
    ndarray of int32, shape (height, width) of the core
        1..q; 0 where there is no data.
    """
    from nuriwake.learn.normalise import normalise
    from nuriwake.learn.overview import unit_overview
    from nuriwake.recipes.fast import fast_labels

    core = core or Window.full(tile.shape)
    if not tile.valid.any():
        return np.zeros((core.height, core.width), np.int32)
    unit = normalise(tile.array, tile.valid, model.statistics)
    if not model.is_local:
        seen = unit_overview(tile.array, tile.valid, model.statistics)
        return fast_labels(model.weights, unit, tile.valid, model.settings, seen)[0][core.slices]
    from nuriwake.engine.predict import Predictor

    predictor = Predictor(model.network, model.settings.precision)
    return predictor.labels(unit, tile.valid, core)


def model_digest(model: Model) -> str:
    """Return the SHA-256 of what decides a label: weights, statistics and arithmetic."""
    where = (model.settings.precision, model.weights.device)
    digest = hashlib.sha256(repr((model.statistics, where)).encode())
    for name, array in sorted(model.weights.arrays.items()):
        digest.update(name.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
