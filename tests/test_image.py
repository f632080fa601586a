"""Pictures in, label maps out: what is written is read back equal."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.io.image import read_image, read_labels, write_labels

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
def test_lossless_pictures_are_read_exactly(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(RGB).save(path, **options)
    raster = read_image(path)
    np.testing.assert_array_equal(raster.array, RGB)
    assert raster.valid.all()
    assert raster.path == path


def test_jpeg_is_read(tmp_path):
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(tmp_path / "a.jpg", quality=95)
    assert abs(int(read_image(tmp_path / "a.jpg").array.mean()) - 90) <= 1


def test_transparent_pixels_are_invalid(tmp_path):
    rgba = np.dstack([RGB, np.full((6, 9), 255, np.uint8)])
    rgba[0, 0, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    raster = read_image(tmp_path / "a.png")
    assert raster.n_bands == 3
    assert not raster.valid[0, 0]
    assert raster.valid.sum() == 53


def test_palette_pictures_become_rgb(tmp_path):
    Image.fromarray(RGB).quantize(8).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").n_bands == 3


def test_grey_16_bit_png_keeps_its_bits(tmp_path):
    grey = RNG.integers(0, 65536, (5, 4), dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array[:, :, 0], grey)


def test_colour_16_bit_png_keeps_its_bits(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    bands = RNG.integers(0, 65536, (3, 5, 4), dtype=np.uint16)
    path = tmp_path / "a.png"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(path, "w", "PNG", width=4, height=5, count=3, dtype="uint16") as file,
    ):
        file.write(bands)
    np.testing.assert_array_equal(read_image(path).array, np.moveaxis(bands, 0, -1))


def test_camera_orientation_is_applied(tmp_path):
    picture = Image.fromarray(RGB)
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    assert read_image(tmp_path / "a.png").shape == (9, 6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_of_seven_bands(tmp_path, dtype, planar):
    array = RNG.integers(0, 200, (6, 5, 7)).astype(dtype)
    data = array if planar == "contig" else np.moveaxis(array, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, data, photometric="minisblack", planarconfig=planar)
    raster = read_image(path)
    assert raster.array.dtype == dtype
    np.testing.assert_array_equal(raster.array, array)


def test_a_stack_of_pages_is_not_one_picture(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(InputError, match="stack of 4 pages"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.png", None, "no such file"),
        ("empty.png", b"", r"empty \(0 bytes\)"),
        ("text.png", b"hello", "cannot be read as a picture"),
        ("text.tif", b"hello", "cannot be read as a picture"),
    ],
)
def test_files_that_are_no_pictures(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_image(path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_truncated_pictures(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=f"a{suffix}"):
        read_image(path)


@pytest.mark.parametrize(
    ("suffix", "top", "dtype"),
    [
        (".png", 255, np.uint8),
        (".png", 65535, np.uint16),
        (".tif", 200, np.uint8),
        (".tiff", 70000, np.uint32),
    ],
)
def test_labels_round_trip(tmp_path, suffix, top, dtype):
    labels = RNG.integers(0, top, (20, 30)).astype(np.int32)
    labels[0, 0] = top
    path = tmp_path / f"a{suffix}"
    write_labels(path, labels)
    np.testing.assert_array_equal(read_labels(path), labels)
    assert read_image(path).array.dtype == dtype


def test_more_labels_than_a_png_holds(tmp_path):
    with pytest.raises(UsageError, match=r"at most 65535 labels; got 65536\. Use \.tif"):
        write_labels(tmp_path / "a.png", np.array([[65536]], np.int32))
    assert not list(tmp_path.iterdir())


def test_a_lossy_format_for_labels_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"must be a name that ends in \.png"):
        write_labels(tmp_path / "a.jpg", np.ones((2, 2), np.int32))


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_labels(tmp_path / "file" / "a.png", np.ones((2, 2), np.int32))


def test_a_colour_picture_is_no_label_map(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="one band of integers; got 3 bands"):
        read_labels(tmp_path / "a.png")


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits"])
def test_compressed_tiffs_are_read(tmp_path, compression):
    tifffile.imwrite(tmp_path / "a.tif", RGB, compression=compression, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, RGB)
