"""The recipe ``fast`` on a raster of any size, from file to map of regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nuriwake.io.geotiff import write_label_geotiff
from nuriwake.raster import LabelMap, Window, WindowedSource
from nuriwake.regions.tree import RegionTree
from nuriwake.scale.executors import Executor, SerialExecutor
from nuriwake.scale.overlaps import join_over_halos
from nuriwake.scale.scene_tree import LEAF_SHARE, grow_scene_tree
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.trees import SceneTextons
from nuriwake.scale.workfolder import WorkFolder


@dataclass(frozen=True, eq=False)
class _LeafJob:
    """What a worker needs to divide one tile into leaves."""

    scene: SceneTextons
    source: WindowedSource
    tile: Tile
    folder: WorkFolder


def find_leaves(job: _LeafJob) -> int:
    """Cut the tree of one tile low and keep the parts; this is what workers run.

    Returns
    -------
    int
        How many leaves.
    """
    leaves = job.scene.partition(job.tile.read, job.source.read(job.tile.read), LEAF_SHARE)
    n_leaves = int(leaves.max(initial=0))
    job.folder.save_tile(job.tile.index, leaves, None, n_leaves)
    return n_leaves


def segment_scene(
    scene: SceneTextons,
    source: WindowedSource,
    plan: TilePlan,
    output: Path,
    *,
    n_regions: int | None = None,
    executor: Executor | None = None,
) -> RegionTree:
    """Divide a scene into regions, tile by tile, and write them as a GeoTIFF.

    Parameters
    ----------
    scene : SceneTextons
        From :func:`.trees.learn_scene_steps`.
    source : WindowedSource
    plan : TilePlan
        With a halo (:data:`.trees.HALO`).
    output : pathlib.Path
    n_regions : int, optional
        Exactly so many. Default: the automatic cut.
    executor : Executor, optional
        Where the tiles' leaves are found. Default: in this process.

    Returns
    -------
    RegionTree
        Its base is one row that holds the leaves; other cuts are tables from leaf to region.

    Raises
    ------
    UsageError
        If there are fewer leaves than regions wished for.
    InputError
        If the input cannot be read.
    OutputError
        If the result cannot be written.
    """
    folder = WorkFolder.beside(output, "regions")
    folder.remove()
    folder.start(plan.tile_shape)
    try:
        jobs = [_LeafJob(scene, source, tile, folder) for tile in plan]
        for _ in (executor or SerialExecutor()).run(find_leaves, jobs):
            pass
        base, n_leaves = _join_leaves(plan, folder)
        tree = grow_scene_tree(scene, source, plan, lambda window: base[window.slices], n_leaves)
        regions = np.append(np.int32(0), tree.cut(n_regions)[0])
        blocks = _blocks(plan, base, regions)
        largest = int(regions.max())
        write_label_geotiff(
            output, plan.shape, blocks, max_label=largest, georeference=source.georeference
        )
    finally:
        folder.remove()
    return tree


def _join_leaves(plan: TilePlan, folder: WorkFolder) -> tuple[LabelMap, int]:
    """Join the leaves over the halos; write their map to a file that is read by windows."""
    joined = join_over_halos(plan, folder.load_labels)
    used = np.zeros(int(joined.groups.max(initial=0)) + 1, bool)
    for tile in plan:
        used[joined.of_core(plan, tile.index, folder.load_labels(tile.index))] = True
    used[0] = False
    number = (np.cumsum(used) * used).astype(np.int32)
    base = np.lib.format.open_memmap(folder.path / "leaves.npy", "w+", np.int32, plan.shape)
    for tile in plan:
        leaves = joined.of_core(plan, tile.index, folder.load_labels(tile.index))
        base[tile.core.slices] = number[leaves]
    return base, int(number.max())


def _blocks(plan: TilePlan, base: LabelMap, regions: LabelMap) -> Iterator[tuple[Window, LabelMap]]:
    for tile in plan:
        yield tile.core, regions[base[tile.core.slices]]
