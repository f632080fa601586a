"""The recipe ``fast`` on a raster of any size, from file to maps of regions and labels.

1. Tiles are cut into leaves, each on its own, and kept in a folder beside the output.
2. Leaves are joined over the halos, and merged in one tree of the scene.
3. The tree is cut, and the results are written in one pass, and renamed.

An interrupted run leaves the folder; the next one with the same input and settings goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.drawn import DrawnLabels
from nuriwake.io.moments import MapTile
from nuriwake.io.versions import package_versions
from nuriwake.raster import LabelMap, Window, WindowedSource
from nuriwake.regions.tree import Detail, RegionTree
from nuriwake.scale.executors import Executor, SerialExecutor
from nuriwake.scale.overlaps import join_over_halos
from nuriwake.scale.products import Existing, MosaicOutputs, Publish, write_products
from nuriwake.scale.run import Progress, Tally, run_tiles, tiled_run
from nuriwake.scale.scene_tree import LEAF_SHARE, SceneTree, grow_scene_tree
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.trees import SceneTextons
from nuriwake.scale.workfolder import WorkFolder, fingerprint, source_identity


@dataclass(frozen=True, eq=False)
class _LeafJob:
    """What a worker needs to divide one tile into leaves."""

    scene: SceneTextons
    source: WindowedSource
    tile: Tile
    folder: WorkFolder
    drawn: DrawnLabels | None


@dataclass(frozen=True, eq=False)
class SceneCut:
    """What is read from the tree of a scene.

    Parameters
    ----------
    n_regions : int, optional
        Exactly so many. Default: the automatic cut.
    detail : {"fine", "medium", "coarse"}, optional
        How fine, in place of a number.
    n_labels : int, optional
        Merge the labels to so many materials. Default: as they are.
    drawn : DrawnLabels, optional
        Labels drawn by the user: regions that touch two of them are never merged.
    """

    n_regions: int | None = None
    detail: Detail | None = None
    n_labels: int | None = None
    drawn: DrawnLabels | None = None


@dataclass(frozen=True, eq=False)
class SceneMap:
    """The regions of a scene, and its labels, as tables from the leaves.

    Parameters
    ----------
    source : WindowedSource
    plan : TilePlan
    folder : WorkFolder
    base : ndarray of int32, shape (height, width)
        The leaves 1..n; 0 = no data. Read from a file by windows.
    region_of, label_of : ndarray of int32, shape (n + 1,)
        Of each leaf; 0 for 0.
    label_of_region : ndarray of int32, shape (n_regions + 1,)
        The label that most of a region's pixels have.
    """

    source: WindowedSource
    plan: TilePlan
    folder: WorkFolder
    base: LabelMap
    region_of: LabelMap
    label_of: LabelMap
    label_of_region: LabelMap

    @property
    def n_labels(self) -> int:
        """The largest label that occurs."""
        return int(self.label_of.max(initial=0))

    def count_labels(self) -> int:
        """Count the labels in use."""
        return int(np.unique(self.label_of[1:]).size)

    @property
    def n_regions(self) -> int:
        """The number of regions."""
        return int(self.region_of.max(initial=0))

    def labels(self) -> Iterator[tuple[Window, LabelMap]]:
        """Yield the labels of each tile."""
        return ((tile.core, self.label_of[self.base[tile.core.slices]]) for tile in self.plan)

    def regions(self) -> Iterator[tuple[Window, LabelMap]]:
        """Yield the regions of each tile."""
        return ((tile.core, self.region_of[self.base[tile.core.slices]]) for tile in self.plan)

    def map_tiles(self) -> Iterator[MapTile]:
        """Yield regions, their labels and the bands of each tile, for the polygons."""
        for window, regions in self.regions():
            bands = self.source.read(window).array
            yield MapTile(window, regions, self.label_of_region[regions], bands)


def find_leaves(job: _LeafJob) -> int:
    """Cut the tree of one tile low and keep the parts; this is what workers run.

    Returns
    -------
    int
        How many leaves.
    """
    window = job.tile.read
    drawn = None if job.drawn is None else job.drawn.read(window)
    leaves = job.scene.partition(window, job.source.read(window), LEAF_SHARE, drawn)
    n_leaves = int(leaves.max(initial=0))
    job.folder.save_tile(job.tile.index, leaves, None, n_leaves)
    return n_leaves


def segment_scene(
    scene: SceneTextons,
    source: WindowedSource,
    plan: TilePlan,
    outputs: MosaicOutputs,
    *,
    cut: SceneCut | None = None,
    existing: Existing = "refuse",
    executor: Executor | None = None,
    on_progress: Progress | None = None,
    publish: Publish | None = None,
) -> RegionTree | None:
    """Divide a scene into regions, tile by tile, and write them.

    Parameters
    ----------
    scene : SceneTextons
        From :func:`.trees.learn_scene_steps`.
    source : WindowedSource
    plan : TilePlan
        With a halo (:data:`.trees.HALO`). A run that goes on takes the tiles of the one before.
    outputs : MosaicOutputs
    cut : SceneCut, optional
        Default: the automatic cut, and the network's labels.
    existing : str
        As in :class:`.mosaic.MosaicOptions`.
    executor : Executor, optional
        Where the tiles' leaves are found. Default: in this process.
    on_progress : callable, optional
        Called with the steps done and all steps. Every tile takes two: it is divided into leaves,
        and measured for the tree of the scene.
    publish : callable, optional
        As in :func:`.products.write_products`.

    Returns
    -------
    RegionTree or None
        Its base is one row that holds the leaves; other cuts are tables from leaf to region. None
        where ``resume`` found the results there already.

    Raises
    ------
    UsageError
        If there are fewer leaves than regions wished for, or results are there already and neither
        ``resume`` nor ``overwrite`` was asked for.
    InputError
        If the input cannot be read.
    OutputError
        If the result cannot be written; what is done is kept for a later run.
    """
    cut = cut or SceneCut()
    run = _fingerprint(scene, source, cut)
    with tiled_run(outputs, run, existing) as folder:
        if folder is None:
            return None
        plan = TilePlan(plan.shape, folder.start(plan.tile_shape), plan.halo)
        tally = Tally(2 * len(plan), on_progress)
        job = partial(_LeafJob, scene, source, folder=folder, drawn=cut.drawn)
        run_tiles(find_leaves, job, plan, folder, executor or SerialExecutor(), tally)
        base, n_leaves = _join_leaves(plan, folder)
        drawn, weights = _drawn_leaves(plan, base, n_leaves, cut.drawn)
        grown = grow_scene_tree(
            scene,
            source,
            plan,
            lambda window: base[window.slices],
            n_leaves,
            groups=drawn,
            on_tile=tally.add,
        )
        tables = _tables(grown, cut, drawn, weights)
        write_products(outputs, SceneMap(source, plan, folder, base, *tables), 0.0, run, publish)
    return grown.tree


def _fingerprint(scene: SceneTextons, source: WindowedSource, cut: SceneCut) -> str:
    """Digest what decides the result; the textons stand for the training."""
    return fingerprint(
        {
            "input": source_identity(source),
            "bands": list(getattr(source, "bands", ())),
            "textons": hashlib.sha256(np.ascontiguousarray(scene.textons).tobytes()).hexdigest(),
            "settings": json.dumps(scene.settings.model_dump(mode="json"), sort_keys=True),
            "regions": cut.detail or cut.n_regions or 0,
            "labels": cut.n_labels or 0,
            "scribbles": "" if cut.drawn is None else str(sorted(cut.drawn.sizes.items())),
            "versions": json.dumps(package_versions()),
        }
    )


def _drawn_leaves(
    plan: TilePlan, base: LabelMap, n_leaves: int, drawn: DrawnLabels | None
) -> tuple[LabelMap | None, NDArray[np.int64] | None]:
    """Find the label drawn in each leaf, 0 where there is none, and in how many pixels it is."""
    if drawn is None:
        return None, None
    names = np.array(sorted(drawn.sizes), np.int32)
    counts = np.zeros((n_leaves, names.size), np.int64)
    for tile in plan:
        labels, leaves = drawn.read(tile.core), base[tile.core.slices]
        is_drawn = (labels > 0) & (leaves > 0)
        place = leaves[is_drawn] - 1, np.searchsorted(names, labels[is_drawn])
        np.add.at(counts, place, 1)
    weights = counts.max(axis=1)
    return np.where(weights > 0, names[counts.argmax(axis=1)], 0).astype(np.int32), weights


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


def _tables(
    grown: SceneTree,
    cut: SceneCut,
    drawn: LabelMap | None,
    weights: NDArray[np.int64] | None,
) -> tuple[LabelMap, LabelMap, LabelMap]:
    """Regions and labels of the leaves, and the label that most of each region's pixels have."""
    from nuriwake.recipes.fast import spread_scribbles

    regions = grown.tree.cut(cut.n_regions, detail=cut.detail)[0]
    labels = grown.labels
    if cut.n_labels is not None:
        labels = grown.materials.cut(cut.n_labels)[0]
    elif drawn is not None and weights is not None:
        labels = spread_scribbles(grown.tree, drawn[np.newaxis], weights[np.newaxis])[0]
    areas = np.zeros((int(regions.max()) + 1, int(labels.max()) + 1))
    np.add.at(areas, (regions, labels), grown.areas)
    nothing = np.zeros(1, np.int32)
    of_region = areas.argmax(axis=1).astype(np.int32)
    return np.append(nothing, regions), np.append(nothing, labels), of_region
