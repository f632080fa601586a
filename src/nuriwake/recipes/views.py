"""The recipe ``fast`` on several images: one network learns from pieces of all their views.

The pieces lie side by side in one patchwork, which is learned like the view of one image; between
them is a gap without data, so that nothing learns from the neighbourhood of two images.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.view import coarse_view, perceptual_colours
from nuriwake.learn.weights import Weights
from nuriwake.raster import BoolMap
from nuriwake.recipes.crops import Reference, place_crop
from nuriwake.recipes.many_bands import learn_view
from nuriwake.recipes.training import Step
from nuriwake.settings import Settings

#: Cells of a patchwork, in grids of one image: it takes so many times as long to learn.
N_GRIDS = 4


@dataclass(frozen=True, eq=False)
class View:
    """What the network of the recipe ``fast`` sees of an image, or a piece of it.

    Parameters
    ----------
    cells : ndarray of float32, shape (h, w, channels)
    valid : ndarray of bool, shape (h, w)
    """

    cells: NDArray[np.float32]
    valid: BoolMap


def view_of(image: NDArray[np.float32], valid: BoolMap, settings: Settings) -> View:
    """Make the view of a normalised image.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    settings : Settings

    Returns
    -------
    View
    """
    return View(*coarse_view(perceptual_colours(image), valid, settings.grid_cells))


def learn_images(
    references: Sequence[Reference], settings: Settings
) -> Generator[Step, bool | None, Weights]:
    """Train one network on several images; see :func:`learn_views`."""
    views = [view_of(one.image, one.valid, settings) for one in references]
    return (yield from learn_views(views, settings))


def learn_views(views: Sequence[View], settings: Settings) -> Generator[Step, bool | None, Weights]:
    """Train one network on the views of several images.

    Parameters
    ----------
    views : sequence of View
        At least one, all with the same number of channels.
    settings : Settings
        Of the recipe ``fast``; the number of superpixels is meant for the grid of one image.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Weights
        Their statistics are those of all pieces together, their labels are numbered by their size
        in them.
    """
    rng = np.random.default_rng(settings.seed)
    share = N_GRIDS * settings.grid_cells // len(views)
    pieces = [cut_piece(view, max(1, share), rng) for view in views]
    side = ceil(sqrt(settings.grid_cells / settings.n_superpixels))
    patchwork = lay_out(pieces, gap=max(settings.n_layers, side))
    n_grids = max(1.0, patchwork.valid.size / settings.grid_cells)
    n_superpixels = round(settings.n_superpixels * n_grids)
    scaled = settings.model_copy(update={"n_superpixels": n_superpixels})
    return (yield from learn_view(patchwork.cells, patchwork.valid, scaled))


def cut_piece(view: View, n_cells: int, rng: np.random.Generator) -> View:
    """Cut a piece of about so many cells, of the view's own proportions, at random.

    Examples
    --------
    >>> whole = View(np.zeros((20, 40, 3), np.float32), np.ones((20, 40), bool))
    >>> cut_piece(whole, 50, np.random.default_rng(0)).valid.shape
    (5, 10)
    """
    shrink = sqrt(n_cells / view.valid.size)
    if shrink >= 1.0:
        return view
    rows, cols = (max(1, round(side * shrink)) for side in view.valid.shape)
    row, col = place_crop(view.valid, (rows, cols), rng)
    part = slice(row, row + rows), slice(col, col + cols)
    return View(view.cells[part], view.valid[part])


def lay_out(pieces: Sequence[View], gap: int) -> View:
    """Lay pieces side by side in about a square, with cells that hold no data between them.

    Examples
    --------
    >>> piece = View(np.ones((1, 2, 1), np.float32), np.ones((1, 2), bool))
    >>> lay_out([piece] * 3, gap=1).cells[:, :, 0].astype(int)
    array([[1, 1, 0, 1, 1],
           [0, 0, 0, 0, 0],
           [1, 1, 0, 0, 0]])
    """
    n_across = ceil(sqrt(len(pieces)))
    n_down = ceil(len(pieces) / n_across)
    height, width = (max(piece.valid.shape[axis] for piece in pieces) + gap for axis in (0, 1))
    shape = n_down * height - gap, n_across * width - gap
    cells = np.zeros((*shape, pieces[0].cells.shape[2]), np.float32)
    valid = np.zeros(shape, bool)
    for number, piece in enumerate(pieces):
        row, col = number // n_across * height, number % n_across * width
        rows, cols = piece.valid.shape
        cells[row : row + rows, col : col + cols] = piece.cells
        valid[row : row + rows, col : col + cols] = piece.valid
    return View(cells, valid)
