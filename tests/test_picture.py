"""Pictures that Pillow decodes, and those that it would refuse or would spoil."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from nuriwake.errors import InputError
from nuriwake.io.image import image_size, read_image

RNG = np.random.default_rng(0)


def png(width: int, height: int, depth: int, body: bytes) -> bytes:
    """Write a grey PNG by hand."""
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_more_pixels_than_pillow_opens():
    side = 13_400
    row = bytes(1) + RNG.bytes(side // 8)
    data = png(side, side, 1, zlib.compress(row * side, 1))
    assert side**2 > Image.MAX_IMAGE_PIXELS
    assert image_size(io.BytesIO(data)) == ((side, side), 1)
    expected = np.unpackbits(np.frombuffer(row[1:], np.uint8))
    raster = read_image(io.BytesIO(data))
    np.testing.assert_array_equal(raster.array[side // 2, :, 0] > 0, expected > 0)


def test_more_pixels_than_a_file_can_hold():
    data = png(60_000, 60_000, 8, zlib.compress(bytes(100)))
    with pytest.raises(InputError, match="declares 60000 x 60000 x 1 pixels"):
        image_size(io.BytesIO(data))


@pytest.mark.parametrize("n_bands", [1, 2, 3, 4])
def test_16_bit_png_keeps_its_bits(n_bands, tmp_path):
    array = RNG.integers(1, 65536, (5, 6, n_bands)).astype(np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(array[:, :, 0] if n_bands == 1 else array))
    colours = array[:, :, :-1] if n_bands in (2, 4) else array
    np.testing.assert_array_equal(read_image(path).array, colours)


def test_formats_that_start_programs_are_not_opened(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(InputError, match="its first bytes are of no known format"):
        read_image(path)


def test_names_that_no_system_takes(tmp_path):
    with pytest.raises(InputError, match="File name too long"):
        read_image(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(InputError, match="a folder, where a file is needed"):
        read_image(tmp_path)
