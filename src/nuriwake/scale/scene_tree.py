"""One tree for a whole scene, whose leaves were made tile by tile.

What a tree decides at high altitudes depends on all of the scene, what it decides at low ones
hardly on anything beyond the tile. So tiles are cut low, joined over the halos, and the joined
regions are merged in one tree of the scene. Areas, means and borders add up over tiles, so that no
pixel is looked at again. The tree holds some 4 kB of each leaf, whatever the size of the scene.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.regions.parts import PartSums, add_up
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.scale.trees import SceneTextons

Floats = NDArray[np.float64]


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
    parts: Iterable[PartSums],
    n_leaves: int,
    groups: NDArray[np.integer] | None = None,
) -> SceneTree:
    """Merge the leaves of all tiles into one tree.

    Parameters
    ----------
    scene : SceneTextons
    parts : iterable of PartSums
        Of all tiles and seams; as in :func:`nuriwake.regions.parts.add_up`.
    n_leaves : int
    groups : ndarray of int, shape (n_leaves,), optional
        Leaves of two different groups never merge; group 0 goes with any.

    Returns
    -------
    SceneTree
    """
    from nuriwake.recipes.fast import material_tree
    from nuriwake.recipes.growing import grow_tree

    graph, evidence = add_up(parts, n_leaves)
    labels = evidence.textons.argmax(axis=1).astype(np.int32) + 1
    n_pixels = scene.shape[0] * scene.shape[1]
    tree = grow_tree(graph, evidence, scene.settings, groups, n_pixels)
    materials = material_tree(graph, labels[np.newaxis], evidence.textons)
    return SceneTree(tree, graph.areas, labels, materials)
