from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mosaic_runs
from conftest import posix_only
from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.io.geotiff import open_geotiff, read_geotiff
from nuriwake.raster import Georeference, as_raster
from nuriwake.scale.executors import DaskExecutor, Executor, choose_executor
from nuriwake.scale.labelling import label_tile
from nuriwake.scale.mosaic import MosaicOptions, MosaicOutputs, apply_model
from nuriwake.scale.tile_components import label_components
from oracles_scale import flood_components, sieve_pixels

pyogrio = pytest.importorskip("pyogrio")
rasterio = pytest.importorskip("rasterio")
PLACE = Georeference(rasterio.crs.CRS.from_epsg(32618).to_wkt(), (1.0, 0, 0, 0, -1.0, 0))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The bytes that an uninterrupted run writes."""
    folder = tmp_path_factory.mktemp("expected")
    mosaic_runs.write_scene(folder / "scene.tif")
    mosaic_runs.run(folder)
    return results(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    mosaic_runs.write_scene(tmp_path / "scene.tif")
    return tmp_path


def results(folder: Path) -> tuple[bytes, bytes]:
    assert sorted(p.name for p in folder.iterdir()) == ["labels.tif", "regions.tif", "scene.tif"]
    return (folder / "labels.tif").read_bytes(), (folder / "regions.tif").read_bytes()


def read_map(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read(1)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    tile_shape=st.tuples(st.integers(5, 40), st.integers(5, 40)),
    n_layers=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_tiled_equals_untiled(tmp_path: Path, shape, tile_shape, n_layers, seed) -> None:
    raster = as_raster(mosaic_runs.scene(shape, seed=seed))
    raster = replace(raster, georeference=PLACE)
    raster.valid[: shape[0] // 3, : shape[1] // 3] = False
    model = mosaic_runs.small_model(2, seed, n_layers)
    outputs = MosaicOutputs(tmp_path / "labels.tif", tmp_path / "regions.tif")
    options = MosaicOptions(existing="overwrite", tile_shape=tile_shape, threads=1)
    if not raster.valid.any():
        return
    report = apply_model(model, raster, outputs, options)
    whole = label_tile(model, raster)
    np.testing.assert_array_equal(read_map(outputs.labels), whole)
    np.testing.assert_array_equal(read_map(outputs.regions), flood_components(whole))
    assert report.n_regions == flood_components(whole).max()


def test_the_minimum_mapping_unit(folder: Path) -> None:
    mosaic_runs.run(folder, min_pixels=9)
    whole = label_tile(mosaic_runs.small_model(2), read_geotiff(folder / "scene.tif"))
    labels, regions = read_map(folder / "labels.tif"), read_map(folder / "regions.tif")
    np.testing.assert_array_equal(regions, label_components(labels.astype(np.int32)))
    np.testing.assert_array_equal(labels[:60, :60] == 0, whole[:60, :60] == 0)
    assert np.bincount(regions.ravel())[1:].min() >= 9
    crop = whole[:40, 30:70]
    assert (sieve_pixels(crop, 9) != crop).any(), "the scene has nothing to sieve"


def test_place_nodata_and_progress(folder: Path) -> None:
    seen = []
    report = mosaic_runs.run(folder, on_progress=lambda done, n: seen.append((done, n)))
    assert seen == [(i, 16) for i in range(17)]
    assert (report.n_tiles, report.n_resumed, report.tile_shape) == (16, 0, (64, 64))
    with rasterio.open(folder / "labels.tif") as out, rasterio.open(folder / "scene.tif") as scene:
        assert out.crs == scene.crs
        assert out.transform == scene.transform
        assert out.nodata == 0
        np.testing.assert_array_equal(out.dataset_mask(), scene.dataset_mask())


@pytest.mark.parametrize("tile_shape", [(32, 100), (500, 500)])
def test_the_bytes_do_not_depend_on_the_tiles(folder: Path, expected, tile_shape) -> None:
    mosaic_runs.run(folder, tile_shape=tile_shape)
    assert results(folder) == expected


@posix_only
@pytest.mark.parametrize("scheduler", [None, "local"])
def test_a_killed_worker_costs_no_byte(folder: Path, expected, scheduler) -> None:
    killed: list[int] = []

    def kill_one(executor: Executor, done: int) -> None:
        if done >= 3 and not killed:
            killed.append(worker_process(executor))
            os.kill(killed[0], signal.SIGKILL)

    with choose_executor(2, scheduler) as executor:
        mosaic_runs.run(
            folder, executor=executor, on_progress=lambda done, _: kill_one(executor, done)
        )
    assert killed
    assert results(folder) == expected


def worker_process(executor: Executor) -> int:
    """The process id of one worker."""
    if isinstance(executor, DaskExecutor):
        return next(iter(executor.client.run(os.getpid).values()))
    return multiprocessing.active_children()[0].pid


def start(folder: Path, what: str, number: int) -> str:
    command = [sys.executable, mosaic_runs.__file__, folder, what, str(number)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@posix_only
@pytest.mark.parametrize("moment", [0, 5, 16])
def test_a_killed_run_goes_on_to_the_same_bytes(folder: Path, expected, moment: int) -> None:
    start(folder, "kill", moment)
    assert [p.name for p in folder.iterdir() if not p.name.startswith(".")] == ["scene.tif"]
    # Another tile shape is asked for, and the old one taken: the tiles that are done fit it.
    report = mosaic_runs.run(folder, tile_shape=(100, 100))
    assert report.n_resumed == moment
    assert results(folder) == expected


@posix_only
@pytest.mark.parametrize("limit", [600, 4_000])
def test_a_full_disk_loses_nothing_that_was_done(folder: Path, expected, limit: int) -> None:
    message = start(folder, "limit", limit)
    assert "cannot be written" in message
    assert len(message.splitlines()) == 1
    assert [p.name for p in folder.iterdir() if not p.name.startswith(".")] == ["scene.tif"]
    mosaic_runs.run(folder)
    assert results(folder) == expected


def test_results_that_are_there(folder: Path, expected) -> None:
    mosaic_runs.run(folder)
    with pytest.raises(UsageError, match=r"labels\.tif: exists already. Give --resume or"):
        mosaic_runs.run(folder)
    assert mosaic_runs.run(folder, existing="resume").skipped
    with pytest.raises(UsageError, match="was made from another input or with other settings"):
        mosaic_runs.run(folder, existing="resume", min_pixels=7)
    assert not mosaic_runs.run(folder, existing="overwrite", min_pixels=7).skipped
    assert results(folder) != expected
    (folder / "regions.tif").unlink()
    assert not mosaic_runs.run(folder, existing="overwrite").skipped
    assert results(folder) == expected


@posix_only
def test_the_leavings_of_other_settings_are_removed(folder: Path, expected) -> None:
    start(folder, "kill", 3)
    stale = next(p for p in folder.iterdir() if p.name.endswith(".work"))
    stale.rename(folder / ".labels.tif.0123456789abcdef.work")
    assert mosaic_runs.run(folder).n_resumed == 0
    assert results(folder) == expected


def test_a_raster_with_other_bands(folder: Path, tmp_path: Path) -> None:
    source = open_geotiff(folder / "scene.tif", bands=[1])
    with pytest.raises(InputError, match=r"scene\.tif: 1 bands, where the model was trained on 2"):
        apply_model(mosaic_runs.small_model(2), source, MosaicOutputs(tmp_path / "labels.tif"))


def test_what_would_fail_again_leaves_no_work(folder: Path) -> None:
    """A model whose responses are not finite: there is nothing to go on from."""
    model = mosaic_runs.small_model(2)
    model.network.classifier.weight.data.fill_(np.nan)
    source, outputs = open_geotiff(folder / "scene.tif"), MosaicOutputs(folder / "labels.tif")
    with pytest.raises(InputError, match="not finite"):
        apply_model(model, source, outputs)
    assert not list(folder.glob(".*.work"))


def test_an_unwritable_place(folder: Path) -> None:
    source = open_geotiff(folder / "scene.tif")
    outputs = MosaicOutputs(folder / "scene.tif" / "labels.tif")
    with pytest.raises(OutputError, match="cannot be written"):
        apply_model(mosaic_runs.small_model(2), source, outputs)


def test_a_scene_end_to_end(shared_data: Path, tmp_path: Path) -> None:
    source = open_geotiff(shared_data / "geo" / "RGB.byte.tif")
    outputs = MosaicOutputs(*(tmp_path / name for name in ("l.tif", "r.tif", "p.gpkg")))
    options = MosaicOptions(tile_shape=(300, 300), threads=1, min_pixels=20)
    report = apply_model(mosaic_runs.small_model(3), source, outputs, options)
    assert report.n_tiles == 9
    assert sorted(p.name for p in tmp_path.iterdir()) == ["l.tif", "p.gpkg", "r.tif"]
    assert apply_model(
        mosaic_runs.small_model(3), source, outputs, replace(options, existing="resume")
    ).skipped
    metadata, _, _, data = pyogrio.raw.read(outputs.polygons)
    table = dict(zip(metadata["fields"], data, strict=True))
    sizes = np.bincount(read_map(outputs.regions).ravel())
    np.testing.assert_array_equal(np.sort(table["region"]), np.arange(1, report.n_regions + 1))
    np.testing.assert_array_equal(sizes[table["region"]], table["pixels"])
    a, _, _, _, e, _ = source.georeference.transform
    assert table["area_m2"].sum() == pytest.approx(sizes[1:].sum() * abs(a * e), rel=1e-9)
    with rasterio.open(source.path) as scene, rasterio.open(outputs.regions) as out:
        assert (out.crs, out.transform) == (scene.crs, scene.transform)
        np.testing.assert_array_equal(out.dataset_mask(), scene.dataset_mask())
        np.testing.assert_array_equal(out.read(1) > 0, read_map(outputs.labels) > 0)
