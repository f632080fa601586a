"""The names of the files that a run writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nuriwake.errors import OutputError, UsageError
from nuriwake.io.formats import expand_inputs, read_raster
from nuriwake.io.outputs import check_writable, parse_kinds, plan_outputs

BOTH = ("labels", "overlay")


def _names(plans):
    return [[str(path) for path in plan.paths] for plan in plans]


def test_beside_the_input_by_default():
    plans = plan_outputs([Path("d/a.jpg")], None, BOTH)
    assert _names(plans) == [["d/a.labels.png", "d/a.overlay.png", "d/a.nuriwake.json"]]


def test_one_kind_takes_the_name_as_it_is():
    plans = plan_outputs([Path("a.jpg")], Path("o/x.tif"), ("labels",))
    assert _names(plans) == [["o/x.tif", "o/x.nuriwake.json"]]


def test_several_kinds_take_the_name_as_a_stem():
    plans = plan_outputs([Path("a.jpg")], Path("x.tif"), BOTH)
    assert _names(plans) == [["x.labels.tif", "x.overlay.png", "x.nuriwake.json"]]


@pytest.mark.parametrize(
    ("sources", "output", "message"),
    [
        (["a.jpg", "b.jpg"], "x.png", "a folder for 2 inputs"),
        (["a.jpg"], "x.jpg", "would change the labels"),
        (["d/a.jpg", "e/a.png"], "o", "would both write o/a.labels.png"),
        (["a.labels.png", "a.png"], None, "would replace an input"),
    ],
)
def test_names_that_cannot_be(sources, output, message):
    with pytest.raises(UsageError, match=message):
        plan_outputs([Path(s) for s in sources], Path(output) if output else None, ("labels",))


@pytest.mark.parametrize("text", ["", "labels,magic", ","])
def test_unknown_kinds(text):
    with pytest.raises(UsageError, match="`--save` must be a comma-separated list of labels"):
        parse_kinds(text)


def test_foreign_files_are_not_replaced(tmp_path):
    plan = plan_outputs([Path("a.jpg")], tmp_path, ("labels",))[0]
    (tmp_path / "a.labels.png").touch()
    with pytest.raises(OutputError, match=r"not written by nuriwake\. Use --overwrite"):
        check_writable(plan, overwrite=False)
    check_writable(plan, overwrite=True)
    (tmp_path / "a.nuriwake.json").touch()
    check_writable(plan, overwrite=False)


def test_inputs_from_folders_and_globs(tmp_path):
    for name in ("b.png", "a.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    assert [p.name for p in expand_inputs([str(tmp_path)])] == ["a.jpg", "b.png"]
    assert [p.name for p in expand_inputs([f"{tmp_path}/*.png"])] == ["b.png"]
    assert expand_inputs(["missing.png"]) == [Path("missing.png")]
    with pytest.raises(UsageError, match="no file matches"):
        expand_inputs([f"{tmp_path}/*.webp"])


def test_unknown_suffix(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=r"a\.txt: unknown format\. Known suffixes: \.png"):
        read_raster(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"b\.txt: no such file"):
        read_raster(tmp_path / "b.txt")
