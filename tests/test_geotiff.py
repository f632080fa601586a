from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import posix_only
from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.io.geotiff import open_geotiff, read_geotiff, read_tags, write_label_geotiff
from nuriwake.raster import Georeference, Window

rasterio = pytest.importorskip("rasterio")
UTM = rasterio.crs.CRS.from_epsg(32618).to_wkt()
PLACE = Georeference(UTM, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))


def write_bands(path: Path, array: np.ndarray, **profile: object) -> Path:
    """Write (bands, H, W) with rasterio; ``mask`` and ``colorinterp`` as in rasterio."""
    mask, colours = profile.pop("mask", None), profile.pop("colorinterp", None)
    count, height, width = array.shape
    place = {"crs": PLACE.crs, "transform": rasterio.Affine(*PLACE.transform)} | profile
    shape = {"height": height, "width": width, "count": count, "dtype": array.dtype}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", **shape, **place) as file,
    ):
        if colours:
            file.colorinterp = colours
        file.write(array)
        if mask is not None:
            file.write_mask(mask)
    return path


def test_a_mask_beside_a_nodata_value_is_no_news(tmp_path: Path) -> None:
    """Nothing is said, also where no one has turned the warnings of libraries off."""
    mask = np.array([[255, 0]], np.uint8)
    path = write_bands(tmp_path / "a.tif", np.ones((2, 1, 2), np.uint8), mask=mask, nodata=1)
    assert read_geotiff(path).valid.tolist() == [[True, False]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("transform", [(0, 0, 5, 0, 0, 7), (1, 0, np.nan, 0, 1, 0)])
def test_a_grid_without_an_extent_is_no_place(tmp_path: Path, transform) -> None:
    array = np.ones((1, 4, 4), np.uint8)
    path = write_bands(tmp_path / "a.tif", array, transform=rasterio.Affine(*transform))
    assert read_geotiff(path).georeference is None


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_what_rasterio_wrote_is_read(tmp_path: Path, dtype: str) -> None:
    array = np.arange(5 * 20 * 30).reshape(5, 20, 30).astype(dtype)
    path = write_bands(tmp_path / "a.tif", array)
    raster = read_geotiff(path)
    np.testing.assert_array_equal(np.moveaxis(raster.array, -1, 0), array)
    assert raster.array.dtype == dtype
    assert raster.valid.all()
    assert raster.georeference == PLACE
    assert raster.path == path


def test_a_window_has_its_own_place(tmp_path: Path) -> None:
    array = np.arange(2 * 20 * 30, dtype=np.uint16).reshape(2, 20, 30)
    source = open_geotiff(write_bands(tmp_path / "a.tif", array))
    window = Window(3, 4, 5, 6)
    raster = pickle.loads(pickle.dumps(source)).read(window)
    np.testing.assert_array_equal(raster.array, np.moveaxis(array[:, 3:8, 4:10], 0, -1))
    assert raster.georeference == PLACE.shifted(3, 4)


def test_bands_are_selected_in_the_order_asked_for(tmp_path: Path) -> None:
    array = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 2, 2), np.uint8)
    source = open_geotiff(write_bands(tmp_path / "a.tif", array), bands=(4, 3, 2))
    assert source.read(Window(0, 0, 1, 1)).array.tolist() == [[[3, 2, 1]]]
    for wrong in ((0,), (5,), (1, 9)):
        with pytest.raises(UsageError, match=r"`bands` must be .* in \[1, 4\] .*a\.tif"):
            source.select(wrong)


def test_a_shared_nodata_value_of_integers_is_a_colour(tmp_path: Path) -> None:
    array = np.array([[[0, 0, 5]], [[0, 7, 7]]], np.uint8)
    source = open_geotiff(write_bands(tmp_path / "a.tif", array, nodata=0))
    assert source.read(Window(0, 0, 1, 3)).valid.tolist() == [[False, True, True]]


def test_a_float_pixel_that_misses_a_band_has_no_data(tmp_path: Path) -> None:
    array = np.array([[[-9999, 1, np.nan, 4]], [[1, -9999, 3, 4]]], np.float32)
    source = open_geotiff(write_bands(tmp_path / "a.tif", array, nodata=-9999))
    assert source.read(Window(0, 0, 1, 4)).valid.tolist() == [[False, False, False, True]]


def test_a_nodata_value_for_each_band(tmp_path: Path) -> None:
    array = np.array([[[9, 1, 1, 1]], [[1, 0, 9, 3]]], np.int16)
    path = write_bands(tmp_path / "a.tif", array)
    vrt = tmp_path / "a.vrt"
    bands = "".join(
        f'<VRTRasterBand dataType="Int16" band="{band}"><NoDataValue>{value}</NoDataValue>'
        f"<SimpleSource><SourceFilename>{path}</SourceFilename><SourceBand>{band}</SourceBand>"
        "</SimpleSource></VRTRasterBand>"
        for band, value in ((1, 9), (2, 0))
    )
    vrt.write_text(f'<VRTDataset rasterXSize="4" rasterYSize="1">{bands}</VRTDataset>')
    source = open_geotiff(vrt)
    assert source.nodata == (9.0, 0.0)
    assert source.read(Window(0, 0, 1, 4)).valid.tolist() == [[False, False, True, True]]
    assert source.select([2]).read(Window(0, 0, 1, 4)).valid.tolist() == [[True, False, True, True]]


def test_an_alpha_band_is_a_mask_and_no_band(tmp_path: Path) -> None:
    array = np.array([[[1, 2]], [[3, 4]], [[5, 6]], [[0, 255]]], np.uint8)
    colours = [rasterio.enums.ColorInterp[name] for name in ("red", "green", "blue", "alpha")]
    source = open_geotiff(write_bands(tmp_path / "a.tif", array, colorinterp=colours))
    assert source.bands == (1, 2, 3)
    assert source.read(Window(0, 0, 1, 2)).valid.tolist() == [[False, True]]


def test_a_mask_band(tmp_path: Path) -> None:
    mask = np.array([[255, 0]], np.uint8)
    path = write_bands(tmp_path / "a.tif", np.ones((2, 1, 2), np.uint8), mask=mask)
    assert read_geotiff(path).valid.tolist() == [[True, False]]


def test_a_raster_without_place(tmp_path: Path) -> None:
    array = np.ones((1, 3, 3), np.uint8)
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        path = write_bands(
            tmp_path / "a.tif", array, crs=None, transform=rasterio.Affine.identity()
        )
    assert read_geotiff(path).georeference is None


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    shape=st.tuples(st.integers(1, 600), st.integers(1, 600)),
    max_label=st.sampled_from([200, 60_000, 2**31 - 1]),
)
def test_label_maps_are_kept_exactly(tmp_path: Path, shape, max_label: int) -> None:
    labels = np.random.default_rng(0).integers(0, max_label, shape, np.int32, endpoint=True)
    cut = shape[0] // 2
    blocks = [
        (Window(0, 0, cut, shape[1]), labels[:cut]),
        (Window(cut, 0, shape[0] - cut, shape[1]), labels[cut:]),
    ]
    path = tmp_path / "labels.tif"
    write_label_geotiff(
        path, shape, blocks[not cut :], max_label=max_label, georeference=PLACE, tags={"RUN": "7"}
    )
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), labels)
        assert file.nodata == 0
        assert file.crs.to_wkt() == UTM
        assert tuple(file.transform)[:6] == PLACE.transform
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert read_tags(path)["RUN"] == "7"
    assert [p.name for p in tmp_path.iterdir()] == ["labels.tif"]


def test_overviews_show_labels_that_exist(tmp_path: Path) -> None:
    labels = np.kron(np.array([[1, 9], [9, 1]], np.int32), np.ones((600, 600), np.int32))
    path = tmp_path / "labels.tif"
    blocks = [(Window(0, 0, 1200, 1200), labels)]
    write_label_geotiff(path, (1200, 1200), blocks, max_label=9, georeference=PLACE)
    with rasterio.open(path) as file:
        assert file.block_shapes == [(512, 512)]
        assert len(file.overviews(1)) >= 1
    with rasterio.open(path, overview_level=0) as overview:
        assert set(np.unique(overview.read(1)).tolist()) == {1, 9}


def test_the_scene_keeps_its_place(shared_data: Path) -> None:
    path = shared_data / "geo" / "RGB.byte.tif"
    raster = read_geotiff(path)
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(raster.valid, file.dataset_mask() > 0)
        assert raster.georeference == Georeference(file.crs.to_wkt(), tuple(file.transform)[:6])


def test_a_truncated_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 200, 200), np.uint8)
    path = write_bands(tmp_path / "a.tif", noise)
    whole = path.read_bytes()
    for size in (0, 4, 1000, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(
            InputError, match=r"a\.tif: (cannot be read|the file is) .+\.$"
        ) as caught:
            read_geotiff(path)
        assert "\n" not in str(caught.value)


def test_a_missing_file_and_an_empty_scene(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.tif: no such file"):
        open_geotiff(tmp_path / "b.tif")
    path = write_bands(tmp_path / "a.tif", np.zeros((1, 2, 2), np.uint8), nodata=0)
    with pytest.raises(InputError, match="no valid pixel, all 4 are nodata"):
        read_geotiff(path)
    complex_path = write_bands(tmp_path / "c.tif", np.ones((1, 2, 2), np.complex64))
    with pytest.raises(InputError, match="ints or floats; got complex64"):
        open_geotiff(complex_path)


WRITE_LIMITED = """
import resource, sys
import numpy as np
from pathlib import Path
from nuriwake.errors import OutputError
from nuriwake.io.geotiff import write_label_geotiff
from nuriwake.raster import Window
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
labels = np.random.default_rng(0).integers(0, 255, (1024, 1024), np.int32)
try:
    write_label_geotiff(Path(sys.argv[1]), (1024, 1024), [(Window(0, 0, 1024, 1024), labels)],
                        max_label=255)
except OutputError as error:
    print(error)
"""


@posix_only
@pytest.mark.parametrize("limit", [100_000, 1_060_000, 1_100_000])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "labels.tif"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", WRITE_LIMITED, path, str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"{path}: cannot be written (")
    assert len(done.stdout.splitlines()) == 1
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["labels.tif"]


def test_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_label_geotiff(tmp_path / "file" / "a.tif", (1, 1), [], max_label=1)
