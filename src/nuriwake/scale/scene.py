"""The recipe ``fast`` on a raster of any size, from file to maps of regions and labels.

1. Tiles are cut into leaves and measured, each on its own, and kept in a folder beside the output.
2. Seams are matched over the halos, and measured.
3. What was measured is added up, and the leaves are merged in one tree of the scene.
4. The tree is cut, and the results are written in one pass, and renamed.

The first two, which look at pixels, run wherever the executor runs them. An interrupted run leaves
the folder; the next one with the same input and settings goes on.
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
from nuriwake.io.moments import MapTile, last_tiles
from nuriwake.io.versions import package_versions
from nuriwake.raster import LabelMap, Window, WindowedSource
from nuriwake.regions.tree import Detail, RegionTree
from nuriwake.scale.executors import Executor, SerialExecutor
from nuriwake.scale.overlaps import JoinedRegions
from nuriwake.scale.products import Existing, MosaicOutputs, Publish, write_products
from nuriwake.scale.run import Progress, Tally, run_tiles, tiled_run
from nuriwake.scale.scene_tiles import (
    LEAF_FORMAT,
    MAX_LEAVES,
    SceneJob,
    SceneParts,
    find_leaves,
    join_leaves,
    match_seams,
    seams_path,
)
from nuriwake.scale.scene_tree import SceneTree, grow_scene_tree
from nuriwake.scale.tiles import Tile, TilePlan
from nuriwake.scale.trees import SceneTextons
from nuriwake.scale.workfolder import WorkFolder, fingerprint, source_identity


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
    joined : JoinedRegions
        The leaves 1..n of the scene for those of each tile.
    region_of, label_of : ndarray of int32, shape (n + 1,)
        Of each leaf; 0 for 0.
    label_of_region : ndarray of int32, shape (n_regions + 1,)
        The label that most of a region's pixels have.
    """

    source: WindowedSource
    plan: TilePlan
    folder: WorkFolder
    joined: JoinedRegions
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
        return ((tile.core, self._read(tile, self.label_of)) for tile in self.plan)

    def regions(self) -> Iterator[tuple[Window, LabelMap]]:
        """Yield the regions of each tile."""
        return ((tile.core, self._read(tile, self.region_of)) for tile in self.plan)

    def map_tiles(self) -> Iterator[MapTile]:
        """Yield regions, their labels and the bands of each tile, for the polygons."""
        last = last_tiles((regions for _, regions in self.regions()), self.n_regions)
        for index, (window, regions) in enumerate(self.regions()):
            bands = self.source.read(window).array
            labels = self.label_of_region[regions]
            yield MapTile(window, regions, labels, bands, last > index)

    def _read(self, tile: Tile, of_leaf: LabelMap) -> LabelMap:
        leaves = self.folder.load_labels(tile.index)[tile.core_in_read.slices]
        return of_leaf[self.joined.table(tile.index)][leaves]


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
        Where tiles and seams are worked on. Default: in this process.
    on_progress : callable, optional
        Called with the steps done and all steps. Every tile takes two: it is divided into leaves,
        and its seams are matched.
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
    with tiled_run(source, outputs, run, existing) as folder:
        if folder is None:
            return None
        plan = TilePlan(plan.shape, folder.start(plan.tile_shape), plan.halo)
        tally = Tally(2 * len(plan), on_progress)
        _ = scene.grid  # prepared here, it goes along with every task; workers need not do it again

        def job_of(tile: Tile) -> SceneJob:
            return SceneJob(scene, source, plan, folder, cut.drawn, tile.index)

        executor = executor or SerialExecutor()
        run_tiles(find_leaves, job_of, plan, folder, executor, tally)
        run_tiles(match_seams, job_of, plan, folder, executor, tally, partial(seams_path, folder))
        parts = SceneParts(plan, folder, join_leaves(plan, folder))
        drawn, weights = _drawn_leaves(parts, cut.drawn)
        grown = grow_scene_tree(scene, parts, parts.joined.n_regions, drawn)
        done = SceneMap(source, plan, folder, parts.joined, *_tables(grown, cut, drawn, weights))
        write_products(outputs, done, 0.0, run, publish)
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
            "leaves": [LEAF_FORMAT, MAX_LEAVES],
            "versions": json.dumps(package_versions()),
        }
    )


def _drawn_leaves(
    parts: SceneParts, drawn: DrawnLabels | None
) -> tuple[LabelMap | None, NDArray[np.int64] | None]:
    """Find the label drawn in each leaf, 0 where there is none, and in how many pixels it is."""
    if drawn is None:
        return None, None
    names = np.array(sorted(drawn.sizes), np.int32)
    counts = parts.drawn(names.size)
    weights = counts.max(axis=1)
    return np.where(weights > 0, names[counts.argmax(axis=1)], 0).astype(np.int32), weights


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
