from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conftest import posix_only
from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.io.coverage import BorderLine, region_features
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.moments import MapTile, last_tiles
from nuriwake.io.vector import write_polygons
from nuriwake.raster import Georeference, Window
from nuriwake.scale.tile_components import label_components
from nuriwake.scale.tiles import plan_tiles

pyogrio = pytest.importorskip("pyogrio")
rasterio = pytest.importorskip("rasterio")
warp = pytest.importorskip("rasterio.warp")
shapely = pytest.importorskip("shapely")

UTM = Georeference(rasterio.crs.CRS.from_epsg(32618).to_wkt(), (10.0, 0, 5e5, 0, -20.0, 4e6))
label_maps = arrays(
    np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


def cut(labels: np.ndarray, tile_shape: tuple[int, int], bands: np.ndarray | None = None):
    regions = label_components(labels)
    bands = np.zeros((*labels.shape, 0)) if bands is None else bands
    for tile in plan_tiles(labels.shape, tile_shape, 0):
        part = tile.core.slices
        yield MapTile(tile.core, regions[part], labels[part], bands[part])


def read_back(path: Path) -> tuple[dict[str, np.ndarray], np.ndarray, str | None]:
    meta, _, geometry, data = pyogrio.raw.read(path)
    return dict(zip(meta["fields"], data, strict=True)), shapely.from_wkb(geometry), meta["crs"]


@given(label_maps, st.tuples(st.integers(1, 9), st.integers(1, 9)), st.sampled_from([0.0, 2.0]))
def test_polygons_cover_the_valid_pixels_once(labels, tile_shape, tolerance) -> None:
    batches = list(
        region_features(cut(labels, tile_shape), labels.shape, None, BorderLine(tolerance))
    )
    polygons = np.concatenate([b.polygons for b in batches] or [np.zeros(0, object)])
    regions = np.concatenate([b.regions for b in batches] or [np.zeros(0, int)])
    assert sorted(regions.tolist()) == list(range(1, label_components(labels).max() + 1))
    assert shapely.is_valid(polygons).all()
    assert shapely.area(polygons).sum() == pytest.approx((labels > 0).sum(), rel=1e-9)
    if len(polygons):
        assert shapely.coverage_is_valid(polygons), "neighbours do not share their borders"
        assert shapely.union_all(polygons).area == pytest.approx((labels > 0).sum(), rel=1e-9)


@given(label_maps, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_each_polygon_is_its_region(labels, tile_shape) -> None:
    regions = label_components(labels)
    for batch in region_features(cut(labels, tile_shape), labels.shape):
        for region, label, polygon, pixels in zip(
            batch.regions, batch.labels, batch.polygons, batch.moments.pixels, strict=True
        ):
            rows, cols = np.nonzero(regions == region)
            assert pixels == polygon.area == len(rows)
            assert (labels[rows, cols] == label).all()
            assert shapely.contains_xy(polygon, cols + 0.5, rows + 0.5).all()


@given(label_maps, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_polygons_do_not_depend_on_the_tiles(labels, tile_shape) -> None:
    def by_region(tiles) -> dict[int, str]:
        batches = region_features(tiles, labels.shape)
        return {r: p.wkt for b in batches for r, p in zip(b.regions, b.polygons, strict=True)}

    assert by_region(cut(labels, tile_shape)) == by_region(cut(labels, labels.shape))


@pytest.mark.parametrize("tolerance", [0.0, 1.5])
def test_a_hole_lies_in_the_right_piece_of_its_region(tolerance) -> None:
    """Two pieces of one region with a hole each; the second lies in a hole of the first."""
    regions = np.zeros((15, 15), np.int32)
    for i, region in enumerate((1, 2, 1, 3)):
        regions[2 * i : 15 - 2 * i, 2 * i : 15 - 2 * i] = region
    tiles = [MapTile(Window.full((15, 15)), regions, regions, np.zeros((15, 15, 0)))]
    (batch,) = region_features(tiles, (15, 15), line=BorderLine(tolerance))
    assert [len(p.geoms) for p in batch.polygons] == [2, 1, 1]
    assert [len(p.interiors) for p in batch.polygons[0].geoms] == [1, 1]
    assert shapely.is_valid(batch.polygons).all()
    if tolerance == 0:
        assert shapely.area(batch.polygons).tolist() == [(regions == i).sum() for i in (1, 2, 3)]


@given(
    label_maps.filter(lambda m: m.any()), st.tuples(st.integers(1, 9), st.integers(1, 9)), st.data()
)
def test_regions_of_several_pieces_are_one_polygon_each(labels, tile_shape, data) -> None:
    """Regions that no data keeps apart, merged: nothing but a table says that they go on."""
    pieces = label_components(labels)
    merged = data.draw(arrays(np.int32, int(pieces.max()), elements=st.integers(1, 4)))
    regions = np.append(0, merged).astype(np.int32)[pieces]
    windows = [tile.core for tile in plan_tiles(labels.shape, tile_shape, 0)]
    last = last_tiles((regions[window.slices] for window in windows), 4)
    tiles = [
        MapTile(window, *[regions[window.slices]] * 2, np.zeros((*window.shape, 0)), last > index)
        for index, window in enumerate(windows)
    ]
    batches = list(region_features(tiles, labels.shape))
    found = np.concatenate([batch.regions for batch in batches])
    assert sorted(found) == np.unique(regions[regions > 0]).tolist()
    polygons = np.concatenate([batch.polygons for batch in batches])
    assert shapely.is_valid(polygons).all()
    assert shapely.area(polygons).tolist() == [(regions == region).sum() for region in found]


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(label_maps.filter(lambda m: m.any()), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_attributes_do_not_depend_on_the_tiles(tmp_path: Path, labels, tile_shape) -> None:
    bands = np.random.default_rng(0).normal(1e4, 3, (*labels.shape, 2))
    bands[labels == 0] = np.nan
    path = tmp_path / "a.gpkg"
    summary = write_polygons(path, cut(labels, tile_shape, bands), labels.shape, UTM)
    table, polygons, _ = read_back(path)
    regions = label_components(labels)
    assert list(table)[:4] == ["region", "label", "pixels", "area_m2"]
    assert list(table)[4:] == ["mean_1", "var_1", "mean_2", "var_2"]
    for i, region in enumerate(table["region"]):
        values = bands[regions == region]
        assert table["pixels"][i] == len(values)
        assert table["area_m2"][i] == pytest.approx(200 * len(values), rel=1e-12)
        assert polygons[i].area == pytest.approx(200 * len(values), rel=1e-9)
        for band in (0, 1):
            assert table[f"mean_{band + 1}"][i] == pytest.approx(values[:, band].mean(), rel=1e-12)
            variance = values[:, band].var()
            assert table[f"var_{band + 1}"][i] == pytest.approx(variance, rel=1e-8, abs=1e-8)
    assert summary.area_m2 == pytest.approx(200 * (labels > 0).sum(), rel=1e-12)
    assert (summary.n_regions, summary.pixels) == (regions.max(), (labels > 0).sum())


FOUR = np.array([[1, 1, 2], [1, 0, 2]], np.int32)


def test_geojson_is_in_wgs84(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    write_polygons(path, cut(FOUR, (1, 2)), FOUR.shape, UTM)
    collection = json.loads(path.read_text())
    assert "crs" not in collection
    first = next(f for f in collection["features"] if f["properties"]["region"] == 1)
    x, y = first["geometry"]["coordinates"][0][0][0]
    expected = warp.transform(UTM.crs, "EPSG:4326", [5e5], [4e6])
    assert (x, y) == pytest.approx((expected[0][0], expected[1][0]), abs=2e-3)
    assert len(str(x).split(".")[1]) <= 7
    assert first["properties"]["area_m2"] == 600


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (4326, (0.5, 0, 179, 0, -0.5, 10)),  # over 180 degrees
        (4326, (90, 0, 0, 0, -45, 90)),  # the whole world from 0 to 360, both poles
        (3832, (1e5, 0, 3.2e6, 0, -1e5, 1e5)),  # over 180 degrees, in metres
        (3995, (1e5, 0, -1.5e5, 0, -1e5, 1.5e5)),  # the pole in the middle
    ],
)
def test_geojson_at_the_ends_of_the_world(tmp_path: Path, crs, transform) -> None:
    labels = np.array([[1, 1, 2, 2], [1, 3, 3, 2], [1, 1, 1, 1], [4, 4, 4, 4]], np.int32)
    place = Georeference(rasterio.crs.CRS.from_epsg(crs).to_wkt(), transform)
    write_polygons(tmp_path / "a.geojson", cut(labels, (3, 3)), labels.shape, place)
    table, polygons, _ = read_back(tmp_path / "a.geojson")
    assert shapely.is_valid(polygons).all()
    west, south, east, north = shapely.total_bounds(polygons)
    assert (west, south, east, north) == pytest.approx(
        (max(west, -180), max(south, -90), min(east, 180), min(north, 90))
    )
    if crs == 4326:
        size = transform[0] * abs(transform[4])
        assert shapely.area(polygons) == pytest.approx(table["pixels"] * size)
    pieces = list(shapely.get_parts(polygons))
    shared = [one.intersection(other).area for one in pieces for other in pieces if one != other]
    assert max(shared) < 1e-6


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (4326, (0.5, 0, 0, 0, -0.5, 91)),  # beyond the pole
        (4326, (120, 0, -180, 0, -0.5, 10)),  # more than once around
        (3857, (1e7, 0, 1e7, 0, -1e7, 1e7)),
        (32633, (1e8, 0, 5e5, 0, -1e8, 6e6)),
    ],
)
def test_what_lies_beyond_the_world_is_no_geojson(tmp_path: Path, crs, transform) -> None:
    labels = np.array([[1, 1, 2, 2]], np.int32)
    place = Georeference(rasterio.crs.CRS.from_epsg(crs).to_wkt(), transform)
    with pytest.raises(InputError, match=r"or lie more than once around the world\. Save .*gpkg"):
        write_polygons(tmp_path / "a.geojson", cut(labels, (1, 4)), labels.shape, place)
    assert not list(tmp_path.iterdir())
    write_polygons(tmp_path / "a.gpkg", cut(labels, (1, 4)), labels.shape, place)


FILLING = """
import resource, sys
from collections import namedtuple
from pathlib import Path
import numpy as np
from nuriwake.errors import OutputError
from nuriwake.io import vector
from nuriwake.io.moments import MapTile
from nuriwake.raster import Window
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
vector.shutil.disk_usage = lambda _: namedtuple("Usage", "free")(0)
labels = np.arange(1, 3601, dtype=np.int32).reshape(60, 60)
tile = MapTile(Window.full(labels.shape), labels, labels, np.zeros((60, 60, 2)))
try:
    vector.write_polygons(Path(sys.argv[1]), [tile], labels.shape)
except OutputError as error:
    print(error)
"""


@posix_only
@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb"])
def test_a_disk_that_fills_is_one_line_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    """The limit of a file's size stands for the disk; what SQLite says tells no reason."""
    command = [sys.executable, "-c", FILLING, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = f"{tmp_path / name}: cannot be written (No space left on device).\n"
    assert (done.stdout, done.stderr) == (said, "")
    assert not list(tmp_path.iterdir())


def test_flatgeobuf(tmp_path: Path) -> None:
    path = tmp_path / "a.fgb"
    write_polygons(path, cut(FOUR, (2, 3)), FOUR.shape, UTM)
    table, polygons, crs = read_back(path)
    assert sorted(table["region"].tolist()) == [1, 2]
    assert rasterio.crs.CRS.from_user_input(crs) == rasterio.crs.CRS.from_epsg(32618)
    assert shapely.area(polygons).sum() == pytest.approx(1000)
    assert [p.name for p in tmp_path.iterdir()] == ["a.fgb"]


def test_without_crs_there_are_pixels_and_no_areas(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    summary = write_polygons(path, cut(FOUR, (2, 3)), FOUR.shape)
    table, polygons, _ = read_back(path)
    assert "area_m2" not in table
    assert summary.area_m2 is None
    assert shapely.total_bounds(polygons).tolist() == [0, 0, 3, 2]
    with pytest.raises(InputError, match="no coordinate reference system"):
        write_polygons(path, cut(FOUR, (2, 3)), FOUR.shape, need_area=True)
    unplaced = replace(UTM, crs=None)
    with pytest.raises(InputError, match="no coordinate reference system"):
        write_polygons(path, cut(FOUR, (2, 3)), FOUR.shape, unplaced, need_area=True)


def test_the_same_map_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gpkg", "b.gpkg"):
        write_polygons(tmp_path / name, cut(FOUR, (1, 2)), FOUR.shape, UTM)
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_unknown_formats_and_places(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`polygons` must be a name that ends in \.gpkg"):
        write_polygons(tmp_path / "a.shp", [], (1, 1))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_polygons(tmp_path / "file" / "a.gpkg", cut(FOUR, (2, 3)), FOUR.shape)


def test_the_scene_as_polygons(shared_data: Path, tmp_path: Path) -> None:
    raster = read_geotiff(shared_data / "geo" / "RGB.byte.tif")
    labels = (raster.array.sum(axis=2) // 128 + 1).astype(np.int32)
    labels[~raster.valid] = 0
    path = tmp_path / "scene.gpkg"
    tiles = cut(labels, (256, 256), raster.array)
    summary = write_polygons(path, tiles, raster.shape, raster.georeference, need_area=True)
    a, _, _, _, e, _ = raster.georeference.transform
    valid_area = raster.valid.sum() * abs(a * e)
    table, polygons, crs = read_back(path)
    assert rasterio.crs.CRS.from_user_input(crs).to_epsg() == 32618
    assert summary.area_m2 == pytest.approx(valid_area, rel=1e-9)
    assert table["area_m2"].sum() == pytest.approx(valid_area, rel=1e-9)
    assert shapely.area(polygons).sum() == pytest.approx(valid_area, rel=1e-9)
    assert Window.full(raster.shape).n_pixels > table["pixels"].sum() == raster.valid.sum()
