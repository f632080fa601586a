from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.estimator import Segmenter
from nuriwake.io.arrays import to_raster
from nuriwake.raster import Raster
from nuriwake.segmenter import segment

xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
rasterio = pytest.importorskip("rasterio")

# rioxarray multiplies transforms in a way that affine would like to see no more.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

IMAGE = np.random.default_rng(0).integers(1, 4000, (24, 32, 3)).astype(np.uint16)
PLACE = rasterio.Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 6_000_000.0)


def _array(image=IMAGE, dims=("y", "x", "band")):
    return xarray.DataArray(image, dims=dims)


@pytest.fixture
def scene(tmp_path):
    """A GeoTIFF with nodata in its first rows."""
    image = IMAGE.copy()
    image[:4] = 0
    with rasterio.open(
        tmp_path / "scene.tif", "w", "GTiff", width=32, height=24, count=3, dtype="uint16",
        crs="EPSG:32633", transform=PLACE, nodata=0,
    ) as file:  # fmt: skip
        file.write(image.transpose(2, 0, 1))
        file.descriptions = ("red", "green", "nir")
    return tmp_path / "scene.tif"


@pytest.mark.parametrize(
    "dims", [("y", "x", "band"), ("band", "y", "x"), ("x", "band", "y"), ("channel", "lat", "lon")]
)
def test_dimensions_name_the_axes(dims):
    rows, columns = (next(n for n in dims if n in names) for names in (("y", "lat"), ("x", "lon")))
    bands = next(n for n in dims if n not in (rows, columns))
    image = xarray.DataArray(IMAGE, dims=(rows, columns, bands)).transpose(*dims)
    np.testing.assert_array_equal(to_raster(image).array, IMAGE)
    result = segment(image, max_iter=1)
    assert result.regions.shape == (24, 32)
    labels = result.to_xarray()
    assert labels.dims == tuple(name for name in dims if name != bands)
    np.testing.assert_array_equal(labels.transpose(rows, columns), result.regions)


@pytest.mark.parametrize("shape", [(24, 32, 0), (0, 5, 3)])
def test_an_array_without_values_is_refused(shape):
    with pytest.raises(InputError, match=r"has no values; its shape is \("):
        to_raster(_array(IMAGE[: shape[0], :, : shape[2]]))


def test_a_variable_is_an_array_without_a_place():
    names = ("band", "y", "x")
    variable = xarray.Variable(names, IMAGE.transpose(2, 0, 1), attrs={"_FillValue": 1})
    raster = to_raster(variable)
    np.testing.assert_array_equal(raster.array, IMAGE)
    assert raster.georeference is None
    assert segment(variable, max_iter=1).to_xarray().dims == ("y", "x")


def test_one_of_several_images_is_chosen_by_name():
    stack = xarray.DataArray(IMAGE.transpose(2, 0, 1), dims=("time", "y", "x"))
    with pytest.raises(InputError, match=r"image\.isel\(time=0\); or make them bands: .*='band'"):
        segment(stack)
    np.testing.assert_array_equal(to_raster(stack.rename(time="band")).array, IMAGE)
    np.testing.assert_array_equal(to_raster(stack, channel_axis=0).array, IMAGE)
    np.testing.assert_array_equal(to_raster(stack[:1]).array, IMAGE[:, :, :1])
    with pytest.raises(UsageError, match=r"contradicts .*\('y', 'x', 'band'\); got 0"):
        to_raster(_array(), channel_axis=0)
    with pytest.raises(InputError, match="no single dimension of columns, named x, lon"):
        to_raster(_array(dims=("y", "b", "band")))
    with pytest.raises(InputError, match=r"Dataset holds several variables.*to_dataarray"):
        to_raster(_array().to_dataset(name="scene"))


def test_dimensions_without_names_go_by_their_order():
    np.testing.assert_array_equal(to_raster(xarray.DataArray(IMAGE)).array, IMAGE)
    reversed_ = xarray.DataArray(IMAGE.transpose(2, 0, 1))
    with pytest.raises(InputError, match="channel_axis=0"):
        to_raster(reversed_)
    np.testing.assert_array_equal(to_raster(reversed_, channel_axis=0).array, IMAGE)
    result = segment(reversed_, channel_axis=0, max_iter=1)
    assert result.to_xarray().dims == ("dim_1", "dim_2")


def test_nodata_of_an_opened_file(scene):
    import rioxarray

    valid = np.broadcast_to(np.arange(24)[:, None] >= 4, (24, 32))
    for masked in (False, True):
        with rioxarray.open_rasterio(scene, masked=masked) as image:
            raster = to_raster(image)
            np.testing.assert_array_equal(raster.valid, valid)
            assert raster.band_names == ("red", "green", "nir")
    with rasterio.open(scene) as file:
        np.testing.assert_array_equal(to_raster(file).valid, valid)
    # One value for all bands of integers is a colour; of floats, any band counts.
    ints = xarray.DataArray([[[0, 0], [0, 5]]], dims=("y", "x", "band"), attrs={"_FillValue": 0})
    assert to_raster(ints).valid.tolist() == [[False, True]]
    with pytest.raises(InputError, match="no valid pixel"):
        to_raster(ints.astype(float))


def test_from_a_dataarray_to_labels_to_a_geotiff(scene, tmp_path):
    import rioxarray

    with rioxarray.open_rasterio(scene) as image:
        result = segment(image, max_iter=2)
        labels = result.to_xarray()
        assert labels.rio.crs == image.rio.crs
        assert (labels.rio.nodata, labels.name, labels.dtype) == (0, "regions", np.int32)
        xarray.testing.assert_equal(labels.coords["x"], image.coords["x"])
        labels.rio.to_raster(tmp_path / "labels.tif")
        cut = result.to_xarray(labels=result.cut(2))
        assert np.unique(cut).tolist() == [0, 1, 2]
    with rasterio.open(tmp_path / "labels.tif") as file:
        assert file.crs.to_epsg() == 32633
        assert file.transform == PLACE
        assert file.nodata == 0
        np.testing.assert_array_equal(file.read(1), result.regions)
        assert not result.regions[:4].any()
        assert (result.regions[4:] > 0).all()


def test_a_cut_of_a_scene_lies_where_it_was_cut(scene):
    import rioxarray

    with rioxarray.open_rasterio(scene) as image:
        part = to_raster(image.isel(y=slice(8, 20), x=slice(4, 30)))
        single = to_raster(image.isel(y=[8], x=[4]))
    assert part.georeference.transform == (10.0, 0.0, 500_040.0, 0.0, -10.0, 5_999_920.0)
    assert single.georeference.transform == part.georeference.transform


def test_places_without_rioxarray(scene):
    """What other libraries write by the CF conventions."""
    image = _array().assign_coords(y=np.arange(24) * -2.0, x=np.arange(32) * 2.0)
    image.coords["y"].attrs["units"] = "um"
    place = to_raster(image).georeference
    assert place.transform == (2.0, 0.0, -1.0, 0.0, -2.0, 1.0)
    assert (place.crs, place.unit) == (None, "um")
    assert to_raster(_array()).georeference is None
    bent = image.assign_coords(x=np.arange(32.0) ** 2)
    assert to_raster(bent).georeference is None
    labels = segment(bent, max_iter=1).to_xarray()
    xarray.testing.assert_equal(labels.coords["x"], bent.coords["x"])


def test_results_of_other_inputs_have_coordinates_too(scene):
    labels = segment(scene, max_iter=1).to_xarray()
    assert labels.rio.crs.to_epsg() == 32633
    assert labels.rio.transform() == PLACE
    assert labels.rio.nodata == 0
    plain = segment(IMAGE, max_iter=1, recipe="tip2020", n_channels=8).to_xarray()
    assert (plain.dims, dict(plain.coords), plain.name) == (("y", "x"), {}, "labels")


def test_predicting_from_a_dataarray_gives_numpy(scene):
    segmenter = Segmenter(recipe="tip2020", max_iter=2, n_channels=8).fit(_array())
    labels = segmenter.predict(_array().transpose("band", "y", "x"))
    assert type(labels) is np.ndarray
    np.testing.assert_array_equal(labels, segmenter.labels_)


def test_a_window_is_no_plane():
    from nuriwake.raster import Window

    raster = to_raster(_array())
    assert isinstance(raster, Raster)
    assert raster.plane is not None
    assert raster.read(Window(0, 0, 4, 4)).plane is None
