"""Which way an input goes: by its size alone, whatever it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import mosaic_runs
from nuriwake.errors import InputError, UsageError
from nuriwake.io.selection import Selection
from nuriwake.io.sources import read_input
from nuriwake.jobs.kinds import TILED_KINDS
from nuriwake.jobs.route import Extent, choose_route, measure, refuse_what_is_lost
from nuriwake.settings import RECIPES, Settings

rasterio = pytest.importorskip("rasterio")


def test_extents_are_read_without_pixels(tmp_path):
    Image.fromarray(np.zeros((4, 6, 4), np.uint8)).save(tmp_path / "a.png")
    tifffile.imwrite(
        tmp_path / "plain.tif", np.zeros((4, 6, 5), np.uint16), photometric="minisblack",
        planarconfig="contig",
    )  # fmt: skip
    tifffile.imwrite(
        tmp_path / "stack.tif", np.zeros((3, 4, 6), np.uint8), photometric="minisblack"
    )
    scene = mosaic_runs.write_scene(tmp_path / "scene.tif")
    assert measure(tmp_path / "a.png") == Extent((4, 6), 4)
    assert measure(tmp_path / "plain.tif") == Extent((4, 6), 5)
    assert measure(tmp_path / "stack.tif").n_pages == 3
    assert measure(scene, Selection((1,))) == Extent((200, 230), 1)
    with pytest.raises(InputError, match="no such file"):
        measure(tmp_path / "nix.png")


def test_the_way_follows_from_the_size():
    assert choose_route(Extent((200, 230), 4), 1 << 30, Settings(recipe="tip2020")) == "whole"
    assert choose_route(Extent((200, 230), 4), 500 << 20, Settings(recipe="tip2020")) == "tiled"
    assert choose_route(Extent((9000, 9000), 4), 1 << 30, None) == "tiled"
    assert choose_route(Extent((20, 20), 1, n_pages=2), 1 << 40, None) == "stack"


@pytest.mark.parametrize(
    ("route", "recipe", "asked", "kinds", "message"),
    [
        ("tiled", "tip2020", {"--regions": 3}, ("labels",), "--regions .* or use --recipe fast"),
        ("tiled", "fast", {}, ("overlay",), "--save overlay .* labels, regions, polygons"),
        ("stack", "tip2020", {"--scribbles": Path("s")}, ("labels",), "--scribbles .* a stack"),
        ("stack", "tip2020", {}, ("regions",), "--save regions"),
        ("stack", "fast", {"--model": "m"}, ("labels",), "--model .* a stack.* apply MODEL"),
        ("stack", "fast", {"--regions": 3}, ("polygons",), "--save polygons"),
        ("stack", "tip2020", {"--regions": 3}, ("labels",), "--regions .* use --recipe fast"),
    ],
)
def test_what_a_way_cannot_do_is_refused(route, recipe, asked, kinds, message):
    with pytest.raises(UsageError, match=rf"a\.tif: .*{message}"):
        refuse_what_is_lost(Path("a.tif"), route, RECIPES[recipe], asked, kinds)


def test_what_a_way_can_do_passes():
    everything = {"--regions": 3, "--labels": 2, "--scribbles": Path("s")}
    refuse_what_is_lost(Path("a"), "whole", RECIPES["tip2020"], everything, ("result",))
    refuse_what_is_lost(Path("a"), "tiled", RECIPES["fast"], everything, TILED_KINDS)


@pytest.mark.parametrize("bands", [(), (2, 1)])
def test_tags_change_no_pixel(tmp_path, bands):
    array = np.random.default_rng(0).integers(1, 4096, (20, 24, 5), dtype=np.uint16)
    plain, tagged = tmp_path / "plain.tif", tmp_path / "tagged.tif"
    tifffile.imwrite(plain, array, photometric="minisblack", planarconfig="contig")
    with rasterio.open(
        tagged, "w", "GTiff", width=24, height=20, count=5, dtype="uint16", crs="EPSG:32633",
        transform=rasterio.Affine(10, 0, 5, 0, -10, 6),
    ) as file:  # fmt: skip
        file.write(array.transpose(2, 0, 1))
    one, two = (read_input(path, Selection(bands)) for path in (plain, tagged))
    np.testing.assert_array_equal(one.array, two.array)
    np.testing.assert_array_equal(one.valid, two.valid)


def test_the_first_page_of_a_geotiff_keeps_its_place(tmp_path):
    scene = mosaic_runs.write_scene(tmp_path / "scene.tif")
    whole, first = read_input(scene), read_input(scene, Selection(page=1))
    assert whole.georeference is not None
    assert first.georeference == whole.georeference
    np.testing.assert_array_equal(first.valid, whole.valid)
    assert not first.valid.all()
