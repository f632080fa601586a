"""Scribbles: both conventions, the messages, and that drawn labels keep their numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from nuriwake.errors import InputError
from nuriwake.io.scribbles import read_scribbles
from nuriwake.learn.guidance import (
    Scribbles,
    check_scribbles,
    decode_scribbles,
    number_labels,
)
from nuriwake.learn.guide import Guide
from nuriwake.segmenter import segment

QUICK = {"recipe": "tip2020", "max_iter": 25, "n_channels": 16, "max_labels": 12}
#: With the paper's weight of 0.5 it is a matter of the seed whether so small a network follows.
HEAVY = QUICK | {"scribble_weight": 1.0}


@pytest.fixture
def drawn() -> np.ndarray:
    """Three strokes for the picture of three blocks: labels 2, 5 and 9."""
    labels = np.zeros((24, 32), np.uint8)
    labels[4:20, 4:8] = 2
    labels[3:6, 20:28] = 5
    labels[18:21, 20:28] = 9
    return labels


def _write(path, array):
    Image.fromarray(array).save(path)
    return path


def test_zero_means_not_scribbled(drawn):
    scribbles = decode_scribbles(drawn)
    np.testing.assert_array_equal(scribbles.labels, drawn)
    assert "0 means not scribbled" in scribbles.note
    assert scribbles.n_labels == 3


def test_the_authors_255_means_not_scribbled_and_labels_move_up(drawn):
    theirs = np.where(drawn == 0, 255, drawn - 1).astype(np.uint8)
    scribbles = decode_scribbles(theirs)
    np.testing.assert_array_equal(scribbles.labels, drawn)
    assert "255 means not scribbled" in scribbles.note


def test_colours_become_labels_in_their_order(tmp_path, drawn):
    colours = np.full((24, 32, 3), 255, np.uint8)
    colours[drawn == 2] = (200, 0, 0)
    colours[drawn == 5] = (0, 0, 200)
    colours[drawn == 9] = (0, 200, 0)
    scribbles = read_scribbles(_write(tmp_path / "s.png", colours))
    expected = {"(0, 0, 200) -> 1", "(0, 200, 0) -> 2", "(200, 0, 0) -> 3"}
    assert all(pair in scribbles.note for pair in expected)
    assert "(255, 255, 255) means not scribbled" in scribbles.note
    assert [int(scribbles.labels[drawn == k][0]) for k in (2, 5, 9)] == [3, 1, 2]
    assert (scribbles.labels[drawn == 0] == 0).all()


def test_transparent_pixels_are_not_scribbled(tmp_path, drawn):
    rgba = np.zeros((24, 32, 4), np.uint8)
    rgba[drawn == 2] = (255, 0, 0, 255)
    rgba[drawn == 5] = (0, 0, 0, 255)
    scribbles = read_scribbles(_write(tmp_path / "s.png", rgba))
    assert scribbles.n_labels == 2
    assert "transparent means not scribbled" in scribbles.note
    assert (scribbles.labels[drawn == 9] == 0).all()


def test_soft_brushes_are_refused(tmp_path, drawn):
    from scipy.ndimage import gaussian_filter

    soft = gaussian_filter(np.kron(drawn > 0, np.full((4, 4), 255.0)), 2).astype(np.uint8)
    for name, array in (("rgb.png", np.dstack([soft, soft // 2, soft])), ("grey.png", soft)):
        with pytest.raises(InputError, match=f"{name}: .*Draw with a hard brush"):
            read_scribbles(_write(tmp_path / name, array))


def test_lossy_files_are_refused(tmp_path, drawn):
    with pytest.raises(
        InputError, match=r"s\.jpg: scribbles must be PNG or TIFF.*Save them as PNG"
    ):
        read_scribbles(_write(tmp_path / "s.jpg", drawn))


def test_floats_are_no_scribbles(tmp_path):
    import tifffile

    tifffile.imwrite(tmp_path / "s.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(InputError, match="must be integers; got float32"):
        read_scribbles(tmp_path / "s.tif")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.ones((3, 4), np.int32), r"image's size, 24 x 32 pixels; got 3 x 4"),
        (np.full((24, 32), 13, np.int32), r"labels in \[1, 12\]; got 13"),
        (np.full((24, 32), 3, np.int32), "at least 2 different labels; got 1"),
        (np.zeros((24, 32), np.int32), "at least 2 different labels; got 0"),
    ],
)
def test_scribbles_that_cannot_guide(labels, message):
    with pytest.raises(InputError, match=message):
        check_scribbles(Scribbles(labels), (24, 32), max_labels=12)


@pytest.mark.parametrize(
    ("array", "message"),
    [(np.zeros((2, 2, 3), np.uint8), "shape"), (np.full((2, 2), -1), "at least 0; got -1")],
)
def test_arrays_that_are_no_scribbles(array, message):
    with pytest.raises(InputError, match=message):
        decode_scribbles(array)


def test_drawn_pixels_keep_their_target():
    guide = Guide(lambda labels: labels, np.array([[0, 3]], np.int32), torch.device("cpu"))
    assert guide(torch.tensor([[[7, 7]]])).tolist() == [[[7, 2]]]
    assert guide.is_followed(torch.tensor([[[7, 2]]]))
    assert not guide.is_followed(torch.tensor([[[2, 7]]]))


def test_drawn_labels_keep_their_number_and_the_others_go_by_size():
    order = number_labels(np.array([5, 1, 9, 7]), np.array([[2]], np.int32))
    assert order.tolist() == [2, 1, 3, 0]


@pytest.mark.parametrize("recipe", ["tip2020", "icassp2018"])
def test_strokes_spread_over_their_regions(blocks, drawn, recipe):
    result = segment(blocks, scribbles=drawn, **{**HEAVY, "recipe": recipe, "max_iter": 60})
    assert (result.labels[drawn > 0] == drawn[drawn > 0]).mean() >= 0.97
    for part, label in ((np.s_[2:-2, 2:14], 2), (np.s_[2:10, 19:30], 5), (np.s_[14:22, 19:30], 9)):
        assert (result.labels[part] == label).mean() > 0.9
    assert any("0 means not scribbled" in note for note in result.notes)


def test_training_stops_when_only_drawn_labels_are_left(blocks, drawn):
    result = segment(blocks, scribbles=drawn, **{**HEAVY, "min_labels": 12, "max_iter": 200})
    assert len(result.history) < 200
    assert set(np.unique(result.labels)) == {2, 5, 9}
