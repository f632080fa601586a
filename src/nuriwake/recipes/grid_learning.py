"""Training on the coarse grid of the recipe ``fast``: without PyTorch wherever that is possible."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from nuriwake.engine.grid import GridEngine
from nuriwake.engine.grid_loops import vote
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.guidance import number_labels
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.weights import Weights, draw_weights
from nuriwake.machine import count_cores
from nuriwake.raster import BoolMap
from nuriwake.recipes.training import Step, train
from nuriwake.settings import Settings

#: Larger grids, in cells x channels, go to PyTorch: its engine keeps fewer maps.
_MAX_NUMBERS = 1 << 22


def needs_torch(settings: Settings, n_cells: int) -> bool:
    """Whether PyTorch trains on a grid: on another device, in bfloat16, or because it is large.

    Parameters
    ----------
    settings : Settings
        ``auto`` is the CPU and float32 here: a grid so small is learned as fast on it as on others,
        and importing PyTorch takes longer than that.
    n_cells : int

    Examples
    --------
    >>> needs_torch(Settings(), 10_000), needs_torch(Settings(precision="bf16"), 10_000)
    (False, True)
    """
    is_small = n_cells * max(settings.n_channels, settings.max_labels) <= _MAX_NUMBERS
    is_plain = settings.device in ("auto", "cpu") and settings.precision in ("auto", "fp32")
    return not (is_small and is_plain)


def learn_grid(
    view: NDArray[np.float32], valid: BoolMap, settings: Settings, start: Weights | None = None
) -> Generator[Step, bool | None, Weights]:
    """Train a network on a grid by algorithm 1 of ICASSP 2018.

    Parameters
    ----------
    view : ndarray of float32, shape (h, w, channels)
    valid : ndarray of bool, shape (h, w)
    settings : Settings
    start : Weights, optional
        Trained further, instead of new ones.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Weights
        Their statistics frozen; label 0 is the largest cluster.
    """
    weights = start or draw_weights(
        view.shape[2], settings.n_channels, settings.max_labels, settings.n_layers, settings.seed
    )
    if needs_torch(settings, valid.size):
        return (yield from _learn_in_torch(view, valid, settings, weights))
    schedule = Schedule(
        settings.max_iter, settings.min_labels, settings.learning_rate, settings.momentum
    )
    threads = settings.threads or count_cores()
    engine = GridEngine(weights, view, valid, schedule, threads)
    judge = _Judge(view, valid, settings)
    for step in train(engine, judge, schedule, _show):
        if (yield step):
            break
    sizes = np.bincount(engine.label()[valid], minlength=weights.n_labels)
    return engine.frozen().permuted(number_labels(sizes, None))


def _learn_in_torch(
    view: NDArray[np.float32], valid: BoolMap, settings: Settings, weights: Weights
) -> Generator[Step, bool | None, Weights]:
    from nuriwake.engine.compute import steps_in_threads
    from nuriwake.learn.network import network_of, weights_of
    from nuriwake.recipes.published import learn

    steps = learn(view, valid, settings, network=network_of(weights))
    learned = yield from steps_in_threads(steps, settings.threads)
    return weights_of(learned.network)


class _Judge:
    """Counts the labels in use, and lets the superpixels vote for the targets."""

    def __init__(self, view: NDArray[np.float32], valid: BoolMap, settings: Settings) -> None:
        ids = slic_superpixels(view, settings.n_superpixels, settings.compactness, valid)
        self._ids, self._valid = ids.reshape(-1), valid
        self._table = np.zeros((int(ids.max()) + 1, settings.max_labels), np.int32)

    def __call__(self, labels: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
        """Return the number of labels and the targets."""
        targets = np.empty_like(labels)
        vote(labels.reshape(-1), self._ids, self._table, targets.reshape(-1))
        return int(np.count_nonzero(np.bincount(labels[self._valid]))), targets


def _show(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    return labels[np.newaxis]
