"""Polygons of a region map that fit together without gaps, tile by tile.

Corners of pixels are vertices first, so that neighbours share them; the simplification of the
coverage then drops those that nobody needs. Along seams all corners stay, so that the two sides
fit; what goes on in the next tile is kept back and joined when its last tile is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.ground import pixel_areas
from nuriwake.raster import Georeference, LabelMap, Window

if TYPE_CHECKING:
    from shapely import Geometry

Floats = NDArray[np.float64]
_SQUARE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


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
    """

    window: Window
    regions: LabelMap
    labels: LabelMap
    bands: NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Moments:
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

    def row(self, index: int) -> Moments:
        """Return the moments of one region."""
        part = slice(index, index + 1)
        return Moments(self.pixels[part], self.area[part], self.mean[part], self.squares[part])

    def plus(self, other: Moments) -> Moments:
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
        return Moments(pixels, self.area + other.area, self.mean + delta * share, squares)


@dataclass(frozen=True, eq=False)
class Features:
    """Finished polygons and their attributes; row i is one region.

    Parameters
    ----------
    regions, labels : ndarray of int32, shape (n,)
    polygons : ndarray of shapely MultiPolygon, shape (n,)
        In columns and rows of the raster.
    moments : Moments
    """

    regions: NDArray[np.int32]
    labels: NDArray[np.int32]
    polygons: NDArray[np.object_]
    moments: Moments


@dataclass(eq=False)
class _OpenRegion:
    """A region that may go on in a tile to come."""

    label: int
    pieces: list[Geometry]
    moments: Moments


@dataclass(eq=False)
class _Open:
    """The regions that are kept back, and those that reach the next row of tiles."""

    regions: dict[int, _OpenRegion] = field(default_factory=dict)
    reaching_down: set[int] = field(default_factory=set)
    row: int = 0


def region_features(
    tiles: Iterable[MapTile],
    shape: tuple[int, int],
    georeference: Georeference | None = None,
    tolerance: float = 0.0,
) -> Iterator[Features]:
    """Turn a region map into polygons.

    Parameters
    ----------
    tiles : iterable of MapTile
        Row by row, each row from left to right.
    shape : tuple of int
        Height and width of the whole map.
    georeference : Georeference, optional
        For the areas.
    tolerance : float
        How much the borders may be simplified, in pixels: the square root of the area of the
        triangles that may be dropped. 0 keeps the pixels' edges. Seams and the outer border stay.

    Yields
    ------
    Features
        Each region once, when its last tile is done.
    """
    waiting = _Open()
    for tile in tiles:
        if tile.window.row != waiting.row:
            yield from _finish(waiting, keep=waiting.reaching_down)
            waiting.row, waiting.reaching_down = tile.window.row, set()
        yield from _tile_features(tile, shape, georeference, tolerance, waiting)
    yield from _finish(waiting, keep=set())


def _tile_features(
    tile: MapTile,
    shape: tuple[int, int],
    georeference: Georeference | None,
    tolerance: float,
    waiting: _Open,
) -> Iterator[Features]:
    """Yield the regions that lie inside one tile; keep back those that touch a seam."""
    ids, index = np.unique(tile.regions, return_inverse=True)
    index = index.reshape(tile.regions.shape)
    moments = _moments(tile, index, len(ids), georeference)
    labels = np.zeros(len(ids), np.int32)
    labels[index.ravel()] = tile.labels.ravel()
    polygons = _tile_polygons(tile, index, len(ids), shape, tolerance)
    open_ids, down = _ids_on_seams(tile, shape)
    waiting.reaching_down |= down
    is_open = np.isin(ids, list(open_ids))
    for i in np.flatnonzero(is_open):
        piece = _OpenRegion(int(labels[i]), [polygons[i]], moments.row(int(i)))
        before = waiting.regions.get(int(ids[i]))
        if before is not None:
            piece.pieces += before.pieces
            piece.moments = before.moments.plus(piece.moments)
        waiting.regions[int(ids[i])] = piece
    done = np.flatnonzero(~is_open & (ids > 0))
    if len(done):
        part = Moments(
            moments.pixels[done], moments.area[done], moments.mean[done], moments.squares[done]
        )
        yield Features(ids[done].astype(np.int32), labels[done], polygons[done], part)


def _finish(waiting: _Open, keep: set[int]) -> Iterator[Features]:
    """Join the pieces of regions that no later tile can add to."""
    import shapely

    done = sorted(waiting.regions.keys() - keep)
    if not done:
        return
    parts = [waiting.regions.pop(region) for region in done]
    unions = [shapely.coverage_union_all(part.pieces) for part in parts]
    polygons = np.array([_as_multi(union) for union in unions], dtype=object)
    moments = Moments(
        *(
            np.concatenate([getattr(part.moments, name) for part in parts])
            for name in ("pixels", "area", "mean", "squares")
        )
    )
    labels = np.array([part.label for part in parts], np.int32)
    yield Features(np.array(done, np.int32), labels, polygons, moments)


def _as_multi(geometry: Geometry) -> Geometry:
    import shapely

    return shapely.MultiPolygon(list(shapely.get_parts(geometry)))


def _ids_on_seams(tile: MapTile, shape: tuple[int, int]) -> tuple[set[int], set[int]]:
    """Return the regions on any inner face of a tile, and those on its lower face."""
    window, regions = tile.window, tile.regions
    faces = []
    if window.row > 0:
        faces.append(regions[0])
    if window.col > 0:
        faces.append(regions[:, 0])
    if window.end_col < shape[1]:
        faces.append(regions[:, -1])
    down = {0}
    if window.end_row < shape[0]:
        down |= set(np.unique(regions[-1]).tolist())
    touching = down.union(*(np.unique(face).tolist() for face in faces))
    return touching - {0}, down - {0}


def _moments(
    tile: MapTile, index: NDArray[np.intp], n: int, georeference: Georeference | None
) -> Moments:
    flat = index.ravel()
    pixels = np.bincount(flat, minlength=n)
    rows = pixel_areas(georeference, tile.window.row, tile.window.height) if georeference else None
    if rows is None:
        area = np.full(n, np.nan)
    else:
        area = np.bincount(flat, np.repeat(rows, tile.window.width), minlength=n)
    values = tile.bands.reshape(len(flat), -1).astype(np.float64)
    # Pixels without data may hold NaN, which no region but "no data" may see.
    values[tile.regions.ravel() == 0] = 0.0
    mean = np.empty((n, values.shape[1]))
    squares = np.empty_like(mean)
    for band, column in enumerate(values.T):
        mean[:, band] = np.bincount(flat, column, minlength=n) / pixels
        squares[:, band] = np.bincount(flat, (column - mean[flat, band]) ** 2, minlength=n)
    return Moments(pixels, area, mean, squares)


def _tile_polygons(
    tile: MapTile, index: NDArray[np.intp], n: int, shape: tuple[int, int], tolerance: float
) -> NDArray[np.object_]:
    """Return the polygon of each id in one tile, in columns and rows of the whole raster."""
    import shapely
    from rasterio import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape as to_polygon

    offset = Affine(1, 0, tile.window.col, 0, 1, tile.window.row)
    pieces: list[list[Geometry]] = [[] for _ in range(n)]
    found = shapes(index.astype(np.int32), mask=tile.regions > 0, connectivity=4, transform=offset)
    for outline, number in found:
        pieces[int(number)].append(to_polygon(outline))
    polygons = np.array([shapely.MultiPolygon(parts) for parts in pieces], dtype=object)
    if not (tile.regions > 0).any():
        return polygons
    cornered = shapely.segmentize(polygons, 1.0)
    is_whole = tile.window == Window.full(shape)
    simple = shapely.coverage_simplify(
        cornered, tolerance, simplify_boundary=is_whole and tolerance == 0
    )
    return np.array([_as_multi(polygon) for polygon in simple], dtype=object)
