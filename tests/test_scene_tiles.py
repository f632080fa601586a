"""Tiles and seams of a scene: measured by workers, taken up again, within bounds."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mosaic_runs
from nuriwake.jobs.tiled import SCENE_MODULES
from nuriwake.raster import Georeference, Raster, Window, as_raster
from nuriwake.scale import scene as scene_module
from nuriwake.scale import scene_tiles
from nuriwake.scale.executors import choose_executor
from nuriwake.scale.products import MosaicOutputs
from nuriwake.scale.scene import segment_scene
from nuriwake.scale.scene_tiles import SceneJob, find_leaves
from nuriwake.scale.tiles import plan_tiles
from nuriwake.scale.trees import SceneTextons, learn_scene_steps
from nuriwake.scale.workfolder import WorkFolder
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings


@pytest.fixture(scope="module")
def learned() -> tuple[SceneTextons, Raster]:
    raster = as_raster(mosaic_runs.scene((300, 280)))
    raster = replace(raster, georeference=Georeference(None, (2.0, 0, 5, 0, -2.0, 7)))
    # A tile without any data, and a corner of the next one.
    raster.valid[:110, :120] = False
    settings = Settings(recipe="fast", threads=1, max_iter=5)
    return finish_steps(learn_scene_steps(raster, settings)), raster


def outputs_in(folder: Path) -> MosaicOutputs:
    folder.mkdir()
    return MosaicOutputs(folder / "labels.tif", folder / "regions.tif")


def test_two_workers_give_the_bytes_of_one_and_a_run_killed_anywhere_goes_on(
    learned, tmp_path: Path, monkeypatch
) -> None:
    pytest.importorskip("rasterio")
    scene, raster = learned
    plan = plan_tiles(raster.shape, (100, 100), halo=20)
    whole = outputs_in(tmp_path / "whole")
    tree = segment_scene(scene, raster, plan, whole)
    assert tree is not None
    np.testing.assert_array_equal(read(whole.regions) > 0, raster.valid)
    work, match = scene_module.find_leaves, scene_module.match_seams
    stages = (
        ("find_leaves", work, 2),
        ("match_seams", match, 1),
    )
    for stage, function, workers in stages:
        outputs = outputs_in(tmp_path / stage)

        def some(job: SceneJob, function=function) -> None:
            if job.index == 4:
                raise KeyboardInterrupt
            function(job)

        with monkeypatch.context() as patch:
            patch.setattr(scene_module, stage, some)
            with pytest.raises(KeyboardInterrupt):
                segment_scene(scene, raster, plan, outputs)
        with choose_executor(workers) as executor:
            segment_scene(scene, raster, plan, outputs, executor=executor)
        for one, other in zip(whole.paths, outputs.paths, strict=True):
            assert one.read_bytes() == other.read_bytes()


def read(path: Path | None) -> np.ndarray:
    import rasterio

    with rasterio.open(path) as file:
        return file.read(1)


def test_what_is_measured_of_the_tiles_adds_up_to_the_scene(learned, tmp_path: Path) -> None:
    """Where every tile sees all of the scene, all cut it alike, and no seam is left to see."""
    scene, raster = learned
    plan = plan_tiles(raster.shape, (100, 100), halo=300)
    joined, parts = measured(scene, raster, plan, tmp_path)
    leaves = np.zeros(raster.shape, np.int32)
    for tile in plan:
        own = WorkFolder(tmp_path).load_labels(tile.index)
        leaves[tile.core.slices] = joined.of_core(plan, tile.index, own)
    whole = scene.partition(Window.full(raster.shape), raster, scene_tiles.LEAF_SHARE)
    pairs = np.unique(np.stack([leaves, whole]).reshape(2, -1), axis=1)
    assert pairs.shape[1] == len(np.unique(whole)) == len(np.unique(leaves))
    found = scene_module.grow_scene_tree(scene, parts, joined.n_regions)
    np.testing.assert_array_equal(found.areas, np.bincount(leaves.ravel())[1:])
    again = scene.partition(Window.full(raster.shape), raster)
    regions = found.tree.nodes(altitude=scene.settings.altitude)
    assert len(np.unique(regions)) == pytest.approx(again.max(), abs=2)


def measured(scene, raster, plan, path):
    folder = WorkFolder(path)
    for work in (find_leaves, scene_tiles.match_seams):
        for tile in plan:
            work(SceneJob(scene, raster, plan, folder, None, tile.index))
    joined = scene_tiles.join_leaves(plan, folder)
    return joined, scene_tiles.SceneParts(plan, folder, joined)


def test_a_scene_has_no_more_leaves_than_its_tree_may_hold(
    learned, tmp_path: Path, monkeypatch
) -> None:
    scene, raster = learned
    scene = replace(scene, settings=scene.settings.model_copy(update={"altitude": 1e-3}))
    plan = plan_tiles(raster.shape, (100, 100), halo=20)
    joined, _ = measured(scene, raster, plan, tmp_path / "all")
    monkeypatch.setattr(scene_tiles, "MAX_LEAVES", 60)
    fewer, _ = measured(scene, raster, plan, tmp_path / "few")
    assert joined.n_regions > 120
    # Those of the halos count too, so that the tree's memory is bounded whatever is read.
    assert 15 < fewer.n_regions <= 60
    kept = [WorkFolder(tmp_path / "few").load_labels(tile.index).max() for tile in plan]
    assert sum(kept) <= 60


def test_workers_load_no_pytorch_and_get_the_grid_with_their_tasks(
    learned, tmp_path: Path, monkeypatch
) -> None:
    code = (
        "import sys; from importlib import import_module; "
        f"[import_module(module) for module in {SCENE_MODULES}]; "
        "from nuriwake.scale.scene_tiles import find_leaves; "
        "from nuriwake.scale.trees import reduce_strip; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    scene, raster = learned
    taken = []

    def find(job: SceneJob) -> None:
        taken.append("grid" in vars(job.scene))
        raise KeyboardInterrupt

    monkeypatch.setattr(scene_module, "find_leaves", find)
    with pytest.raises(KeyboardInterrupt):
        segment_scene(
            replace(scene),
            raster,
            plan_tiles(raster.shape, (100, 100), 20),
            outputs_in(tmp_path / "o"),
        )
    assert taken == [True]
