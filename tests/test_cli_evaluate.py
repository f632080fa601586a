"""The commands evaluate and bench, as they are typed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from nuriwake.faces.cli_evaluate import bench, evaluate
from nuriwake.io.image import write_labels
from small_bsds import write_pair, write_voc

HALVES = np.repeat([[1, 2]], 6, axis=1).repeat(8, axis=0).astype(np.int32)


@pytest.fixture
def type_command():
    app = typer.Typer()
    app.command()(evaluate)
    app.command()(bench)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def data(tmp_path):
    for name in ("a", "b"):
        write_pair(tmp_path / "data", name)
    return tmp_path / "data"


def test_evaluate_prints_each_image_and_all(type_command, data, tmp_path):
    for name in ("a", "b"):
        write_labels(tmp_path / "out" / f"{name}.regions.png", HALVES)
    result = type_command("evaluate", tmp_path / "out", data / "groundTruth")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["name", "a", "b", "all"]


def test_evaluate_goes_on_after_a_broken_file_and_says_so(type_command, data, tmp_path):
    write_labels(tmp_path / "out" / "a.png", HALVES[:3])
    write_labels(tmp_path / "out" / "b.png", HALVES)
    result = type_command("evaluate", tmp_path / "out", data / "groundTruth", "--json")
    assert result.exit_code == 1
    assert "a.png: must have the shape of" in result.stderr
    (record,) = map(json.loads, result.stdout.splitlines())
    assert record["name"] == "b"
    assert record["iou_coarse"] == 1


def test_bench_prints_the_table_and_goes_on_from_its_records(type_command, data, tmp_path):
    words = ("bench", "bsds500", "--data", data, "-o", tmp_path / "out")
    first = type_command(*words, "--methods", "felzenszwalb-500", "--limit", 1)
    assert first.exit_code == 0
    assert [path.name for path in (tmp_path / "out").glob("*/*")] == ["a.json"]
    before = (tmp_path / "out" / "felzenszwalb-500" / "a.json").read_bytes()
    both = type_command(*words, "--methods", "slic-merging,felzenszwalb-500", "--quiet")
    rows = [line.split()[:2] for line in both.stdout.splitlines()]
    assert rows == [["method", "images"], ["slic-merging", "2"], ["felzenszwalb-500", "2"]]
    assert (tmp_path / "out" / "felzenszwalb-500" / "a.json").read_bytes() == before


def test_bench_names_a_picture_that_fails_and_exits_with_1(type_command, data, tmp_path):
    (data / "images" / "a.jpg").write_bytes(b"broken")
    words = ("bench", "bsds500", "--data", data, "-o", tmp_path, "--methods", "felzenszwalb-500")
    result = type_command(*words, "--json")
    assert result.exit_code == 1
    assert "nuriwake: a, felzenszwalb-500:" in result.stderr
    assert json.loads(result.stdout)[0]["scores"]["n_images"] == 1


def test_bench_scores_voc_2012(type_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_voc(tmp_path / "VOC2012", ("a", "b"))
    words = ("bench", "voc2012", "--data", "VOC2012", "--methods", "slic-merging", "--quiet")
    result = type_command(*words, "--json")
    (row,) = json.loads(result.stdout)
    # The rim counts for nothing, so that either cut through it is right.
    assert (row["scores"]["n_images"], row["scores"]["iou_all"]) == (2, 1.0)
    assert [path.name for path in (tmp_path / "bench-voc2012").glob("*/*")] == ["a.json", "b.json"]
