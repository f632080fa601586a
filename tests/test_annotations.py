"""Forms of annotation tools from the command line, and back as scribbles."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from nuriwake.faces.cli import run
from nuriwake.io.image import read_labels
from nuriwake.jobs.annotations import FORMS
from nuriwake.jobs.kinds import KINDS

pytest.importorskip("roifile")


@pytest.fixture
def picture(tmp_path, blocks):
    path = tmp_path / "cup.png"
    Image.fromarray(blocks).save(path)
    return path


def test_every_form_from_segment_and_from_cut(picture, tmp_path):
    kinds = ",".join(FORMS)
    flags = ["--regions", "3", "--save", f"{kinds},regions,result", "--quiet"]
    assert run(["segment", str(picture), "-o", str(tmp_path / "out"), *flags]) == 0
    written = {kind: tmp_path / "out" / f"cup.{kind}{KINDS[kind].suffix}" for kind in FORMS}
    assert all(path.stat().st_size > 0 for path in written.values())
    coco = json.loads(written["coco"].read_text())
    assert coco["images"][0]["file_name"] == "cup.png"
    regions = read_labels(tmp_path / "out" / "cup.regions.png")
    assert [each["area"] for each in coco["annotations"]] == np.bincount(regions.ravel())[
        1:
    ].tolist()
    saved = str(tmp_path / "out" / "cup.result.npz")
    flags = ["--regions", "3", "--save", kinds, "--quiet"]
    assert run(["cut", saved, "-o", str(tmp_path / "cut"), *flags]) == 0
    for path in written.values():
        assert (tmp_path / "cut" / path.name).read_bytes() == path.read_bytes(), path.name


def test_labels_are_classes(picture, tmp_path):
    out = tmp_path / "cup.json"
    flags = ["--labels", "2", "--save", "coco", "--quiet", "-o", str(out)]
    assert run(["segment", str(picture), *flags]) == 0
    names = [each["name"] for each in json.loads(out.read_text())["categories"]]
    assert names == ["label 1", "label 2"]


@pytest.mark.parametrize("kind", ["coco", "imagej"])
def test_annotations_guide_as_scribbles_do(picture, tmp_path, kind):
    """What one run wrote is drawn for the next: the same regions come back as labels."""
    out = tmp_path / f"drawn{KINDS[kind].suffix}"
    flags = ["--labels", "3", "--save", kind, "--quiet", "-o", str(out)]
    assert run(["segment", str(picture), *flags]) == 0
    again = tmp_path / "again.png"
    flags = ["--scribbles", str(out), "--save", "labels", "--quiet", "-o", str(again)]
    assert run(["segment", str(picture), *flags]) == 0
    assert set(np.unique(read_labels(again))) == {1, 2, 3}
