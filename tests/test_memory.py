from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mosaic_runs
from nuriwake.errors import InputError, UsageError
from nuriwake.io.sources import open_source
from nuriwake.jobs.files import ScaleFlags, apply_to_file, needs_tiles
from nuriwake.scale.memory import fits_in_memory, parse_bytes, plan_tile_pixels
from nuriwake.scale.products import MosaicOutputs

rasterio = pytest.importorskip("rasterio")


def test_a_minimum_area_on_the_ground(tmp_path: Path) -> None:
    scene = mosaic_runs.write_scene(tmp_path / "scene.tif")  # pixels of 10 m
    outputs = MosaicOutputs(tmp_path / "labels.tif", tmp_path / "regions.tif")
    flags = ScaleFlags(memory="2G", min_area="0.2ha")
    apply_to_file(mosaic_runs.small_model(2), scene, outputs, flags, bands=(2, 1))
    with rasterio.open(outputs.regions) as file:
        assert np.bincount(file.read(1).ravel())[1:].min() >= 20


def test_an_area_without_crs(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="GTiff", height=4, width=4, count=2, dtype="uint8") as file,
    ):
        file.write(np.ones((2, 4, 4), np.uint8))
    outputs = MosaicOutputs(tmp_path / "labels.tif")
    with pytest.raises(InputError, match=r"plain\.tif: .*Give the minimum area in pixels"):
        apply_to_file(mosaic_runs.small_model(2), path, outputs, ScaleFlags(min_area="5m2"))
    assert [p.name for p in tmp_path.iterdir()] == ["plain.tif"]


def test_small_files_need_no_tiles(tmp_path: Path) -> None:
    scene = mosaic_runs.write_scene(tmp_path / "scene.tif")
    assert not needs_tiles(scene, 1 << 30, 100, 100)
    assert needs_tiles(scene, 500 << 20, 100, 100)
    assert open_source(scene).shape == (200, 230)


@pytest.mark.parametrize(
    ("text", "expected"), [("800M", 800 << 20), ("2g", 2 << 30), ("1.5GiB", 3 << 29), ("7", 7)]
)
def test_amounts_of_memory(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "lots", "-1G", "2X"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(UsageError, match="`--memory` must be an amount such as 800M or 2G"):
        parse_bytes(text)


def test_more_memory_gives_larger_tiles_and_too_little_is_refused() -> None:
    sizes = [plan_tile_pixels(m << 20, 4, 2) for m in (650, 700, 1024, 1 << 20)]
    assert sizes == sorted(sizes)
    assert plan_tile_pixels(4 << 30, 4, 2, n_workers=4) < plan_tile_pixels(4 << 30, 4, 2)
    with pytest.raises(UsageError, match=r"`--memory` must be at least \d+M for 1 worker"):
        plan_tile_pixels(300 << 20, 4, 2)
    assert fits_in_memory(1 << 30, 1000, 3, 100, 100)
