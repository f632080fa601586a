"""The picture of a file's page, as the page shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nuriwake.errors import InputError
from nuriwake.faces.web.work import Origin
from nuriwake.io.stack import is_stack, open_stack
from nuriwake.raster import Raster


def read_page(path: Path, page: int, read: Callable[[Path], Raster]) -> tuple[Raster, Origin]:
    """Read a page of a stack, or a file that is none.

    Parameters
    ----------
    path : pathlib.Path
    page : int
        From 0; not used where the file is no stack.
    read : callable
        Reads a file that is no stack.

    Returns
    -------
    raster : Raster
    origin : Origin

    Raises
    ------
    InputError
        If the file cannot be read, or the page has no valid pixel.
    UsageError
        If there is no such page.
    """
    if not is_stack(path):
        return read(path), Origin()
    stack = open_stack(path)
    sizes = [stack.stored.size(axis) for axis in stack.page_axes]
    raster = stack.page(page)
    if not raster.valid.any():
        raise InputError(f"{path}: page {page + 1} has no valid pixel.")
    places = zip(stack.page_axes.lower(), np.unravel_index(page, sizes), strict=True)
    plane = ",".join(f"{axis}={at}" for axis, at in places)
    return raster, Origin(len(stack), page, plane)
