"""Stacks of pages: one model for all of them, so that a label means the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.label_stack import write_label_stack
from nuriwake.io.stack import StackSource
from nuriwake.raster import LabelMap, Raster
from nuriwake.scale.labelling import label_tile
from nuriwake.segmenter import fit_steps
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step

#: Pages that a network learns from where it sees every pixel, spread evenly over the stack.
N_PAGES = 8
#: Pages that the recipe ``fast`` learns from: of each it sees a coarse view only.
N_VIEWS = 64
#: Values that decide the range of the bands, over all pages.
_N_VALUES = 1 << 22


def fit_stack_steps(stack: StackSource, settings: Settings) -> Generator[Step, bool | None, Model]:
    """Train one model on pages spread over a stack, step by step.

    Parameters
    ----------
    stack : StackSource
    settings : Settings

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
        If a page cannot be used.
    """
    if not settings.method.is_local and len(stack) > 1:
        return (yield from _fit_views(stack, _spread(len(stack), N_VIEWS), settings))
    return (yield from fit_steps(list(pages_to_learn_from(stack)), settings))


def pages_to_learn_from(stack: StackSource) -> Iterator[Raster]:
    """Read pages spread evenly over a stack, one after the other."""
    return (stack.page(index) for index in _spread(len(stack), N_PAGES))


def _spread(n_pages: int, n_wanted: int) -> list[int]:
    """Choose so many pages at most, evenly from the first to the last.

    Examples
    --------
    >>> _spread(5, 8), _spread(100, 4)
    ([0, 1, 2, 3, 4], [0, 33, 66, 99])
    """
    chosen = np.linspace(0, n_pages - 1, min(n_wanted, n_pages)).round().astype(int)
    return [int(index) for index in chosen]


def _fit_views(
    stack: StackSource, indices: Sequence[int], settings: Settings
) -> Generator[Step, bool | None, Model]:
    """Read the pages one after the other, and keep their coarse views."""
    from nuriwake.engine.compute import steps_in_threads
    from nuriwake.learn.normalise import normalise, pooled_statistics
    from nuriwake.model import Model
    from nuriwake.recipes.views import learn_views, view_of

    most = max(1, _N_VALUES // len(indices))
    values = [_some_pixels(stack.page(index), most) for index in indices]
    statistics = pooled_statistics([(v, np.ones(v.shape[:2], bool)) for v in values])
    pages = (stack.page(index) for index in indices)
    units = ((normalise(p.array, p.valid, statistics), p.valid) for p in pages)
    views = [view_of(unit, valid, settings) for unit, valid in units]
    network = yield from steps_in_threads(learn_views(views, settings), settings.threads)
    return Model(network, statistics, settings, stack.band_names)


def _some_pixels(page: Raster, most: int) -> NDArray[np.generic]:
    """Take so many valid pixels at most, evenly over a page; shape (n, 1, bands)."""
    pixels = page.array[page.valid]
    return pixels[:: -(-len(pixels) // most), np.newaxis]


def label_stack(
    model: Model,
    stack: StackSource,
    output: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Label every page of a stack with one model, and write a stack of the same pages.

    Parameters
    ----------
    model : Model
    stack : StackSource
    output : pathlib.Path
        A TIFF, or a folder that ends in ``.zarr``; the axes of the pages are kept.
    on_progress : callable, optional
        Called with the number of pages done and of all pages.

    Returns
    -------
    int
        How many labels are in use.

    Raises
    ------
    InputError
        If a page cannot be used.
    OutputError
        If the file cannot be written.
    """
    from nuriwake.engine.compute import cpu_threads

    used = np.zeros(model.n_labels + 1, bool)

    def pages() -> Iterator[LabelMap]:
        for index, page in enumerate(stack):
            labels = label_tile(model, page)
            used[np.unique(labels)] = True
            yield labels
            if on_progress is not None:
                on_progress(index + 1, len(stack))

    with cpu_threads(model.settings.threads):
        write_label_stack(output, pages(), model.n_labels, stack.grid)
    return int(used[1:].sum())
