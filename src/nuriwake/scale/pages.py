"""Stacks of pages: one model for all of them, so that a label means the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.label_stack import write_label_stack
from nuriwake.io.stack import StackSource
from nuriwake.raster import LabelMap, Raster
from nuriwake.regions.tree import Detail, LabelTree
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
    """Read pages spread evenly over a stack, one after the other; blank ones are left out.

    Raises
    ------
    InputError
        If all of them are blank.
    """
    return _pages(stack, _spread(len(stack), N_PAGES))


def _pages(stack: StackSource, indices: Sequence[int]) -> Iterator[Raster]:
    is_blank = True
    for index in indices:
        page = stack.page(index)
        if page.valid.any():
            is_blank = False
            yield page
    if is_blank:
        raise InputError(
            f"{stack.path}: no valid pixel in {len(indices)} pages spread over the stack."
        )


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
    from nuriwake.learn.normalise import normalise, pooled_statistics
    from nuriwake.model import Model
    from nuriwake.recipes.views import learn_views, view_of

    most = max(1, _N_VALUES // len(indices))
    values = [_some_pixels(page, most) for page in _pages(stack, indices)]
    statistics = pooled_statistics([(v, np.ones(v.shape[:2], bool)) for v in values])
    pages = _pages(stack, indices)
    units = ((normalise(p.array, p.valid, statistics), p.valid) for p in pages)
    views = [view_of(unit, valid, settings) for unit, valid in units]
    weights = yield from learn_views(views, settings)
    return Model(weights, statistics, settings, stack.band_names)


def _some_pixels(page: Raster, most: int) -> NDArray[np.generic]:
    """Take so many valid pixels at most, evenly over a page; shape (n, 1, bands)."""
    pixels = page.array[page.valid]
    return pixels[:: -(-len(pixels) // most), np.newaxis]


def label_stack(
    model: Model,
    stack: StackSource,
    output: Path,
    on_progress: Callable[[int, int], None] | None = None,
    n_labels: int | None = None,
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
    n_labels : int, optional
        Merge the labels to so many materials, the same on every page.

    Returns
    -------
    int
        How many labels are in use.

    Raises
    ------
    InputError
        If a page cannot be used.
    UsageError
        If there are no so many labels.
    OutputError
        If the file cannot be written.
    """
    from nuriwake.engine.compute import cpu_threads

    with cpu_threads(model.settings.threads):
        table = None if n_labels is None else material_table(model, stack, n_labels)
        used = np.zeros(model.n_labels + 1, bool)

        def label(page: Raster) -> LabelMap:
            labels = label_tile(model, page)
            shown = labels if table is None else table[labels]
            used[np.unique(shown)] = True
            return shown

        pages = _each(label, stack, on_progress)
        write_label_stack(output, pages, model.n_labels, stack.grid)
    return int(used[1:].sum())


def cut_stack(
    model: Model,
    stack: StackSource,
    output: Path,
    n_regions: int | None = None,
    detail: Detail | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Grow a tree on every page of a stack with one model, and write the regions of all pages.

    The numbers of the regions begin anew on every page.

    Parameters
    ----------
    model : Model
        Of the recipe ``fast``.
    stack : StackSource
    output : pathlib.Path
        As of :func:`label_stack`.
    n_regions : int, optional
        So many on every page that has data; default: the automatic cut of each.
    detail : {"fine", "medium", "coarse"}, optional
        How fine, in place of a number.
    on_progress : callable, optional
        Called with the number of pages done and of all pages.

    Returns
    -------
    int
        How many regions all pages have together.

    Raises
    ------
    InputError
        If a page cannot be used.
    UsageError
        If a page has no so many regions.
    OutputError
        If the file cannot be written.
    """
    from nuriwake.learn.normalise import normalise
    from nuriwake.learn.overview import unit_overview
    from nuriwake.recipes.fast import fast_found

    counts: list[int] = []

    def cut(page: Raster) -> LabelMap:
        if not page.valid.any():
            counts.append(0)
            return np.zeros(page.shape, np.int32)
        unit = normalise(page.array, page.valid, model.statistics)
        seen = unit_overview(page.array, page.valid, model.statistics)
        tree = fast_found(model.weights, unit, page.valid, model.settings, seen).tree
        try:
            regions = tree.cut(n_regions, detail=detail)
        except UsageError as error:
            raise UsageError(f"page {len(counts) + 1} of {stack.path}: {error}") from error
        counts.append(int(regions.max()))
        return regions

    most = n_regions or stack.shape[0] * stack.shape[1]
    write_label_stack(output, _each(cut, stack, on_progress), most, stack.grid)
    return sum(counts)


def _each(
    work: Callable[[Raster], LabelMap],
    stack: StackSource,
    on_progress: Callable[[int, int], None] | None,
) -> Iterator[LabelMap]:
    for index, page in enumerate(stack):
        yield work(page)
        if on_progress is not None:
            on_progress(index + 1, len(stack))


def material_table(model: Model, stack: StackSource, n_labels: int) -> NDArray[np.int32]:
    """Merge the labels of a model to so many materials, by their mean mixtures on all pages.

    Parameters
    ----------
    model : Model
        Of the recipe ``fast``.
    stack : StackSource
    n_labels : int

    Returns
    -------
    ndarray of int32, shape (q + 1,)
        The material of each label from 1; 0 stays 0.

    Raises
    ------
    InputError
        If a page cannot be used.
    UsageError
        If fewer labels are in use.
    """
    from nuriwake.learn.normalise import normalise
    from nuriwake.learn.overview import unit_overview
    from nuriwake.recipes.fast import fast_leaves
    from nuriwake.regions.labels import agglomerate

    sizes, sums = np.zeros(model.n_labels), np.zeros((model.n_labels, model.n_labels))
    for page in stack:
        if page.valid.any():
            unit = normalise(page.array, page.valid, model.statistics)
            seen = unit_overview(page.array, page.valid, model.statistics)
            graph, textons = fast_leaves(model.weights, unit, page.valid, model.settings, seen)
            labels = textons.argmax(axis=1)
            np.add.at(sizes, labels, graph.areas)
            np.add.at(sums, labels, graph.areas[:, np.newaxis] * np.sqrt(textons))
    used = np.flatnonzero(sizes)
    if not 1 <= n_labels <= used.size:
        raise UsageError(out_of_range("labels", f"an int in [1, {used.size}]", n_labels))
    weights = sizes[used] / sizes.sum()
    merges = agglomerate(sums[used] / sizes[used, np.newaxis], weights)
    row = np.arange(1, used.size + 1, dtype=np.int32)[np.newaxis]
    table = np.zeros(model.n_labels + 1, np.int32)
    table[used + 1] = LabelTree(row, *merges).cut(n_labels)[0]
    return table
