"""Synthetic volumes whose true regions are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap
from nuriwake.regions.graph import region_graph

#: Brightness of the background, and the range of the cells' own.
_BACKGROUND, _DIM, _BRIGHT = 0.1, 0.5, 1.0
#: Blur, in voxels.
_BLUR = 0.7


@dataclass(frozen=True, eq=False)
class Phantom:
    """A volume and the truth.

    Parameters
    ----------
    array : ndarray of float32, shape (depth, height, width)
        Brightness, about in [0, 1].
    truth : ndarray of int32, same shape
        1 = background; 2, 3, ... = cells.
    spacing : tuple of float
        How far voxels are apart: in depth, along rows and columns.
    """

    array: NDArray[np.float32]
    truth: LabelMap
    spacing: tuple[float, float, float]


def touching_cells(
    n_cells: int = 100,
    shape: tuple[int, int, int] = (56, 190, 190),
    spacing: tuple[float, float, float] = (3.0, 1.0, 1.0),
    radius: float = 24.0,
    noise: float = 0.1,
    seed: int = 0,
) -> Phantom:
    """Fill a volume with touching ellipsoids, neighbours unlike in brightness; blur, noise.

    Parameters
    ----------
    n_cells : int
    shape : tuple of int
        Slices, rows and columns.
    spacing : tuple of float
        How far voxels are apart.
    radius : float
        Mean half-axis, in the unit of the spacing. Where ellipsoids overlap, the nearer one has
        the voxel.
    noise : float
        Standard deviation of the noise; cells are 0.4 to 0.9 brighter than the background.
    seed : int

    Returns
    -------
    Phantom

    Examples
    --------
    >>> phantom = touching_cells(4, (8, 32, 32), radius=9.0)
    >>> phantom.array.shape, np.unique(phantom.truth).tolist()
    ((8, 32, 32), [1, 2, 3, 4, 5])
    """
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    lines = (np.arange(n) * step for n, step in zip(shape, spacing, strict=True))
    places = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    nearest, truth = np.ones(shape), np.ones(shape, np.int32)
    for number, centre in enumerate(_spread(rng, n_cells, places[-1, -1, -1], radius), start=2):
        squares = (((places - centre) @ _axes(rng, radius)) ** 2).sum(axis=-1)
        inside = squares < nearest
        truth[inside], nearest[inside] = number, squares[inside]
    brightness = _unlike(rng, truth, n_cells)
    brightness[1] = _BACKGROUND
    noisy = gaussian_filter(brightness[truth], _BLUR) + rng.normal(0.0, noise, shape)
    return Phantom(noisy.astype(np.float32), truth, spacing)


def _spread(
    rng: np.random.Generator, n: int, extent: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Draw centres one by one, each the loneliest of some: cells touch, and none is lost."""
    margin = np.minimum(0.6 * radius, extent / 2)
    centres = rng.uniform(margin, extent - margin, (1, 3))
    while len(centres) < n:
        tried = rng.uniform(margin, extent - margin, (30, 3))
        distance = np.linalg.norm(tried[:, np.newaxis] - centres, axis=-1).min(axis=1)
        centres = np.vstack([centres, tried[distance.argmax()]])
    return centres


def _axes(rng: np.random.Generator, radius: float) -> NDArray[np.float64]:
    """Turn an ellipsoid at random; its points x hold |x @ axes| <= 1."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes: NDArray[np.float64] = turn / (radius * rng.uniform(0.75, 1.25, 3))
    return axes


def _unlike(rng: np.random.Generator, truth: LabelMap, n: int) -> NDArray[np.float64]:
    """Draw the brightness of each cell: of ten tries, the least like its neighbours'."""
    graph = region_graph(truth)
    brightness = np.zeros(n + 2)
    for cell in range(1, n + 1):
        one, other = graph.pairs[(graph.pairs == cell).any(axis=1)].T
        beside = brightness[np.where(one == cell, other, one) + 1]
        tried = rng.uniform(_DIM, _BRIGHT, 10)
        distance = np.abs(tried[:, np.newaxis] - beside).min(axis=1, initial=np.inf)
        brightness[cell + 1] = tried[distance.argmax()]
    return brightness
