"""One tree for a whole scene, whose leaves were made tile by tile.

What a tree decides at high altitudes depends on all of the scene, what it decides at low ones
hardly on anything beyond the tile. So tiles are cut low, joined over the halos, and the joined
regions are merged in one tree of the scene. Areas, means and borders add up over tiles, so that the
pixels are looked at tile by tile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap, Window, WindowedSource
from nuriwake.regions.graph import RegionGraph, region_graph, region_sums
from nuriwake.regions.merging import Evidence
from nuriwake.regions.tree import RegionTree
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.trees import SceneTextons

Floats = NDArray[np.float64]
#: Returns the leaves of a window: 1..n over the whole scene, 0 = no data.
ReadLeaves = Callable[[Window], LabelMap]
#: The share of the scene's altitude at which tiles are cut into leaves.
LEAF_SHARE = 0.03
#: Lab units that count as 1 beside a change of textons, as in the untiled recipe.
_COLOUR_UNIT = 10.0


@dataclass(frozen=True, eq=False)
class SceneTree:
    """The tree of a scene, over the leaves of all its tiles.

    Parameters
    ----------
    tree : RegionTree
        Its base is one row that holds the leaves 1..n: its cuts are tables from leaf to region.
    areas : ndarray of float64, shape (n,)
        Pixels of each leaf.
    labels : ndarray of int32, shape (n,)
        The learned label that is most probable in each leaf, from 1.
    """

    tree: RegionTree
    areas: Floats
    labels: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Sums:
    """What a tile adds: to regions by id (rows), and to borders by their pair of ids."""

    ids: NDArray[np.integer]
    areas: Floats
    colours: Floats
    textons: Floats
    pairs: NDArray[np.integer]
    lengths: Floats
    strengths: Floats


def grow_scene_tree(
    scene: SceneTextons,
    source: WindowedSource,
    plan: TilePlan,
    leaves: ReadLeaves,
    n_leaves: int,
    on_tile: Callable[[], None] = lambda: None,
) -> SceneTree:
    """Merge the leaves of all tiles into one tree.

    Parameters
    ----------
    scene : SceneTextons
    source : WindowedSource
    plan : TilePlan
    leaves : callable
        Returns the leaves of any window.
    n_leaves : int
    on_tile : callable
        Called after each tile.

    Returns
    -------
    SceneTree
    """
    from nuriwake.recipes.fast import grow_tree

    parts = []
    for tile in plan:
        parts.append(_tile_sums(scene, source, plan, tile, leaves))
        on_tile()
    graph, evidence = _add_up(parts, n_leaves)
    labels = evidence.textons.argmax(axis=1).astype(np.int32) + 1
    return SceneTree(grow_tree(graph, evidence, scene.settings), graph.areas, labels)


def _tile_sums(
    scene: SceneTextons, source: WindowedSource, plan: TilePlan, tile: Tile, leaves: ReadLeaves
) -> _Sums:
    core = tile.core
    # One line more than the core, below and to the right: the seams' borders are counted once.
    height, width = (min(side + 1, full) for side, full in zip(core.shape, plan.shape, strict=True))
    window = Window(core.row, core.col, height, width).intersect(Window.full(plan.shape))
    raster = source.read(tile.read)
    colours, edges = scene.look(raster)
    ids, compact = np.unique(leaves(window), return_inverse=True)
    first = 0 if ids[0] == 0 else 1
    base = (compact.reshape(window.shape) + first).astype(np.int32)
    ids = ids[ids > 0]
    own = base[: core.height, : core.width]
    counts = np.bincount(own.ravel(), minlength=len(ids) + 1)[1:].astype(np.float64)
    inner = colours[tile.core_in_read.slices].reshape(own.size, -1)
    sums = [np.bincount(own.ravel(), c, minlength=len(ids) + 1)[1:] for c in inner.T]
    pairs, lengths, strengths = _borders(scene, window, core, base, edges, tile)
    textons = _texton_sums(scene, core, own, len(ids))
    return _Sums(ids, counts, np.stack(sums, 1), textons, ids[pairs], lengths, strengths)


def _texton_sums(scene: SceneTextons, core: Window, own: LabelMap, n: int) -> Floats:
    """Sum the textons over the regions of a core, read where they lie in the scene's grid."""
    rows, cols = (
        np.clip((start + np.arange(size) + 0.5) * cells / full - 0.5, 0.0, cells - 1.0)
        for start, size, cells, full in zip(
            (core.row, core.col), core.shape, scene.textons.shape[:2], scene.shape, strict=True
        )
    )
    sums: Floats = region_sums(np.ascontiguousarray(own), n, scene.textons, rows, cols)
    return sums


def _borders(
    scene: SceneTextons,
    window: Window,
    core: Window,
    base: LabelMap,
    edges: NDArray[np.float32],
    tile: Tile,
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Sum length and strength of the borders whose upper or left pixel lies in the core."""
    from scipy.ndimage import map_coordinates

    from nuriwake.regions.evidence import texton_edges

    graph = region_graph(base)
    row, col, below = graph.sides.T
    mine = (row < core.height) & (col < core.width)
    row, col, below = row[mine], col[mine], below[mine]
    edge = graph.edge_of_side[mine]
    near = edges[window.relative_to(tile.read).slices]
    colour = 0.5 * (near[row, col] + near[row + below, col + 1 - below])
    cells = scene.textons.shape[:2]
    centre = (core.row + row + 0.5 * below, core.col + col + 0.5 * (1 - below))
    place = [
        (at + 0.5) * n / full - 0.5 for at, n, full in zip(centre, cells, scene.shape, strict=True)
    ]
    texture = map_coordinates(
        texton_edges(scene.textons, sigma=1.0), place, order=1, mode="nearest"
    )
    strength = colour / _COLOUR_UNIT + scene.settings.texton_edges * texture
    lengths = np.bincount(edge, minlength=graph.n_edges).astype(np.float64)
    strengths = np.bincount(edge, strength, minlength=graph.n_edges).astype(np.float64)
    kept = lengths > 0
    return graph.pairs[kept].astype(np.int64), lengths[kept], strengths[kept]


def _add_up(parts: list[_Sums], n: int) -> tuple[RegionGraph, Evidence]:
    """Make the scene's graph and its evidence from the sums of all tiles."""
    areas = np.zeros(n)
    colours = np.zeros((n, parts[0].colours.shape[1]))
    textons = np.zeros((n, parts[0].textons.shape[1]))
    for part in parts:
        rows = part.ids - 1
        areas[rows] += part.areas
        colours[rows] += part.colours
        textons[rows] += part.textons
    pairs = np.sort(np.concatenate([part.pairs for part in parts]).astype(np.int64) - 1, axis=1)
    codes, index = np.unique(pairs[:, 0] * n + pairs[:, 1], return_inverse=True)
    lengths, strengths = (
        np.bincount(index, np.concatenate(values)).astype(np.float64)
        for values in ([p.lengths for p in parts], [p.strengths for p in parts])
    )
    graph = RegionGraph(
        base=np.arange(1, n + 1, dtype=np.int32)[np.newaxis],
        areas=areas,
        pairs=np.stack(np.divmod(codes, n), axis=1).astype(np.int32),
        lengths=lengths,
        sides=np.zeros((0, 3), np.int32),
        edge_of_side=np.zeros(0, np.int32),
    )
    each = areas[:, np.newaxis]
    return graph, Evidence(strengths / lengths, colours / each / _COLOUR_UNIT, textons / each)
