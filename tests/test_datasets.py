"""Both layouts of BSDS500, and what is said when a part is missing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from nuriwake.errors import InputError, UsageError
from nuriwake.evaluate.datasets import find_bsds500, find_voc2012, read_drawings, read_objects
from small_bsds import write_pair, write_voc


@pytest.mark.parametrize("split", ["", "val"])
def test_both_layouts_are_read(tmp_path, split):
    for name in ("b", "a", "c"):
        write_pair(tmp_path, name, split)
    found = find_bsds500(tmp_path, "val", limit=2)
    assert [each.name for each in found] == ["a", "b"]
    assert found[0].image().shape == (8, 12, 3)
    drawings = found[0].truths()
    assert [drawing.max() for drawing in drawings] == [2, 3]
    assert drawings[0].dtype == np.int32


def test_the_official_layout_does_not_mix_splits(tmp_path):
    write_pair(tmp_path, "a", "train")
    with pytest.raises(InputError, match="the split test is missing"):
        find_bsds500(tmp_path, "test")


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(InputError, match="must hold the folders images and groundTruth"):
        find_bsds500(tmp_path)
    write_pair(tmp_path, "a")
    (tmp_path / "groundTruth" / "a.mat").unlink()
    with pytest.raises(InputError, match=r"a\.jpg: its ground truth .*a\.mat is missing"):
        find_bsds500(tmp_path)
    (tmp_path / "images" / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"at least one \.jpg picture"):
        find_bsds500(tmp_path)


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(UsageError, match="`split` must be one of train, val, test; got 'dev'"):
        find_bsds500(tmp_path, "dev")
    with pytest.raises(UsageError, match="`limit` must be an int of at least 1; got 0"):
        find_bsds500(tmp_path, "val", limit=0)


def test_damaged_files_are_named(tmp_path):
    write_pair(tmp_path, "a")
    (found,) = find_bsds500(tmp_path)
    for path in (found.image_path, found.truth_path):
        path.write_bytes(b"not what it says")
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read as a picture"):
        found.image()
    with pytest.raises(InputError, match=r"a\.mat: cannot be read as a ground truth"):
        found.truths()
    savemat(found.truth_path, {"other": 1})
    with pytest.raises(InputError, match="cannot be read as a ground truth of BSDS500"):
        read_drawings(found.truth_path)


def test_real_drawings_start_at_label_1(shared_data):
    found = find_bsds500(shared_data / "bsds500", limit=2)
    for each in found:
        assert {drawing.shape for drawing in each.truths()} == {each.image().shape[:2]}
        assert all(drawing.min() == 1 for drawing in each.truths())


def test_objects_of_voc_count_from_the_background_and_the_void_does_not(tmp_path):
    write_voc(tmp_path, ("b", "a", "c"))
    found = find_voc2012(tmp_path, "val", limit=2)
    assert [each.name for each in found] == ["b", "a"]  # the order of the list
    (truth,) = found[0].truths()
    assert truth[0].tolist() == [1, 1, 1, 1, 1, 0, 2, 2, 2, 2, 2, 2]
    assert found[0].image().shape == (8, 12, 3)


def test_missing_parts_of_voc_are_named(tmp_path):
    with pytest.raises(InputError, match=r"val\.txt: no such file. Name the folder VOC2012"):
        find_voc2012(tmp_path)
    write_voc(tmp_path, ("a",))
    with pytest.raises(UsageError, match="`split` must be one of train, val, trainval; got 'test'"):
        find_voc2012(tmp_path, "test")
    drawing = tmp_path / "SegmentationObject" / "a.png"
    Image.new("RGB", (12, 8)).save(drawing)
    with pytest.raises(InputError, match=r"a\.png: .* 8-bit numbers .* got the mode RGB"):
        read_objects(drawing)
    drawing.unlink()
    with pytest.raises(InputError, match=r"its ground truth .*a\.png is missing"):
        find_voc2012(tmp_path)
    (tmp_path / "JPEGImages" / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"a\.jpg: the picture is missing"):
        find_voc2012(tmp_path)
