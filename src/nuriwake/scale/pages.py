"""Stacks of pages: one model for all of them, so that a label means the same on every page."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.io.stack import StackSource, write_label_stack
from nuriwake.raster import LabelMap
from nuriwake.scale.labelling import label_tile
from nuriwake.segmenter import fit_steps
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step

#: Pages that a model learns from, spread evenly over the stack.
N_PAGES = 8


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
    n_pages = min(N_PAGES, len(stack))
    indices = np.linspace(0, len(stack) - 1, n_pages).round().astype(int)
    return (yield from fit_steps([stack.page(int(index)) for index in indices], settings))


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
        A TIFF.
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
    used = np.zeros(model.n_labels + 1, bool)

    def pages() -> Iterator[LabelMap]:
        for index, page in enumerate(stack):
            labels = label_tile(model, page)
            used[np.unique(labels)] = True
            yield labels
            if on_progress is not None:
                on_progress(index + 1, len(stack))

    write_label_stack(output, pages(), model.n_labels)
    return int(used[1:].sum())
