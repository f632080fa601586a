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
from nuriwake.regions.graph import Frame
from nuriwake.regions.parts import PartSums, add_up, sum_part
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.trees import SceneTextons

Floats = NDArray[np.float64]
#: Returns the leaves of a window: 1..n over the whole scene, 0 = no data.
ReadLeaves = Callable[[Window], LabelMap]
#: The share of the scene's altitude at which tiles are cut into leaves.
LEAF_SHARE = 0.03


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
    materials : LabelTree
        Of the labels in use; its base is one row that holds the leaves too.
    """

    tree: RegionTree
    areas: Floats
    labels: NDArray[np.int32]
    materials: LabelTree


def grow_scene_tree(
    scene: SceneTextons,
    source: WindowedSource,
    plan: TilePlan,
    leaves: ReadLeaves,
    n_leaves: int,
    groups: NDArray[np.integer] | None = None,
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
    groups : ndarray of int, shape (n_leaves,), optional
        Leaves of two different groups never merge; group 0 goes with any.
    on_tile : callable
        Called after each tile.

    Returns
    -------
    SceneTree
    """
    from nuriwake.recipes.fast import grow_tree, material_tree

    parts = []
    for tile in plan:
        parts.append(_tile_sums(scene, source, plan, tile, leaves))
        on_tile()
    graph, evidence = add_up(parts, n_leaves)
    labels = evidence.textons.argmax(axis=1).astype(np.int32) + 1
    n_pixels = plan.shape[0] * plan.shape[1]
    tree = grow_tree(graph, evidence, scene.settings, groups, n_pixels)
    materials = material_tree(graph, labels[np.newaxis], evidence.textons)
    return SceneTree(tree, graph.areas, labels, materials)


def _tile_sums(
    scene: SceneTextons, source: WindowedSource, plan: TilePlan, tile: Tile, leaves: ReadLeaves
) -> PartSums:
    core = tile.core
    # One line more than the core, below and to the right: the seams' borders are counted once.
    height, width = (min(side + 1, full) for side, full in zip(core.shape, plan.shape, strict=True))
    window = Window(core.row, core.col, height, width).intersect(Window.full(plan.shape))
    colours, edges = scene.look(source.read(tile.read))
    inside = window.relative_to(tile.read).slices
    frame = Frame((core.row, core.col), scene.shape)
    return sum_part(
        leaves(window),
        core.shape,
        colours[inside],
        edges[inside],
        scene.grid,
        scene.settings,
        frame,
    )
