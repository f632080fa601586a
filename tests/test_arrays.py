"""One test for each kind of object that people hold an image in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nuriwake.errors import InputError, UsageError
from nuriwake.estimator import Segmenter
from nuriwake.io.arrays import to_raster
from nuriwake.segmenter import segment

RNG = np.random.default_rng(0)
#: Bands last, and no two axes alike.
IMAGE = RNG.integers(1, 255, (24, 32, 5), np.uint8)
RGBA = IMAGE[:, :, :4].copy()
RGBA[:6, :, 3] = 0


def _same(raster, array, valid=True):
    np.testing.assert_array_equal(raster.array, array if array.ndim == 3 else array[:, :, None])
    np.testing.assert_array_equal(raster.valid, np.broadcast_to(valid, array.shape[:2]))


def test_an_array_with_bands_first_is_refused_or_told():
    bands_first = IMAGE.transpose(2, 0, 1)
    with pytest.raises(InputError, match=r"5 bands of 24 x 32 .* channel_axis=0"):
        segment(bands_first)
    with pytest.raises(InputError, match="channel_axis=0"):
        Segmenter().fit(bands_first)
    _same(to_raster(bands_first, channel_axis=0), IMAGE)
    _same(to_raster(IMAGE), IMAGE)


def test_the_whole_way_gives_the_same_from_every_form(blocks, tmp_path):
    """Labels and regions are those of the plain array."""
    plain = segment(blocks, regions=3)
    path = tmp_path / "blocks.png"
    Image.fromarray(blocks).save(path)
    tensor = torch.from_numpy(blocks).permute(2, 0, 1)
    for image, axis in ((path, -1), (str(path), -1), (tensor, 0), (Image.open(path), -1)):
        result = segment(image, regions=3, channel_axis=axis)
        np.testing.assert_array_equal(result.regions, plain.regions)
        np.testing.assert_array_equal(result.labels, plain.labels)
        assert type(result.regions) is np.ndarray
        again = plain.model.predict(image, channel_axis=axis)
        np.testing.assert_array_equal(again, plain.model.predict(blocks))


def test_a_segmenter_takes_lists_of_any_of_them(blocks):
    segmenter = Segmenter(recipe="tip2020", max_iter=2, n_channels=8, max_labels=8, crop_size=16)
    images = [blocks, torch.from_numpy(blocks), Image.fromarray(blocks)]
    assert [labels.shape for labels in segmenter.fit(images).labels_] == [(24, 32)] * 3
    np.testing.assert_array_equal(segmenter.predict(images[1]), segmenter.labels_[0])
    with pytest.raises(UsageError, match="go with one image"):
        segmenter.fit(images, mask=np.ones((24, 32), bool))


def test_lists_of_whole_numbers_are_8_bit_where_they_fit():
    grey = IMAGE[:, :, 0]
    for image in (grey.tolist(), tuple(map(tuple, grey.tolist()))):
        assert to_raster(image).array.dtype == np.uint8
        _same(to_raster(image), grey)
    for image in ([[0, 256]], [[-1, 255]], [[0.0, 255.0]], np.array([[0, 255]])):
        raster = to_raster(image)
        assert raster.array.dtype in (np.int64, np.float64)
        assert raster.array[0, :, 0].tolist() == list(np.asarray(image)[0])


def test_mask_is_another_name_for_valid():
    mask = np.arange(24)[:, None] > 5
    mask = np.broadcast_to(mask, (24, 32))
    for form in (mask, torch.from_numpy(mask.copy()), mask.tolist()):
        _same(to_raster(IMAGE, mask=form), IMAGE, mask)
        _same(to_raster(IMAGE, form), IMAGE, mask)
    assert segment(IMAGE, mask=mask, max_iter=1).labels[0].max() == 0
    with pytest.raises(UsageError, match="`valid` and `mask` are two names"):
        to_raster(IMAGE, mask, mask=mask)
    with pytest.raises(
        InputError, match=r"bool array of shape \(24, 32\); got bool of .*\(32, 24\)"
    ):
        to_raster(IMAGE, mask=mask.T)
    with pytest.raises(
        InputError, match=r"bool array of shape \(24, 32\); got bool of .*\(1, 32\)"
    ):
        to_raster(IMAGE, mask=mask[:1])


def test_what_a_masked_array_masks_is_no_data():
    hidden = np.zeros(IMAGE.shape, bool)
    hidden[3, 4, 2] = hidden[5] = True
    masked = np.ma.masked_array(IMAGE, hidden)
    _same(to_raster(masked), IMAGE, ~hidden.any(axis=2))
    first = np.ma.masked_array(IMAGE.transpose(2, 0, 1), hidden.transpose(2, 0, 1))
    _same(to_raster(first, channel_axis=0), IMAGE, ~hidden.any(axis=2))
    assert segment(masked, max_iter=1).labels[5].max() == 0
    with pytest.raises(InputError, match="no valid pixel"):
        to_raster(np.ma.masked_all((4, 5)))


@pytest.mark.parametrize(
    "dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.uint8, torch.bool]
)
def test_tensors_of_any_dtype(dtype):
    tensor = torch.from_numpy(IMAGE).to(dtype)
    raster = to_raster(tensor)
    _same(raster, tensor.to(torch.float64).numpy())
    assert segment(tensor, max_iter=1).labels.shape == (24, 32)


def test_tensors_with_gradients_of_any_layout_and_view():
    values = torch.from_numpy(IMAGE).float().permute(2, 0, 1)
    _same(to_raster(values.clone().requires_grad_() * 1, channel_axis=0), IMAGE.astype(np.float32))
    _same(to_raster(values[0].to_sparse()), IMAGE[:, :, 0].astype(np.float32))
    _same(to_raster(torch.nn.Parameter(values[0])), IMAGE[:, :, 0].astype(np.float32))
    with pytest.raises(InputError, match=r"channel_axis=0"):
        to_raster(values)
    with pytest.raises(InputError, match=r"got shape \(1, 5, 24, 32\).* such as image\[0\]"):
        to_raster(values[None])
    with pytest.raises(InputError, match="the Tensor of torch cannot be read as an array"):
        to_raster(torch.empty(4, 5, device="meta"))


def test_the_alpha_of_a_picture_is_its_mask(tmp_path):
    picture = Image.fromarray(RGBA)
    _same(to_raster(picture), RGBA[:, :, :3], RGBA[:, :, 3] > 0)
    picture.save(tmp_path / "a.png")
    _same(to_raster(tmp_path / "a.png"), RGBA[:, :, :3], RGBA[:, :, 3] > 0)
    grey = picture.convert("LA")
    assert to_raster(grey).array.shape == (24, 32, 1)
    assert segment(picture, max_iter=1).labels[:6].max() == 0


def test_pictures_of_every_mode():
    colour = Image.fromarray(IMAGE[:, :, :3])
    deep = RNG.integers(0, 65535, (24, 32)).astype(np.uint16)
    _same(to_raster(Image.fromarray(deep)), deep)
    palette = colour.quantize(8)
    _same(to_raster(palette), np.asarray(palette.convert("RGB")))
    palette.info["transparency"] = 0
    assert (~to_raster(palette).valid == (np.asarray(palette) == 0)).all()
    for mode, bands in {"1": 1, "L": 1, "I": 1, "F": 1, "CMYK": 3, "HSV": 3, "RGBX": 3}.items():
        assert to_raster(colour.convert(mode)).array.shape == (24, 32, bands)
    for mode, colour in {"RGBa": (9, 9, 9, 9), "PA": (3, 255)}.items():
        assert to_raster(Image.new(mode, (32, 24), colour)).n_bands == 3


def test_arrays_that_are_read_when_asked(tmp_path):
    dask = pytest.importorskip("dask.array")
    zarr = pytest.importorskip("zarr")
    h5py = pytest.importorskip("h5py")
    _same(to_raster(dask.from_array(IMAGE, chunks=8)), IMAGE)
    group = zarr.open_group(tmp_path / "group", mode="w")
    stored = group.create_array("picture", shape=IMAGE.shape, dtype=IMAGE.dtype)
    stored[:] = IMAGE
    _same(to_raster(stored), IMAGE)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        _same(to_raster(file.create_dataset("picture", data=IMAGE)), IMAGE)
        with pytest.raises(InputError, match=r"a File is no array.*: 'pic"):
            to_raster(file)
        dataset = file["picture"]
    with pytest.raises(InputError, match=r"a Group is no array.*: 'picture'"):
        to_raster(group)
    with pytest.raises(InputError, match="the Dataset of h5py cannot be read as an array"):
        to_raster(dataset)


def test_datasets_of_rasterio(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    bands = IMAGE[:, :, :2].transpose(2, 0, 1).astype(np.float32)
    bands[0, 3, 4] = -1
    profile = {"driver": "GTiff", "width": 32, "height": 24, "count": 2, "dtype": "float32"}
    place = rasterio.Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 6_000_000.0)
    profile |= {"nodata": -1, "crs": "EPSG:32633", "transform": place}
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(bands)
        with memory.open() as file:
            raster = to_raster(file)
            with WarpedVRT(file) as view:
                np.testing.assert_array_equal(to_raster(view).array, raster.array)
        _same(raster, bands.transpose(1, 2, 0), bands[0] != -1)
        assert raster.georeference.transform == tuple(place)[:6]
        assert "32633" in raster.georeference.crs
        with pytest.raises(InputError, match="the dataset is closed"):
            to_raster(file)


def test_names_that_are_no_plain_paths(tmp_path):
    """GDAL's own, as addresses are; and one dataset of a file."""
    pytest.importorskip("rasterio")
    h5py = pytest.importorskip("h5py")
    Image.fromarray(RGBA).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "inside.png")
    _same(to_raster(f"/vsizip/{tmp_path}/a.zip/inside.png"), RGBA[:, :, :3], RGBA[:, :, 3] > 0)
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9/none\.tif: cannot be read"):
        to_raster("http://127.0.0.1:9/none.tif")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("grey", data=IMAGE[:, :, 0])
    _same(to_raster(f"{tmp_path}/a.h5::/grey"), IMAGE[:, :, 0])


@pytest.mark.parametrize(
    "image", [Image.fromarray(RGBA), "a.png", to_raster(IMAGE)], ids=["picture", "path", "raster"]
)
def test_what_knows_its_bands_takes_no_axis(image):
    with pytest.raises(UsageError, match="`channel_axis` is for plain arrays; got 0"):
        to_raster(image, channel_axis=0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "one of NumPy, Dask.* and paths; got None"),
        (object(), r"got a builtins\.object"),
        ({"red": 1}, r"got a builtins\.dict"),
        ([[1, 2], [3]], "the list of builtins cannot be read as an array"),
        (np.array([["a"]]), "real dtype"),
        ("none.png", r"none\.png: no such file"),
        (b"\x89PNG", r"a builtins\.bytes\. Decode it first"),
        (bytearray(b"\x89PNG"), r"a builtins\.bytearray\. Decode it first"),
        (str(Path(__file__).parent), "a folder is no picture"),
    ],
)
def test_what_is_no_image(image, message):
    with pytest.raises(InputError, match=message) as caught:
        segment(image)
    assert "\n" not in str(caught.value)


def test_no_library_is_loaded_for_a_plain_array():
    code = (
        "import sys, numpy; from nuriwake.io.arrays import to_raster; "
        "to_raster(numpy.zeros((4, 5))); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    libraries = {"PIL", "torch", "xarray", "rasterio", "SimpleITK", "dask", "zarr", "h5py"}
    assert not libraries & set(run.stdout.split())
