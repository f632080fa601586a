"""Training on a raster that is too large to be read whole: windows spread over all of it."""

from __future__ import annotations

from collections.abc import Generator
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.errors import InputError
from nuriwake.raster import Raster, Window, WindowedSource
from nuriwake.scale.memory import MAX_WINDOWS, WINDOW_SIDE, WindowPlan
from nuriwake.segmenter import fit_steps
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step


def sample_windows(
    shape: tuple[int, int], n_windows: int, side: int, seed: int, *, is_divided: bool = False
) -> list[Window]:
    """Choose windows that are spread over a raster: one at a random place of each grid cell.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the raster.
    n_windows : int
        How many at least; a raster that is no larger than they are together gives one window, all
        of it, unless it shall be divided.
    side : int
        Height and width of a window, where the raster is as large.
    seed : int
    is_divided : bool
        Take windows of any raster that is larger than one.

    Returns
    -------
    list of Window
        That do not overlap.

    Examples
    --------
    >>> sample_windows((100, 80), n_windows=4, side=64, seed=0)
    [Window(row=0, col=0, height=100, width=80)]
    """
    height, width = shape
    if height * width <= n_windows * side**2 and not is_divided:
        return [Window.full(shape)]
    n_down = min(ceil(sqrt(n_windows * height / width)), max(1, height // side))
    n_across = min(ceil(n_windows / n_down), max(1, width // side))
    rng = np.random.default_rng(seed)
    windows = []
    for i in range(n_down):
        for j in range(n_across):
            top, bottom = height * i // n_down, height * (i + 1) // n_down
            left, right = width * j // n_across, width * (j + 1) // n_across
            rows, cols = min(side, bottom - top), min(side, right - left)
            row = int(rng.integers(top, bottom - rows, endpoint=True))
            col = int(rng.integers(left, right - cols, endpoint=True))
            windows.append(Window(row, col, rows, cols))
    return windows


def read_samples(
    source: WindowedSource,
    seed: int,
    n_windows: int = MAX_WINDOWS,
    side: int = WINDOW_SIDE,
    *,
    is_divided: bool = False,
) -> list[Raster]:
    """Read sampled windows that hold data, mostly data if there are such.

    Parameters
    ----------
    source : WindowedSource
    seed : int
    n_windows, side : int
    is_divided : bool
        As in :func:`sample_windows`.

    Returns
    -------
    list of Raster
        At least one.

    Raises
    ------
    InputError
        If no window holds data.
    """
    windows = sample_windows(source.shape, n_windows, side, seed, is_divided=is_divided)
    samples = [sample for window in windows if (sample := source.read(window)).valid.any()]
    if not samples:
        name = getattr(source, "path", None) or "the raster"
        raise InputError(f"{name}: no valid pixel in {len(windows)} windows spread over it.")
    full = [sample for sample in samples if sample.valid.mean() >= 0.5]
    return full or samples


def fit_source_steps(
    source: WindowedSource, settings: Settings, plan: WindowPlan | None = None
) -> Generator[Step, bool | None, Model]:
    """Train a model on windows sampled from a raster of any size, step by step.

    The band statistics are those of the same windows together: one scale for the whole raster,
    never one for each tile.

    Parameters
    ----------
    source : WindowedSource
    settings : Settings
        Its seed also places the windows.
    plan : WindowPlan, optional
        How many windows and how large crops fit the memory. Default: as many and as large as is
        useful.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Model
        As the generator's return value.

    Raises
    ------
    InputError
        If no sampled window holds data.
    """
    if plan is None:
        return (yield from fit_steps(read_samples(source, settings.seed), settings))
    samples = read_samples(source, settings.seed, plan.n_windows, is_divided=True)
    cropped = settings.model_copy(update={"crop_size": plan.crop_size})
    return (yield from fit_steps(samples, cropped))
