"""Polygons of a region map that fit together without gaps, tile by tile.

The borders are traced as arcs on the grid of pixel corners (:mod:`.arcs`), simplified once for both
sides (:mod:`.simplify`) and joined to rings (:mod:`.rings`) when the last tile of a region is done.
So the polygons are valid and share their borders exactly because of how they are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.arcs import Surroundings, trace_arcs
from nuriwake.io.moments import BandMoments, MapTile, tile_moments, together
from nuriwake.io.rings import Arc, Piece, arcs_of_regions, assemble
from nuriwake.io.simplify import simplify
from nuriwake.raster import Georeference, LabelMap

if TYPE_CHECKING:
    from shapely import Geometry


@dataclass(frozen=True)
class BorderLine:
    """How borders are drawn.

    Parameters
    ----------
    tolerance : float
        How much they may be simplified, in pixels: the square root of the area of the triangles
        that may be dropped. 0 keeps the pixels' edges. The border to no data stays in any case.
    span : int
        Straight pieces are at most so many pixels long (with a tolerance, about so many), so that a
        change of the projection bends nothing across a neighbour's corner. 0 for any length.
    """

    tolerance: float = 0.0
    span: int = 0


@dataclass(frozen=True, eq=False)
class Features:
    """Finished polygons and their attributes; row i is one region.

    Parameters
    ----------
    regions, labels : ndarray of int32, shape (n,)
    polygons : ndarray of shapely MultiPolygon, shape (n,)
        In columns and rows of the raster.
    moments : BandMoments
    """

    regions: NDArray[np.int32]
    labels: NDArray[np.int32]
    polygons: NDArray[np.object_]
    moments: BandMoments


@dataclass(eq=False)
class _OpenRegion:
    """A region that may go on in a tile to come, or whose border a tile to come answers for."""

    label: int
    arcs: list[Arc]
    moments: BandMoments


@dataclass(eq=False)
class _Waiting:
    """What is kept from the tiles that are done."""

    above: LabelMap  # the last row of the tiles above, with one pixel more on either side
    below: LabelMap  # the same of this row of tiles, as far as it is done
    beside: LabelMap  # the last column of the tile to the left
    regions: dict[int, _OpenRegion] = field(default_factory=dict)
    reaching_down: set[int] = field(default_factory=set)
    goes_on: NDArray[np.bool_] | None = None  # as the last tile told
    row: int = 0

    def begin_row(self, row: int) -> None:
        """Go on to the next row of tiles."""
        self.row, self.reaching_down = row, set()
        self.above, self.below = self.below, np.zeros_like(self.below)

    def unfinished(self) -> set[int]:
        """Return the regions that tiles of later rows add to."""
        if self.goes_on is None:
            return self.reaching_down
        return self.reaching_down | {region for region in self.regions if self.goes_on[region]}

    def surround(self, tile: MapTile, shape: tuple[int, int]) -> Surroundings:
        """Frame a tile with its neighbours above and to the left, and keep its own last lines."""
        window = tile.window
        framed = np.pad(tile.regions, 1)
        framed[0] = self.above[window.col : window.end_col + 2]
        if window.col > 0:
            framed[1:-1, 0] = self.beside
        self.below[window.col + 1 : window.end_col + 1] = tile.regions[-1]
        self.beside = tile.regions[:, -1].copy()
        return Surroundings(framed, window, shape)


def region_features(
    tiles: Iterable[MapTile],
    shape: tuple[int, int],
    georeference: Georeference | None = None,
    line: BorderLine | None = None,
) -> Iterator[Features]:
    """Turn a region map into polygons.

    With tolerance 0 they do not depend on the tiles.

    Parameters
    ----------
    tiles : iterable of MapTile
        Row by row, each row from left to right.
    shape : tuple of int
        Height and width of the whole map.
    georeference : Georeference, optional
        For the areas.
    line : BorderLine, optional
        How borders are drawn. Default: along the pixels' edges.

    Yields
    ------
    Features
        Each region once, when its last tile is done.
    """
    line = line or BorderLine()
    nothing = np.zeros(shape[1] + 2, np.int32)
    waiting = _Waiting(nothing, nothing.copy(), nothing[:0])
    for tile in tiles:
        if tile.window.row != waiting.row:
            yield from _finish(waiting, waiting.unfinished(), line)
            waiting.begin_row(tile.window.row)
        yield from _tile_features(tile, shape, georeference, line, waiting)
    yield from _finish(waiting, set(), line)


def _tile_features(
    tile: MapTile,
    shape: tuple[int, int],
    georeference: Georeference | None,
    line: BorderLine,
    waiting: _Waiting,
) -> Iterator[Features]:
    """Yield the regions that lie inside one tile; keep back those that touch a seam."""
    ids, index = np.unique(tile.regions, return_inverse=True)
    index = index.reshape(tile.regions.shape)
    moments = tile_moments(tile, index, len(ids), georeference)
    labels = np.zeros(len(ids), np.int32)
    labels[index.ravel()] = tile.labels.ravel()
    arcs = _tile_arcs(waiting.surround(tile, shape), line)
    open_ids, down = _ids_on_seams(tile, shape)
    waiting.reaching_down |= down
    is_open = np.isin(ids, [*open_ids, *waiting.regions])
    if tile.goes_on is not None:
        is_open |= tile.goes_on[ids]
    waiting.goes_on = tile.goes_on
    for i in np.flatnonzero(is_open):
        _keep_back(waiting, int(ids[i]), int(labels[i]), moments.rows([int(i)]))
    done = np.flatnonzero(~is_open & (ids > 0))
    own = [arcs.pop(int(region)) for region in ids[done]]
    for region, borders in arcs.items():
        waiting.regions[region].arcs += borders
    if len(done):
        polygons = _polygons(own, line)
        yield Features(ids[done].astype(np.int32), labels[done], polygons, moments.rows(done))


def _keep_back(waiting: _Waiting, region: int, label: int, moments: BandMoments) -> None:
    before = waiting.regions.get(region)
    if before is None:
        waiting.regions[region] = _OpenRegion(label, [], moments)
    else:
        before.moments = before.moments.plus(moments)


def _finish(waiting: _Waiting, keep: set[int], line: BorderLine) -> Iterator[Features]:
    """Close the regions that no later tile can add to."""
    done = sorted(waiting.regions.keys() - keep)
    if not done:
        return
    parts = [waiting.regions.pop(region) for region in done]
    polygons = _polygons([part.arcs for part in parts], line)
    labels = np.array([part.label for part in parts], np.int32)
    moments = together([part.moments for part in parts])
    yield Features(np.array(done, np.int32), labels, polygons, moments)


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


def _tile_arcs(around: Surroundings, line: BorderLine) -> dict[int, list[Arc]]:
    arcs = trace_arcs(around, line.span)
    if line.tolerance > 0:
        arcs = simplify(arcs, around, line.tolerance, line.span)
    return arcs_of_regions(arcs)


def _polygons(regions: Sequence[Sequence[Arc]], line: BorderLine) -> NDArray[np.object_]:
    """Join the arcs of each region to a MultiPolygon."""
    polygons = np.empty(len(regions), dtype=object)
    for i, arcs in enumerate(regions):
        polygons[i] = _multipolygon(assemble(arcs, line.span))
    return polygons


def _multipolygon(pieces: Sequence[Piece]) -> Geometry:
    import shapely

    shells = [piece.exterior[:, ::-1] for piece in pieces if piece.exterior is not None]
    holes = [[hole[:, ::-1] for hole in p.holes] for p in pieces if p.exterior is not None]
    apart = [hole[:, ::-1] for p in pieces if p.exterior is None for hole in p.holes]
    if apart and len(shells) == 1:
        holes[0] += apart
    elif apart:
        for hole, shell in zip(apart, _shells_around(apart, shells), strict=True):
            holes[shell].append(hole)
    return shapely.MultiPolygon(list(zip(shells, holes, strict=True)))


def _shells_around(
    holes: Sequence[NDArray[np.int32]], shells: Sequence[NDArray[np.int32]]
) -> list[int]:
    """Find for each hole the smallest of the shells that it lies in."""
    import shapely

    outer = shapely.polygons([shapely.linearrings(shell) for shell in shells])
    inner = shapely.polygons([shapely.linearrings(hole) for hole in holes])
    hole, shell = shapely.STRtree(outer).query(inner, predicate="covered_by")
    order = np.lexsort((shapely.area(outer)[shell], hole))
    _, first = np.unique(hole[order], return_index=True)
    return shell[order][first].tolist()  # type: ignore[no-any-return]
