"""TIFF at the door: what is damaged, or declares more than it holds, is refused before decoding."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile

from nuriwake.errors import InputError
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import image_size, read_image

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
    "next page beyond": (with_next_page(tiff(), 10**6), "cannot be read as a TIFF"),
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
