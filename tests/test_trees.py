from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mosaic_runs
from nuriwake.engine.grid_respond import respond
from nuriwake.errors import InputError, UsageError
from nuriwake.learn import overview as overview_module
from nuriwake.learn.normalise import normalise
from nuriwake.learn.view import coarse_view, perceptual_colours
from nuriwake.raster import Georeference, Raster, Window, as_raster
from nuriwake.recipes.fast import texton_map
from nuriwake.scale import scene as scene_module
from nuriwake.scale.products import MosaicOutputs
from nuriwake.scale.scene import SceneCut, segment_scene
from nuriwake.scale.tiles import plan_tiles
from nuriwake.scale.trees import SceneTextons, learn_scene_steps, read_reduced
from nuriwake.segmenter import finish_steps, segment_steps
from nuriwake.settings import Settings


def test_a_small_raster_is_read_as_it_is() -> None:
    raster = as_raster(mosaic_runs.scene((700, 30)))
    array, valid = read_reduced(raster)
    np.testing.assert_array_equal(array, raster.array)
    assert valid.all()


def test_a_large_raster_is_averaged_over_its_valid_pixels() -> None:
    raster = as_raster(np.arange(6 * 4, dtype=np.uint16).reshape(6, 4))
    raster.valid[:2, :2] = False
    raster.valid[2, 0] = False
    array, valid = read_reduced(raster, max_pixels=6)
    assert valid.tolist() == [[False, True], [True, True], [True, True]]
    # Row 2 and 3, columns 0 and 1: 9, 12 and 13 are valid.
    assert array[:, :, 0].tolist() == [[0, 4], [11, 12], [18, 20]]


def test_a_window_sees_its_part_of_the_scene() -> None:
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, 64:] = (200, 40, 40)
    settings = Settings(recipe="fast", threads=1, max_iter=5)
    scene = finish_steps(learn_scene_steps(as_raster(image), settings))
    assert scene.texture.shape == (*scene.textons.shape[:2], 3)
    window = Window(0, 32, 96, 64)
    parts = scene.partition(window, as_raster(image).read(window))
    assert parts[0, 0] != parts[0, -1]
    empty = Raster(image[:5, :5], np.zeros((5, 5), bool))
    assert not scene.partition(Window(0, 0, 5, 5), empty).any()


def test_a_scene_without_data() -> None:
    nothing = Raster(np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4), bool))
    with pytest.raises(InputError, match="the raster: no valid pixel"):
        finish_steps(learn_scene_steps(nothing, Settings(recipe="fast")))


def patchwork() -> Raster:
    """A picture of 400 x 500 pixels: fields of different colours and textures."""
    rng = np.random.default_rng(1)
    seeds = rng.random((40, 2)) * (400, 500)
    rows, cols = np.mgrid[:400, :500]
    field = ((rows[..., None] - seeds[:, 0]) ** 2 + (cols[..., None] - seeds[:, 1]) ** 2).argmin(2)
    image = rng.integers(30, 220, (40, 3))[field] + rng.normal(0, 6, (400, 500, 3))
    raster = as_raster(image.clip(0, 255).astype(np.uint8))
    raster.valid[:30, :60] = False
    return raster


def test_the_regions_are_nearly_those_of_the_scene_in_one_piece(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    from sklearn.metrics import adjusted_rand_score

    raster = replace(patchwork(), georeference=Georeference(None, (2.0, 0, 5, 0, -2.0, 7)))
    scene = finish_steps(learn_scene_steps(raster, Settings(recipe="fast", threads=1, max_iter=8)))
    whole = scene.partition(Window.full(raster.shape), raster)
    plan = plan_tiles(raster.shape, (170, 190), halo=24)
    tree = segment_scene(scene, raster, plan, MosaicOutputs(regions=tmp_path / "regions.tif"))
    with rasterio.open(tmp_path / "regions.tif") as file:
        tiled = file.read(1)
    assert adjusted_rand_score(whole.ravel(), tiled.ravel()) >= 0.95
    np.testing.assert_array_equal(tiled > 0, raster.valid)
    assert tree is not None
    assert tiled.max() == tree.automatic_n_regions
    segment_scene(
        scene,
        raster,
        plan,
        MosaicOutputs(regions=tmp_path / "seven.tif"),
        cut=SceneCut(n_regions=7),
    )
    with rasterio.open(tmp_path / "seven.tif") as file:
        assert np.unique(file.read(1)).tolist() == list(range(8))
    segment_scene(
        scene,
        raster,
        plan,
        MosaicOutputs(regions=tmp_path / "few.tif"),
        cut=SceneCut(detail="coarse"),
    )
    with rasterio.open(tmp_path / "few.tif") as file:
        coarse = file.read(1)
    assert coarse.max() == tree.count("coarse") < tiled.max()
    assert len(np.unique(np.stack([tiled, coarse]).reshape(2, -1), axis=1).T) == tiled.max() + 1
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["few.tif", "regions.tif", "seven.tif"]


@pytest.fixture(scope="module")
def learned() -> tuple[SceneTextons, Raster]:
    raster = replace(patchwork(), georeference=Georeference(None, (2.0, 0, 5, 0, -2.0, 7)))
    settings = Settings(recipe="fast", threads=1, max_iter=8)
    return finish_steps(learn_scene_steps(raster, settings)), raster


def test_regions_of_a_tile_are_patches(learned) -> None:
    scene, raster = learned
    bold = scene.settings.model_copy(update={"thing_textons": 9.0, "thing_size_power": 0.9})
    found, other = (
        one.grow_leaves(Window.full(raster.shape), raster.valid, *one.look(raster), most=6)
        for one in (scene, replace(scene, settings=bold))
    )
    np.testing.assert_array_equal(found, other)


def outputs_in(folder: Path) -> MosaicOutputs:
    folder.mkdir()
    return MosaicOutputs(*(folder / name for name in ("l.tif", "r.tif", "p.gpkg")))


def test_labels_regions_and_polygons_of_a_scene_agree(learned, tmp_path: Path) -> None:
    rasterio, pyogrio = pytest.importorskip("rasterio"), pytest.importorskip("pyogrio")
    scene, raster = learned
    outputs = outputs_in(tmp_path / "out")
    plan, seen = plan_tiles(raster.shape, (170, 190), halo=24), []
    segment_scene(scene, raster, plan, outputs, on_progress=lambda *counts: seen.append(counts))
    assert seen == [(done, 2 * len(plan)) for done in range(2 * len(plan) + 1)]
    with rasterio.open(outputs.labels) as file:
        labels = file.read(1)
    with rasterio.open(outputs.regions) as file:
        regions = file.read(1)
    np.testing.assert_array_equal(labels > 0, raster.valid)
    meta, _, _, columns = pyogrio.raw.read(outputs.polygons)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert sorted(table["region"]) == list(range(1, regions.max() + 1))
    for region, label, pixels in zip(
        *(table[k] for k in ("region", "label", "pixels")), strict=True
    ):
        inside = labels[regions == region]
        assert inside.size == pixels
        assert np.bincount(inside).argmax() == label


def test_a_scene_that_was_interrupted_goes_on(learned, tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("pyogrio")
    scene, raster = learned
    whole, broken = outputs_in(tmp_path / "whole"), outputs_in(tmp_path / "broken")
    segment_scene(scene, raster, plan_tiles(raster.shape, (170, 190), halo=24), whole)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    plan = plan_tiles(raster.shape, (170, 190), halo=24)
    with monkeypatch.context() as patch:
        patch.setattr(scene_module, "write_products", fail)
        with pytest.raises(KeyboardInterrupt):
            segment_scene(scene, raster, plan, broken, existing="resume")
    assert not any(path.exists() for path in broken.paths)
    with monkeypatch.context() as patch:
        patch.setattr(scene_module, "find_leaves", fail)
        # Other tiles are wished for; those that are done are used.
        other = plan_tiles(raster.shape, (100, 100), halo=24)
        assert segment_scene(scene, raster, other, broken, existing="resume") is not None
        assert segment_scene(scene, raster, other, broken, existing="resume") is None
    for one, again in zip(whole.paths[:2], broken.paths[:2], strict=True):
        assert one.read_bytes() == again.read_bytes()
    assert sorted(p.name for p in (tmp_path / "broken").iterdir()) == ["l.tif", "p.gpkg", "r.tif"]
    with pytest.raises(UsageError, match="exists already"):
        segment_scene(scene, raster, plan, broken)
    with pytest.raises(UsageError, match="other settings"):
        segment_scene(scene, raster, plan, broken, cut=SceneCut(n_regions=5), existing="resume")


def test_something_must_be_written() -> None:
    with pytest.raises(ValueError, match="labels, regions or polygons"):
        MosaicOutputs()
    assert MosaicOutputs(polygons=Path("a.gpkg")).anchor == Path("a.gpkg")


def test_a_large_picture_and_a_scene_of_it_learn_the_same_bit_for_bit(monkeypatch) -> None:
    """Training is chaotic: were their views not equal, their regions would differ widely."""
    monkeypatch.setattr(overview_module, "VIEW_PIXELS", 60_000)
    raster = patchwork()
    raster = replace(raster, array=raster.array.astype(np.uint16) * 40)
    settings = Settings(recipe="fast", threads=1, max_iter=8)
    found = finish_steps(segment_steps(raster, settings))
    scene = finish_steps(learn_scene_steps(raster, settings, max_pixels=60_000))
    assert found.model.statistics == scene.statistics
    view, valid = read_reduced(raster, 60_000)
    assert view.shape[:2] == (200, 250)
    unit = normalise(view, valid, scene.statistics)
    cells, seen = coarse_view(perceptual_colours(unit), valid, settings.grid_cells)
    responses = texton_map(respond(found.model.weights, cells), seen)
    np.testing.assert_array_equal(responses, scene.textons)
    whole = scene.partition(Window.full(raster.shape), raster)
    np.testing.assert_array_equal(whole, found.tree.cut(altitude=settings.altitude))
