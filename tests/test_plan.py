"""The names of the files that a run writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nuriwake.errors import UsageError
from nuriwake.io.formats import expand_inputs, read_raster
from nuriwake.jobs.kinds import KINDS, check_name, parse_kinds
from nuriwake.jobs.plan import Wish, plan_outputs, without_results

BOTH = ("labels", "overlay")


def _names(source, output, kinds, **more):
    target = Path(output) if output else None
    return [
        str(path) for path in plan_outputs([Wish(Path(source), kinds, **more)], target)[0].paths
    ]


@pytest.mark.parametrize(
    ("source", "output", "kinds", "names"),
    [
        ("d/a.jpg", None, BOTH, ["d/a.labels.png", "d/a.overlay.png", "d/a.nuriwake.json"]),
        ("a.jpg", "o/x.tif", ("labels",), ["o/x.tif", "o/x.nuriwake.json"]),
        ("a.jpg", "x.tif", BOTH, ["x.labels.tif", "x.overlay.png", "x.nuriwake.json"]),
        ("a.tif", None, BOTH, ["a.labels.tif", "a.overlay.png", "a.nuriwake.json"]),
        ("a.zarr", None, ("regions",), ["a.regions.zarr", "a.nuriwake.json"]),
        ("a.jpg", "x.zarr", ("regions",), ["x.zarr", "x.nuriwake.json"]),
        (
            "a.jpg",
            "x.geojson",
            ("labels", "polygons"),
            ["x.labels.png", "x.polygons.geojson", "x.nuriwake.json"],
        ),
        ("a.result.npz", None, ("labels",), ["a.labels.png", "a.cut.nuriwake.json"]),
    ],
)
def test_names(source, output, kinds, names):
    assert _names(source, output, kinds) == names


def test_what_is_written_piece_by_piece_is_no_png():
    in_tiles = {"formats": (".tif", ".tiff", ".zarr")}
    assert _names("a.jpg", None, ("labels",), **in_tiles)[0] == "a.labels.tif"
    with pytest.raises(UsageError, match=r"ends in \.tif or .* It is written piece by piece"):
        _names("a.jpg", "x.png", ("labels",), **in_tiles)


@pytest.mark.parametrize(
    ("sources", "output", "message"),
    [
        (["a.jpg", "b.jpg"], "x.png", "a folder for 2 inputs"),
        (["a.jpg"], "x.jpg", "would change the labels"),
        (["d/a.jpg", "e/a.png"], "o", "would both write o/a.labels.png"),
        (["a.labels.png", "a.png"], None, "would replace an input"),
        (["v/p.png"], "v/sub/../p.png", "would replace an input"),
    ],
)
def test_names_that_cannot_be(sources, output, message):
    wishes = [Wish(Path(source), ("labels",)) for source in sources]
    with pytest.raises(UsageError, match=message):
        plan_outputs(wishes, Path(output) if output else None)


def test_a_link_does_not_hide_the_input(tmp_path):
    source, link = tmp_path / "p.png", tmp_path / "link.png"
    source.touch()
    link.symlink_to(source)
    with pytest.raises(UsageError, match="would replace an input"):
        plan_outputs([Wish(source, ("labels",))], link)


@pytest.mark.parametrize("text", ["", "labels,magic", ","])
def test_unknown_kinds(text):
    with pytest.raises(UsageError, match="`--save` must be a comma-separated list of labels"):
        parse_kinds(text)


@pytest.mark.parametrize("kind", KINDS)
def test_name_and_content_agree(kind):
    for suffix in KINDS[kind].suffixes:
        check_name(kind, Path("x" + suffix))
    with pytest.raises(UsageError, match=f"for {kind}; got 'x.mp3'"):
        check_name(kind, Path("x.mp3"))


def test_results_are_no_inputs(tmp_path):
    for name in ("a.png", "a.regions.png", "a.overlay.png", "mine.png"):
        (tmp_path / name).touch()
    outputs = {"regions": "a.regions.png", "overlay": "a.overlay.png"}
    (tmp_path / "a.nuriwake.json").write_text(json.dumps({"outputs": outputs}))
    (tmp_path / "other.nuriwake.json").write_text("[]")
    typed = [str(tmp_path)]
    found = without_results(expand_inputs(typed), typed)
    assert [path.name for path in found] == ["a.png", "mine.png"]
    typed = [str(tmp_path / "a.regions.png")]
    assert without_results(expand_inputs(typed), typed) == [tmp_path / "a.regions.png"]


def test_inputs_from_folders_and_globs(tmp_path):
    for name in ("b.png", "a.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    assert [p.name for p in expand_inputs([str(tmp_path)])] == ["a.jpg", "b.png"]
    assert [p.name for p in expand_inputs([f"{tmp_path}/*.png"])] == ["b.png"]
    assert expand_inputs(["missing.png"]) == [Path("missing.png")]
    with pytest.raises(UsageError, match="no file matches"):
        expand_inputs([f"{tmp_path}/*.webp"])


def test_unknown_suffix(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ValueError, match=r"a\.txt: cannot be read .* not recognized"):
        read_raster(tmp_path / "a.txt")
    with pytest.raises(ValueError, match=r"b\.txt: no such file"):
        read_raster(tmp_path / "b.txt")
