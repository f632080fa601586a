"""Counts, areas, means and variances of the pixels of regions, which tiles add to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.ground import pixel_areas
from nuriwake.raster import Georeference, LabelMap, Window

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapTile:
    """A part of a region map.

    Parameters
    ----------
    window : Window
        Where in the whole map.
    regions, labels : ndarray of int32, shape (height, width)
        0 = no data.
    bands : ndarray of shape (height, width, n_bands)
        The image, for the bands' means and variances; n_bands may be 0.
    goes_on : ndarray of bool, shape (n_regions + 1,), optional
        Which regions occur in later tiles. It need not be told of regions that are connected.
    """

    window: Window
    regions: LabelMap
    labels: LabelMap
    bands: NDArray[np.generic]
    goes_on: NDArray[np.bool_] | None = None


def last_tiles(maps: Iterable[LabelMap], n_regions: int) -> NDArray[np.int32]:
    """Find the last tile of each region.

    Regions that no data keeps apart are of several pieces once they are merged.

    Parameters
    ----------
    maps : iterable of ndarray of int32
        The regions of each tile; 0 = no data.
    n_regions : int

    Returns
    -------
    ndarray of int32, shape (n_regions + 1,)
        Counted from 0; the first is of no data, and 0.

    Examples
    --------
    >>> last_tiles([np.array([[1, 2]]), np.array([[0, 1]])], 2).tolist()
    [0, 1, 0]
    """
    last = np.zeros(n_regions + 1, np.int32)
    for index, regions in enumerate(maps):
        last[regions] = index
    last[0] = 0
    return last


@dataclass(frozen=True, eq=False)
class BandMoments:
    """Counts, areas, means and squared deviations of the pixels of some regions.

    Parameters
    ----------
    pixels : ndarray of int64, shape (n,)
    area : ndarray of float64, shape (n,)
        Square metres; NaN where they are not known.
    mean, squares : ndarray of float64, shape (n, n_bands)
        Mean, and sum of the squared deviations from it.
    """

    pixels: NDArray[np.int64]
    area: Floats
    mean: Floats
    squares: Floats

    @property
    def variance(self) -> Floats:
        """Population variance of each band."""
        return self.squares / self.pixels[:, None]

    def rows(self, index: NDArray[np.intp] | list[int]) -> BandMoments:
        """Return the moments of some of the regions."""
        return BandMoments(
            self.pixels[index], self.area[index], self.mean[index], self.squares[index]
        )

    def plus(self, other: BandMoments) -> BandMoments:
        """Return the moments of both parts of the same regions together.

        References
        ----------
        Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
        variances", 1979.
        """
        pixels = self.pixels + other.pixels
        share = (other.pixels / pixels)[:, None]
        delta = other.mean - self.mean
        squares = self.squares + other.squares + delta**2 * self.pixels[:, None] * share
        return BandMoments(pixels, self.area + other.area, self.mean + delta * share, squares)


def together(parts: Sequence[BandMoments]) -> BandMoments:
    """Return the moments of different regions in one table."""
    return BandMoments(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.area for part in parts]),
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.squares for part in parts]),
    )


def tile_moments(
    tile: MapTile, index: NDArray[np.intp], n: int, georeference: Georeference | None
) -> BandMoments:
    """Measure the regions of one tile.

    Parameters
    ----------
    tile : MapTile
    index : ndarray of int, shape (height, width)
        The row of each pixel's region in the result.
    n : int
        Number of rows.
    georeference : Georeference or None
        For the areas.
    """
    flat = index.ravel()
    pixels = np.bincount(flat, minlength=n)
    rows = pixel_areas(georeference, tile.window.row, tile.window.height) if georeference else None
    if rows is None:
        area = np.full(n, np.nan)
    else:
        area = np.bincount(flat, np.repeat(rows, tile.window.width), minlength=n)
    n_bands = tile.bands.shape[2]
    mean, squares = np.empty((n, n_bands)), np.empty((n, n_bands))
    for band in range(n_bands):
        # Pixels without data may hold NaN, which no region but "no data" may see.
        values = np.where(tile.regions > 0, tile.bands[:, :, band], 0).ravel().astype(np.float64)
        mean[:, band] = np.bincount(flat, values, minlength=n) / pixels
        squares[:, band] = np.bincount(flat, (values - mean[flat, band]) ** 2, minlength=n)
    return BandMoments(pixels, area, mean, squares)
