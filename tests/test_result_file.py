"""Saved results: cut again as before, and files that are no results."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from nuriwake.errors import ModelError, UsageError
from nuriwake.jobs.result_file import load_cut, load_result, save_result
from nuriwake.raster import Georeference, as_raster
from nuriwake.regions.editing import Edit, EditedCut
from nuriwake.segmenter import segment
from nuriwake.volume_segmenter import segment_volume


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (5, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    raster = as_raster(image)
    place = Georeference("EPSG:32633", (10.0, 0.0, 5e5, 0.0, -10.0, 6e6))
    return segment(type(raster)(raster.array, raster.valid, place), max_iter=5)


@pytest.fixture
def path(result, tmp_path):
    save_result(tmp_path / "a.npz", result)
    return tmp_path / "a.npz"


def test_round_trip(result, path):
    loaded = load_result(path)
    for name in ("regions", "labels", "picture"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(result, name))
    np.testing.assert_array_equal(loaded.cut(7), result.cut(7))
    for detail in ("fine", "medium", "coarse"):
        np.testing.assert_array_equal(loaded.cut(detail=detail), result.cut(detail=detail))
    assert loaded.tree.speck_pixels == result.tree.speck_pixels > 0
    np.testing.assert_array_equal(loaded.label_tree.cut(1), result.label_tree.cut(1))
    np.testing.assert_allclose(loaded.confidence, result.confidence, atol=1e-3)
    np.testing.assert_array_equal(loaded.overlay(), result.overlay())
    assert loaded.georeference == result.georeference
    assert loaded.settings == result.settings


def test_cutting_loads_no_torch(path):
    code = (
        "import sys; from nuriwake.faces.cli import run; "
        f"run(['cut', {str(path)!r}, '--regions', '3', '--quiet', '--save', 'regions']); "
        "sys.exit(bool({'torch', 'scipy', 'skimage', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_other_files(tmp_path, path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "pickled.npz", header=np.array([{}], object))
    for name, message in (
        ("other.npz", "not a result of nuriwake. Write one with --save result"),
        ("text.npz", "cannot be read as a result of nuriwake"),
        ("a.npz", "cannot be read as a result of nuriwake"),
        ("pickled.npz", "cannot be read as a result of nuriwake"),
        ("missing.npz", "no such file"),
    ):
        with pytest.raises(ModelError, match=message):
            load_result(tmp_path / name)


def test_newer_formats(path, tmp_path):
    with np.load(path) as file:
        arrays = dict(file)
    header = arrays["header"].tobytes().replace(b'"format": 1', b'"format": 9')
    np.savez(tmp_path / "new.npz", **{**arrays, "header": np.frombuffer(header, np.uint8)})
    with pytest.raises(ModelError, match=r"format 9; this nuriwake reads up to 2\..*-U nuriwake"):
        load_result(tmp_path / "new.npz")


def test_the_name_says_what_it_is(result, tmp_path):
    with pytest.raises(UsageError, match=r"must be a name that ends in \.npz"):
        save_result(tmp_path / "a.png", result)


DAMAGE = {
    "cycle": (lambda a: a["merges"].__setitem__((0, 0), len(a["merges"]) + 1), "not there yet"),
    "twice": (lambda a: a["merges"].__setitem__(1, a["merges"][0]), "merged twice"),
    "negative": (lambda a: a["merges"].__setitem__((0, 0), -1), "not there yet"),
    "leaf": (lambda a: a["base"].__setitem__((0, 0), 10**6), "leaves beyond"),
    "altitudes": (lambda a: a["altitudes"].__setitem__(0, np.inf), "in order"),
    "nan": (lambda a: a["label_altitudes"].__setitem__(0, np.nan), "in order"),
    "few altitudes": (lambda a: a.update(altitudes=a["altitudes"][1:]), "in order"),
    "labels": (lambda a: a["own_labels"].__setitem__((0, 0), 65), r"not in \[0, 64\]"),
    "sizes": (lambda a: a.update(picture=a["picture"][1:]), "not of one size"),
    "dtype": (lambda a: a.update(base=a["base"].astype(float)), "`base` is of dtype float64"),
    "missing": (lambda a: a.pop("merges"), "'merges'"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_results(path, case):
    damage, message = DAMAGE[case]
    with np.load(path) as file:
        arrays = {name: file[name].copy() for name in file.files}
    damage(arrays)
    np.savez(path, **arrays)
    with pytest.raises(ModelError, match=f"cannot be read as a result .*{message}"):
        load_result(path)


def test_a_declared_size_is_checked_before_it_is_allocated(path):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(path, **arrays)
    shape = str(arrays["base"].shape).encode()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(shape + b", }" + b" " * 18, b"(1000000, 1000000), }" + b" " * 8))
    assert path.read_bytes() != whole
    with pytest.raises(ModelError, match="cannot be read as a result"):
        load_result(path)


def test_the_cut_that_was_shown_is_kept(result, path, tmp_path):
    assert load_cut(path) is None
    cut = EditedCut(3, edits=(Edit(True, 9), Edit(False, 9)))
    save_result(tmp_path / "b.npz", result, cut)
    assert load_cut(tmp_path / "b.npz") == cut


@pytest.mark.parametrize("shown", [{"n_regions": 4}, {"n_labels": 2}, {"detail": "coarse"}, {}])
def test_it_opens_as_it_was_saved(result, tmp_path, shown):
    read = result.read(**shown)
    save_result(tmp_path / "b.npz", read)
    loaded = load_result(tmp_path / "b.npz")
    assert loaded.reading == read.reading
    assert loaded.shows_regions == read.shows_regions
    np.testing.assert_array_equal(loaded.overlay(), read.overlay())


def with_header(path, change):
    """Write a result again with another header."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes())
    change(header)
    np.savez(path, **{**arrays, "header": np.frombuffer(json.dumps(header).encode(), np.uint8)})


def test_results_of_before_open_as_they_did(path, result):
    with_header(path, lambda header: header.pop("reading"))
    assert load_result(path).reading == result.reading


@pytest.mark.parametrize(
    "said", [{"n_regions": 10**6}, {"n_labels": "2"}, {"detail": "finest"}, {"prefers_labels": 1}]
)
def test_cuts_that_cannot_be_shown_are_refused(path, said):
    with_header(path, lambda header: header["reading"].update(said))
    with pytest.raises(ModelError, match="cannot be read as a result"):
        load_result(path)


@pytest.fixture(scope="module")
def volume():
    array = np.kron(np.random.default_rng(0).random((3, 3, 3)), np.ones((4, 6, 6)))
    quick = {"max_iter": 2, "n_channels": 8, "max_labels": 8, "grid_cells": 500}
    return segment_volume(array, spacing=(2, 1, 1), regions=9, threads=1, **quick)


def test_a_volume_is_cut_again(volume, tmp_path):
    place = (
        (1.0, 0.0, 0.0, -5.0),
        (0.0, 1.0, 0.0, 3.0),
        (0.0, 0.0, 2.0, 7.0),
        (0.0, 0.0, 0.0, 1.0),
    )
    path = tmp_path / "a.npz"
    save_result(path, replace(volume, unit="micrometer", affine=place))
    loaded = load_result(path)
    assert (loaded.spacing, loaded.unit, loaded.affine) == ((2.0, 1.0, 1.0), "micrometer", place)
    np.testing.assert_array_equal(loaded.regions, volume.regions)
    np.testing.assert_array_equal(loaded.cut(5), volume.cut(5))
    np.testing.assert_array_equal(loaded.overlay(), volume.overlay())


@pytest.mark.parametrize(
    "change",
    [
        {"spacing": [1, 1]},
        {"spacing": [1, 0, 1]},
        {"affine": [[1, 0], [0, 1]]},
        {"affine": "far"},
        {"unit": 3},
        {"format": 1},
    ],
)
def test_damaged_volumes(volume, tmp_path, change):
    save_result(tmp_path / "a.npz", volume)
    with_header(tmp_path / "a.npz", lambda header: header.update(change))
    with pytest.raises(ModelError, match="cannot be read as a result"):
        load_result(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "cut", [{"n_regions": "3"}, {"detail": "finest"}, {"edits": [{"merge": 1, "node": 9}]}, [1]]
)
def test_cuts_that_are_none_are_refused(result, tmp_path, cut, monkeypatch):
    said = {"n_regions": None, "detail": None, "edits": [], **cut} if isinstance(cut, dict) else cut
    monkeypatch.setattr("nuriwake.jobs.result_file.asdict", lambda _cut: said)
    save_result(tmp_path / "b.npz", result, EditedCut())
    with pytest.raises(ModelError, match=r"b\.npz: cannot be read as a result"):
        load_cut(tmp_path / "b.npz")
