"""Rasters on the command line: GeoTIFF in and out, tiles, stacks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from nuriwake.faces.cli import run
from nuriwake.io.image import read_labels

rasterio = pytest.importorskip("rasterio")

PLACE = rasterio.Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 6_000_000.0)
QUICK = ["--max-iter", "3", "--n-channels", "8", "--quiet"]


@pytest.fixture
def scene(tmp_path):
    """A GeoTIFF of 4 bands, 96 x 128 pixels, with a corner of nodata."""
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(200, 4000, (4, 6, 8)), np.ones((1, 16, 16)))
    bands = (blocks + rng.normal(0, 20, blocks.shape)).astype(np.uint16)
    bands[:, :20, :30] = 0
    path = tmp_path / "scene.tif"
    with rasterio.open(
        path, "w", "GTiff", width=128, height=96, count=4, dtype="uint16", crs="EPSG:32633",
        transform=PLACE, nodata=0, tiled=True, blockxsize=32, blockysize=32,
    ) as file:  # fmt: skip
        file.write(bands)
    return path


def _check_place(path):
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 32633
        assert file.transform == PLACE
        assert file.nodata == 0
        return file.read(1)


def test_segment_keeps_the_place_and_nodata(scene, tmp_path):
    out = tmp_path / "out"
    flags = ["--bands", "4,3,2", "--save", "regions,labels,overlay,polygons"]
    assert run(["segment", str(scene), "-o", str(out), *flags, *QUICK]) == 0
    regions = _check_place(out / "scene.regions.tif")
    _check_place(out / "scene.labels.tif")
    assert (regions[:20, :30] == 0).all()
    assert (regions[20:] > 0).all()
    import pyogrio

    _, _, _, columns = pyogrio.raw.read(out / "scene.polygons.gpkg")
    assert len(columns[0]) == regions.max()
    assert json.loads((out / "scene.nuriwake.json").read_text())["request"]["bands"] == "4,3,2"


@pytest.fixture
def no_memory(monkeypatch):
    """Pretend that no raster fits the memory."""
    monkeypatch.setattr("nuriwake.scale.memory.fits_in_memory", lambda *_: False)


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize(
    ("flags", "kinds"),
    [
        (["--regions", "9"], ["regions"]),
        (["--save", "labels,polygons"], ["labels"]),
        (["--recipe", "tip2020", "--save", "labels,regions,polygons"], ["labels", "regions"]),
    ],
)
def test_what_does_not_fit_goes_tile_by_tile(scene, tmp_path, flags, kinds, capsys):
    out = tmp_path / "out"
    arguments = ["segment", str(scene), "-o", str(out), "--memory", "2G", *flags, *QUICK[:-1]]
    assert run(arguments) == 0
    assert "tile by tile" in capsys.readouterr().err
    for kind in kinds:
        shown = _check_place(out / f"scene.{kind}.tif")
        assert (shown[:20, :30] == 0).all()
        assert (shown[20:] > 0).all()
        if "--regions" in flags:
            assert np.unique(shown).tolist() == list(range(10))
    assert (out / "scene.polygons.gpkg").exists() == ("polygons" in flags[-1])
    assert run([*arguments, "--resume"]) == 0
    assert "done before, skipped" in capsys.readouterr().err


@pytest.mark.usefixtures("no_memory")
def test_pictures_of_what_does_not_fit_are_refused(scene, tmp_path, capsys):
    arguments = ["segment", str(scene), "-o", str(tmp_path / "out"), "--save", "overlay", "--quiet"]
    assert run(arguments) == 2
    said = "a raster beyond --memory with fast, which gives labels, regions, polygons"
    assert said in capsys.readouterr().err


def test_apply_labels_rasters_and_resumes(scene, tmp_path, capsys):
    model, out = tmp_path / "m.safetensors", tmp_path / "out"
    assert run(["fit", str(scene), "-m", str(model), *QUICK]) == 0
    arguments = ["apply", str(model), str(scene), "-o", str(out), "--save", "labels,regions"]
    assert run([*arguments, "--memory", "2G", "--quiet"]) == 0
    labels = _check_place(out / "scene.labels.tif")
    assert (labels[:20, :30] == 0).all()
    assert run([*arguments, "--memory", "2G", "--resume"]) == 0
    assert "done before, skipped" in capsys.readouterr().err
    (out / "scene.labels.tif").write_bytes(b"improved by hand")
    assert run([*arguments, "--quiet"]) == 1
    assert "changed since nuriwake. Use --overwrite" in capsys.readouterr().err
    assert run([*arguments, "--quiet", "--overwrite"]) == 0
    np.testing.assert_array_equal(_check_place(out / "scene.labels.tif"), labels)


def test_models_of_fast_label_what_fits_the_memory(scene, tmp_path, capsys, monkeypatch):
    model, out = tmp_path / "m.safetensors", tmp_path / "o"
    assert run(["fit", str(scene), "-m", str(model), "--recipe", "fast", *QUICK]) == 0
    arguments = ["apply", str(model), str(scene), "-o", str(out), "--quiet"]
    assert run([*arguments, "--save", "labels,regions,overlay"]) == 0
    assert (_check_place(out / "scene.labels.tif")[20:] > 0).all()
    monkeypatch.setattr("nuriwake.scale.memory.fits_in_memory", lambda *_: False)
    assert run(arguments) == 2
    assert "nuriwake fit --recipe tip2020" in capsys.readouterr().err


@pytest.fixture
def stack(tmp_path):
    """Three pages, the last one upside down."""
    rng = np.random.default_rng(0)
    page = np.kron(rng.integers(0, 256, (4, 5)), np.ones((8, 8))).astype(np.uint8)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.stack([page, page, page[::-1]]), photometric="minisblack")
    return path


def test_pages_of_a_stack_share_one_model(stack, tmp_path, capsys):
    out, named = tmp_path / "out", tmp_path / "named.tif"
    flags = ["--recipe", "tip2020", "--crop-size", "16", *QUICK]
    assert run(["segment", str(stack), "-o", str(out), "--json", *flags]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["route"], record["pieces"], record["iterations"]) == ("stack", 3, 3)
    pages = tifffile.imread(out / "stack.labels.tif")
    assert pages.shape == (3, 32, 40)
    np.testing.assert_array_equal(pages[0], pages[1])
    assert run(["segment", str(stack), "-o", str(named), *flags]) == 0
    np.testing.assert_array_equal(tifffile.imread(named), pages)
    assert run(["segment", str(stack), "-o", str(out), "--resume", *flags[:-1]]) == 0
    assert "done before, skipped" in capsys.readouterr().err
    capsys.readouterr()
    local = ["--recipe", "tip2020", "--regions", "3", "--quiet"]
    assert run(["segment", str(stack), "-o", str(out), *local]) == 2
    assert "--regions cannot be done for a stack of pages" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", ["fast", "tip2020"])
def test_blank_pages_teach_nothing(tmp_path, capsys, recipe):
    page = np.kron(np.random.default_rng(0).random((4, 5)), np.ones((8, 8))).astype(np.float32)
    blank = np.full_like(page, np.nan)
    for name, pages in (("some", [page, blank, page]), ("none", [blank, blank, blank])):
        tifffile.imwrite(tmp_path / f"{name}.tif", np.stack(pages), photometric="minisblack")
    flags = ["--recipe", recipe, "-o", str(tmp_path / "out"), *QUICK]
    flags += ["--crop-size", "16"] if recipe == "tip2020" else []
    assert run(["segment", str(tmp_path / "some.tif"), *flags]) == 0
    labels = tifffile.imread(tmp_path / "out" / "some.labels.tif")
    assert [bool(each.any()) for each in labels] == [True, False, True]
    assert run(["segment", str(tmp_path / "none.tif"), *flags]) == 1
    assert "none.tif: no valid pixel in 3 pages" in capsys.readouterr().err


def test_each_page_of_a_stack_is_cut(stack, tmp_path, capsys):
    out, flags = tmp_path / "out", ["--quiet", *QUICK]
    arguments = ["segment", str(stack), "-o", str(out), "--recipe", "fast", *flags]
    assert run([*arguments, "--regions", "5"]) == 0
    regions = tifffile.imread(out / "stack.regions.tif")
    assert regions.shape == (3, 32, 40)
    assert [len(np.unique(page)) for page in regions] == [5, 5, 5]
    np.testing.assert_array_equal(regions[0], regions[1])
    assert run([*arguments, "--detail", "coarse", "--labels", "2", "--save", "labels,regions"]) == 0
    labels = tifffile.imread(out / "stack.labels.tif")
    assert np.unique(labels).tolist() == [1, 2]
    np.testing.assert_array_equal(labels[0], labels[1])
    coarse = tifffile.imread(out / "stack.regions.tif")
    assert coarse[0].max() == coarse[1].max()
    record = json.loads((out / "stack.nuriwake.json").read_text())
    assert record["n_regions"] == sum(int(page.max()) for page in coarse)
    assert record["n_labels"] == 2
    capsys.readouterr()
    assert run([*arguments, "--regions", "9999"]) == 2
    error = capsys.readouterr().err
    assert "page 1 of" in error
    assert error.count("\n") == 1
    assert run([*arguments, "--labels", "60"]) == 2
    assert "`labels` must be an int in [1, " in capsys.readouterr().err


def test_apply_labels_stacks(stack, tmp_path, capsys):
    model, out = tmp_path / "m.safetensors", tmp_path / "out"
    page = tmp_path / "page.tif"
    tifffile.imwrite(page, tifffile.imread(stack, key=0))
    assert run(["fit", str(page), "-m", str(model), "--crop-size", "16", *QUICK]) == 0
    arguments = ["apply", str(model), str(stack), "-o", str(out), "--quiet"]
    assert run(arguments) == 0
    pages = tifffile.imread(out / "stack.labels.tif")
    np.testing.assert_array_equal(pages[0], pages[1])
    assert run([*arguments, "--min-area", "5"]) == 2
    assert "--min-area cannot be done for a stack" in capsys.readouterr().err
    for tolerance in ("nan", "-1", "inf"):
        assert run([*arguments, "--save", "polygons", "--tolerance", tolerance]) == 2
        said = f"`--tolerance` must be a number of pixels, at least 0; got {float(tolerance)}."
        assert said in capsys.readouterr().err


def test_a_tiff_without_a_place_stays_a_tiff(tmp_path):
    image = np.random.default_rng(0).integers(0, 4096, (20, 24, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", planarconfig="contig")
    assert run(["segment", str(tmp_path / "a.tif"), *QUICK]) == 0
    assert read_labels(tmp_path / "a.regions.tif").shape == (20, 24)
