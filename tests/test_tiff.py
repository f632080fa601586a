"""TIFF at the door: what is damaged, or declares more than it holds, is refused before decoding."""

from __future__ import annotations

import io
import struct
import warnings

import numpy as np
import pytest
import tifffile

from nuriwake.errors import InputError
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import image_size, read_image
from nuriwake.io.sources import open_windows, read_input
from nuriwake.raster import Window

RGB = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)


def tiff(array: np.ndarray = RGB, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def with_tag(data: bytes, code: int, value: int) -> bytes:
    """Give a tag of the first page of a little-endian TIFF another value."""
    (page,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, page)
    for entry in range(page + 2, page + 2 + 12 * n_tags, 12):
        found, kind = struct.unpack_from("<HH", data, entry)
        if found == code:
            form = "<H" if kind == 3 else "<I"
            packed = struct.pack(form, value)
            return data[: entry + 8] + packed + data[entry + 8 + len(packed) :]
    raise AssertionError(code)


def with_next_page(data: bytes, offset: int) -> bytes:
    (page,) = struct.unpack_from("<I", data, 4)
    (n_tags,) = struct.unpack_from("<H", data, page)
    end = page + 2 + 12 * n_tags
    return data[:end] + struct.pack("<I", offset) + data[end + 4 :]


def test_streams_are_read_as_files_are():
    for data in (tiff(), tiff(compression="zlib", rowsperstrip=7)):
        np.testing.assert_array_equal(read_image(io.BytesIO(data)).array, RGB)
        assert image_size(io.BytesIO(data)) == ((20, 30), 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_the_nodata_value_of_a_file_is_heeded_as_gdal_does(dtype, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    values = np.random.default_rng(0).integers(0, 3, (3, 20, 30)).astype(dtype)
    shape = {
        "transform": rasterio.Affine(2, 0, 0, 0, -2, 0),
        "driver": "GTiff",
        "height": 20,
        "width": 30,
        "count": 3,
        "dtype": dtype,
    }
    # GDAL keeps bands interleaved by line or one after the other.
    for interleave in ("pixel", "band"):
        path = tmp_path / f"{interleave}.tif"
        with rasterio.open(path, "w", nodata=0, interleave=interleave, **shape) as file:
            file.write(values)
        valid = read_image(path).valid
        np.testing.assert_array_equal(valid, read_geotiff(path).valid)
        assert not valid.all()


WIDTH, LENGTH, ROWS_PER_STRIP = 256, 257, 278
BROKEN = {
    "nothing": (b"II*\0" + bytes(5), "cannot be read as a TIFF"),
    "no page": (b"II*\0" + bytes(4), "it has no page"),
    "circle": (with_next_page(tiff(), struct.unpack_from("<I", tiff(), 4)[0]), "in a circle"),
    "next page beyond": (with_next_page(tiff(), 10**6), "cut off before its page 2 ends"),
    "huge": (
        with_tag(with_tag(tiff(photometric="rgb"), WIDTH, 2**31), LENGTH, 2**31),
        "declares .* no file expands more than 4096 times",
    ),
    "longer": (with_tag(tiff(rowsperstrip=5), LENGTH, 60), "8 of 12 strips or tiles are missing"),
    "wider": (with_tag(tiff(photometric="rgb"), WIDTH, 90), "holds only a part of them"),
    "cut off": (tiff(rowsperstrip=5)[:-40], "cut off|cannot be read"),
    "complex": (tiff(RGB[:, :, 0].astype(np.complex64)), "must be ints or floats; got complex64"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_costs_one_line(case, tmp_path):
    data, message = BROKEN[case]
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    for read in (read_image, image_size):
        with pytest.raises(InputError, match=message) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("is_placed", [True, False])
@pytest.mark.parametrize("is_internal", [True, False])
def test_a_mask_that_gdal_wrote_is_heeded_by_every_road(is_internal, is_placed, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    valid = np.ones((20, 30), bool)
    valid[:7, :9] = False
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "height": 20, "width": 30, "count": 3, "dtype": "uint8"}
    place = {"transform": rasterio.Affine(2, 0, 0, 0, -2, 0), "crs": "EPSG:32633"}
    with (
        warnings.catch_warnings(action="ignore"),  # of rasterio: it lies nowhere
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=is_internal),
        rasterio.open(path, "w", **profile, **(place if is_placed else {})) as file,
    ):
        file.write(np.moveaxis(RGB, 2, 0))
        file.write_mask(valid)
    windows = open_windows(path)
    np.testing.assert_array_equal(windows.read(Window.full(windows.shape)).valid, valid)
    np.testing.assert_array_equal(read_input(path).valid, valid)
    if is_internal:  # from bytes alone, as the page has them, and without GDAL
        np.testing.assert_array_equal(read_image(io.BytesIO(path.read_bytes())).valid, valid)
        np.testing.assert_array_equal(read_image(path, 1).valid, valid)


def test_a_mask_follows_its_page_and_counts_more_than_alpha():
    valid = np.arange(600).reshape(20, 30) % 3 > 0
    rgba = np.concatenate([RGB, np.zeros((20, 30, 1), np.uint8)], axis=2)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(RGB, photometric="rgb")
        file.write(rgba, photometric="rgb", extrasamples=["unassalpha"])
        file.write(rgba[::2, ::2], photometric="rgb", extrasamples=[2], subfiletype=1)
        file.write(valid[::2, ::2], photometric="mask", subfiletype=5)
        file.write(valid, photometric="mask", subfiletype=4)
    assert read_image(buffer, 1).valid.all()
    raster = read_image(buffer, 2)
    assert raster.n_bands == 3
    np.testing.assert_array_equal(raster.valid, valid)
