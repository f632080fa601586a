from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import mosaic_runs
from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.io.label_zarr import write_label_zarr
from nuriwake.io.zarr import open_zarr, read_zarr_tags
from nuriwake.raster import Georeference, Window
from nuriwake.scale.labelling import label_tile
from nuriwake.scale.mosaic import MosaicOptions, apply_model
from nuriwake.scale.products import MosaicOutputs

zarr = pytest.importorskip("zarr")


def write_image(path: Path, array: np.ndarray, axes: str, version: str = "0.4") -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    chunks = tuple(min(16, n) for n in array.shape)
    group.create_array("s0", data=array, chunks=chunks)
    scale = [{"c": 1.0, "t": 1.0, "z": 3.0, "y": 0.5, "x": 0.25}[axis] for axis in axes]
    multiscale = {
        "axes": [{"name": axis} for axis in axes],
        "datasets": [
            {"path": "s0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        ],
    }
    channels = [{"label": f"dye {i}"} for i in range(2)]
    metadata = {"multiscales": [multiscale], "omero": {"channels": channels}}
    group.attrs.update(metadata if version == "0.4" else {"ome": metadata})
    return path


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_windows_of_an_image(tmp_path: Path, version: str) -> None:
    array = np.arange(2 * 30 * 40, dtype=np.uint16).reshape(1, 2, 1, 30, 40)
    source = open_zarr(write_image(tmp_path / "a.zarr", array, "tczyx", version))
    assert (source.shape, source.block_shape, source.dtype) == ((30, 40), (16, 16), "uint16")
    assert source.georeference == Georeference(None, (0.25, 0, 0, 0, 0.5, 0))
    raster = pickle.loads(pickle.dumps(source)).read(Window(3, 4, 5, 6))
    np.testing.assert_array_equal(raster.array, np.moveaxis(array[0, :, 0, 3:8, 4:10], 0, -1))
    assert raster.band_names == ("dye 0", "dye 1")
    second = source.select([2])
    assert second.read(Window(0, 0, 1, 1)).array.item() == array[0, 1, 0, 0, 0]
    assert second.band_names == ("dye 1",)


def test_an_image_without_channels(tmp_path: Path) -> None:
    array = np.array([[1.0, np.nan]], np.float32)
    raster = open_zarr(write_image(tmp_path / "a.zarr", array, "yx")).read(Window(0, 0, 1, 2))
    assert raster.array.shape == (1, 2, 1)
    assert raster.valid.tolist() == [[True, False]]


def test_one_plane_of_several(tmp_path: Path) -> None:
    array = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    path = write_image(tmp_path / "a.zarr", array, "zyx")
    source = open_zarr(path, depth=2)
    np.testing.assert_array_equal(source.read(Window(0, 0, 4, 5)).array[:, :, 0], array[2])
    with pytest.raises(
        InputError, match=r"a\.zarr: has 3 planes along z\. Choose one with `depth`"
    ):
        open_zarr(path)
    with pytest.raises(UsageError, match=r"`depth` must be an int in \[0, 2\]; got 3"):
        open_zarr(path, depth=3)
    with pytest.raises(UsageError, match=r"`bands` must be .* in \[1, 1\]"):
        open_zarr(path, bands=[2], depth=0)


def test_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_zarr(tmp_path / "none.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(InputError, match=r"empty\.zarr: cannot be read as a Zarr group"):
        open_zarr(tmp_path / "empty.zarr")
    zarr.open_group(tmp_path / "bare.zarr", mode="w")
    with pytest.raises(InputError, match="not an OME-Zarr image"):
        open_zarr(tmp_path / "bare.zarr")


def test_labels_are_kept_and_their_pyramid_holds_no_others(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 300, (700, 1100)).astype(np.int32)
    blocks = [(Window(0, 0, 300, 1100), labels[:300]), (Window(300, 0, 400, 1100), labels[300:])]
    place = Georeference(None, (0.25, 0, 7.0, 0, 0.5, 9.0))
    path = tmp_path / "a.zarr"
    write_label_zarr(
        path, labels.shape, blocks, max_label=300, georeference=place, tags={"RUN": "7"}
    )
    source = open_zarr(path)
    np.testing.assert_array_equal(source.read(Window(0, 0, 700, 1100)).array[:, :, 0], labels)
    assert (source.dtype, source.georeference) == ("uint16", place)
    assert read_zarr_tags(path)["RUN"] == "7"
    np.testing.assert_array_equal(zarr.open_array(path / "1")[:], labels[::2, ::2])
    np.testing.assert_array_equal(zarr.open_array(path / "2")[:], labels[::4, ::4])
    with pytest.raises(OutputError, match="exists already"):
        write_label_zarr(path, labels.shape, blocks, max_label=300)
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_labels_inside_their_image_are_listed(tmp_path: Path) -> None:
    image = write_image(tmp_path / "a.zarr", np.zeros((4, 5), np.uint8), "yx")
    blocks = [(Window(0, 0, 4, 5), np.ones((4, 5), np.int32))]
    for name in ("cells", "nuclei"):
        write_label_zarr(image / "labels" / name, (4, 5), blocks, max_label=1)
    assert zarr.open_group(image / "labels").attrs["labels"] == ["cells", "nuclei"]


def test_an_interrupted_write_shows_nothing(tmp_path: Path) -> None:
    def broken():
        yield Window(0, 0, 1, 2), np.ones((1, 2), np.int32)
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"a\.zarr: cannot be written \(No space left"):
        write_label_zarr(tmp_path / "a.zarr", (2, 2), broken(), max_label=1)
    assert not list(tmp_path.iterdir())


def test_a_mosaic_from_zarr_to_zarr(tmp_path: Path) -> None:
    array = np.moveaxis(mosaic_runs.scene((60, 70)), -1, 0)
    source = open_zarr(write_image(tmp_path / "a.zarr", array, "cyx"))
    model = mosaic_runs.small_model(2)
    outputs = MosaicOutputs(tmp_path / "labels.zarr")
    options = MosaicOptions(tile_shape=(32, 32), threads=1)
    assert apply_model(model, source, outputs, options).n_tiles == 6
    whole = Window(0, 0, 60, 70)
    labels = open_zarr(outputs.labels).read(whole).array[:, :, 0]
    np.testing.assert_array_equal(labels, label_tile(model, source.read(whole)))
    again = MosaicOptions(tile_shape=(32, 32), threads=1, existing="resume")
    assert apply_model(model, source, outputs, again).skipped
    anew = MosaicOptions(tile_shape=(32, 32), threads=1, existing="overwrite")
    assert not apply_model(model, source, outputs, anew).skipped
