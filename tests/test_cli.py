"""The command line, as scripts and people use it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import posix_only
from nuriwake.engine import private
from nuriwake.faces.cli import run
from nuriwake.io.image import read_labels
from nuriwake.settings import Settings

QUICK = ["--max-iter", "3", "--n-channels", "8", "--n-superpixels", "30", "--quiet"]
LABELS = ["--save", "labels,overlay"]


@pytest.fixture
def picture(tmp_path, blocks):
    path = tmp_path / "in" / "cup.png"
    path.parent.mkdir()
    Image.fromarray(blocks).save(path)
    return path


def _files(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_segment_writes_labels_overlay_and_sidecar(picture, tmp_path, capsys):
    out = tmp_path / "out"
    flags = ["--json", "--seed", "5", *LABELS, *QUICK]
    assert run(["segment", str(picture), "-o", str(out), *flags]) == 0
    assert _files(out) == ["cup.labels.png", "cup.nuriwake.json", "cup.overlay.png"]
    record = json.loads((out / "cup.nuriwake.json").read_text())
    assert json.loads(capsys.readouterr().out) == record
    labels = read_labels(out / "cup.labels.png")
    assert labels.shape == (24, 32)
    assert len(np.unique(labels)) == record["n_labels"]
    assert (
        record["settings"]
        == Settings(seed=5, max_iter=3, n_channels=8, n_superpixels=30).model_dump()
    )
    assert len(record["request"]["input_sha256"]) == 64
    assert len(record["history"]["loss"]) == record["iterations"] == 3
    assert record["versions"]["torch"]
    assert record["threads"] >= 1


def test_the_sidecar_repeats_the_run(picture, tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    run(["segment", str(picture), "-o", str(one), "--save", "labels", "--seed", "9", *QUICK])
    sidecar = str(tmp_path / "one.nuriwake.json")
    arguments = ["segment", str(picture), "-o", str(two), "--save", "labels"]
    assert run([*arguments, "--settings", sidecar, "--quiet"]) == 0
    np.testing.assert_array_equal(read_labels(one), read_labels(two))


def test_a_bad_input_costs_one_line_and_the_others_are_done(picture, tmp_path, capsys):
    bad = picture.parent / "bad.png"
    bad.write_text("no picture")
    out = tmp_path / "out"
    assert run(["segment", str(picture.parent), "-o", str(out), *QUICK]) == 1
    assert "cup.regions.png" in _files(out)
    assert not [name for name in _files(out) if name.startswith("bad")]
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert str(bad) in errors[0]


def test_folders_run_over_workers(picture, tmp_path, capsys):
    for name in ("a", "b"):
        Image.open(picture).save(picture.parent / f"{name}.png")
    (picture.parent / "bad.png").write_text("no picture")
    out = tmp_path / "out"
    arguments = ["segment", str(picture.parent), "-o", str(out), "--workers", "2", *QUICK]
    assert run(arguments) == 1
    assert capsys.readouterr().err.count("cannot be read as a picture") == 1
    maps = [read_labels(out / f"{name}.regions.png") for name in ("cup", "a", "b")]
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])


BAD = {
    "missing file": (["{tmp}/nix.png"], 1, "nix.png: no such file"),
    "folder without pictures": (["{tmp}/empty"], 1, "holds no picture"),
    "unknown recipe": (["{cup}", "--recipe", "magic"], 2, "`--recipe` must be one of"),
    "no layers": (["{cup}", "--n-layers", "0"], 2, "`--n-layers` must be an int in [1, 16]; got 0"),
    "no number": (["{cup}", "--seed", "x"], 2, "`--seed` must be an int"),
    "unknown flag": (
        ["{cup}", "--n-layrs", "1"],
        2,
        "--n-layers). See nuriwake segment --help.",
    ),
    "no input": ([], 2, "Missing argument 'INPUT...'. See nuriwake segment --help."),
    "lossy labels": (["{cup}", "-o", "{tmp}/x.jpg"], 2, "would change the labels"),
    "bad bands": (["{cup}", "--bands", "a"], 2, "`--bands` must be a comma-separated list"),
    "band out of range": (["{cup}", "--bands", "4"], 2, "[1, 3]"),
    "bad kind": (["{cup}", "--save", "magic"], 2, "`--save` must be"),
    "no settings file": (["{cup}", "--settings", "{tmp}/s.toml"], 1, "s.toml: cannot be read"),
    "unwritable folder": (["{cup}", "-o", "{cup}/out"], 1, "cup.png/out: cannot be created"),
    "scribbles of another size": (
        ["{cup}", "--scribbles", "{tmp}/small.png"],
        1,
        "image's size, 24 x 32 pixels; got 2 x 2",
    ),
    "no such model": (
        ["{cup}", "--model", "{tmp}/m.safetensors"],
        1,
        "m.safetensors: no such file",
    ),
    "no such device": (["{cup}", "--device", "cuda:99"], 2, "`--device` must be one of auto, cpu"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_usage_is_one_line_and_writes_nothing(case, picture, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.fromarray(np.eye(2, dtype=np.uint8)).save(tmp_path / "small.png")
    arguments, code, message = BAD[case]
    filled = [a.format(tmp=tmp_path, cup=picture) for a in arguments]
    assert run(["segment", *filled, "--quiet"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert message in captured.err
    assert _files(picture.parent) == ["cup.png"]


def test_wrong_value_in_a_settings_file_names_the_file(picture, tmp_path, capsys):
    path = tmp_path / "s.toml"
    path.write_text("n_layers = 99\n")
    assert run(["segment", str(picture), "--settings", str(path)]) == 2
    assert f"{path}: `n_layers` must be an int in [1, 16]; got 99." in capsys.readouterr().err


def test_resume_skips_what_is_done(picture, tmp_path, capsys):
    arguments = ["segment", str(picture), "-o", str(tmp_path / "out"), "--resume", *QUICK[:-1]]
    assert run(arguments) == 0
    regions = tmp_path / "out" / "cup.regions.png"
    stamp = regions.stat().st_mtime_ns
    assert run(arguments) == 0
    assert "done before, skipped" in capsys.readouterr().err
    assert regions.stat().st_mtime_ns == stamp
    assert run([*arguments, "--seed", "1"]) == 0
    assert regions.stat().st_mtime_ns > stamp


def test_people_get_a_summary_on_standard_error(picture, tmp_path, capsys):
    assert run(["segment", str(picture), "-o", str(tmp_path / "out"), *QUICK[:-1]]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "regions, " in captured.err
    assert "cup.regions.png" in captured.err


def test_fit_then_apply_gives_steady_labels_and_colours(picture, tmp_path):
    model, out = tmp_path / "m.safetensors", tmp_path / "out"
    flags = ["--max-iter", "3", "--n-channels", "8", "--crop-size", "16", "--quiet"]
    assert run(["fit", str(picture), str(picture), "-m", str(model), *flags]) == 0
    Image.open(picture).crop((0, 0, 20, 24)).save(picture.parent / "part.png")
    assert run(["apply", str(model), str(picture.parent), "-o", str(out), "--quiet"]) == 0
    assert (out / "cup.labels.png").read_bytes().startswith(b"\x89PNG")
    one = tmp_path / "ONE.PNG"
    assert run(["apply", str(model), str(picture), "-o", str(one), "--save", "labels"]) == 0
    assert one.read_bytes().startswith(b"\x89PNG")
    whole, part = (read_labels(out / f"{name}.labels.png") for name in ("cup", "part"))
    np.testing.assert_array_equal(part[:, :18], whole[:, :18])
    colours = [np.asarray(Image.open(out / f"{name}.overlay.png")) for name in ("cup", "part")]
    np.testing.assert_array_equal(colours[0][:, :17], colours[1][:, :17])
    started = ["segment", str(picture), "-o", str(tmp_path / "started"), "--model", str(model)]
    assert run([*started, "--max-iter", "1", "--quiet"]) == 0
    record = json.loads((tmp_path / "started" / "cup.nuriwake.json").read_text())
    assert len(record["request"]["model_sha256"]) == 64


def test_more_regions_than_a_png_holds_cost_one_line(picture, tmp_path, monkeypatch, capsys):
    model, out = str(tmp_path / "m.safetensors"), tmp_path / "out"
    assert run(["fit", str(picture), "--recipe", "fast", "-m", model, "--max-iter", "2"]) == 0
    monkeypatch.setattr("nuriwake.scale.products.MAX_IN_PNG", 1)
    apply = ["apply", model, str(picture), "--save", "regions", "--quiet"]
    assert run([*apply, "-o", str(out)]) == 2
    told = capsys.readouterr().err
    assert f"{out / 'cup.regions.png'}: a PNG holds at most 1 regions; there are" in told
    assert _files(out) == []


def test_scribbles_from_a_file(picture, tmp_path, capsys):
    drawn = np.full((24, 32), 255, np.uint8)
    drawn[4:20, 4:8], drawn[3:6, 20:28] = 0, 7
    Image.fromarray(drawn).save(tmp_path / "s.png")
    out = tmp_path / "out"
    arguments = ["segment", str(picture), "-o", str(out), "--scribbles", str(tmp_path / "s.png")]
    flags = ["--recipe", "tip2020", "--max-iter", "40", "--n-channels", "8"]
    assert run([*arguments, *flags]) == 0
    assert "255 means not scribbled, label k became k + 1" in capsys.readouterr().err
    labels = read_labels(out / "cup.labels.png")
    assert (labels[drawn == 0] == 1).mean() > 0.9
    assert (labels[drawn == 7] == 8).mean() > 0.9


@pytest.fixture
def saved(picture, tmp_path):
    """A saved result of the recipe fast."""
    out = tmp_path / "out"
    assert run(["segment", str(picture), "-o", str(out), "--save", "result", *QUICK]) == 0
    return out / "cup.result.npz"


def test_cut_reads_any_number_without_training(saved, tmp_path):
    for n_regions in (1, 3, 5):
        arguments = ["cut", str(saved), "--regions", str(n_regions), "-o", str(tmp_path / "cut")]
        assert run([*arguments, "--save", "regions,contours", "--quiet"]) == 0
        regions = read_labels(tmp_path / "cut" / "cup.regions.png")
        assert np.unique(regions).tolist() == list(range(1, n_regions + 1))
    assert "cup.contours.tif" in _files(tmp_path / "cut")


def test_cut_leaves_the_record_of_the_run(saved):
    record = saved.parent / "cup.nuriwake.json"
    before = record.read_text()
    assert run(["cut", str(saved), "--regions", "2", "-o", str(saved.parent), "--quiet"]) == 0
    assert record.read_text() == before
    assert json.loads((saved.parent / "cup.cut.nuriwake.json").read_text())["n_regions"] == 2


def test_cut_reads_materials(saved, tmp_path):
    out = tmp_path / "two.png"
    arguments = ["cut", str(saved), "--labels", "2", "-o", str(out), "--save", "labels", "--quiet"]
    assert run(arguments) == 0
    assert np.unique(read_labels(out)).tolist() == [1, 2]


def test_cut_equals_segment(picture, saved, tmp_path):
    direct, again = tmp_path / "direct.png", tmp_path / "again.png"
    one = ["--regions", "4", "--save", "regions"]
    assert run(["segment", str(picture), "-o", str(direct), *one, *QUICK]) == 0
    assert run(["cut", str(saved), "-o", str(again), *one, "--quiet"]) == 0
    np.testing.assert_array_equal(read_labels(direct), read_labels(again))


def test_detail_on_both_commands(picture, saved, tmp_path):
    counts = []
    for detail in ("fine", "medium", "coarse"):
        direct, again = tmp_path / f"{detail}.png", tmp_path / f"{detail}-again.png"
        one = ["--detail", detail, "--save", "regions"]
        assert run(["segment", str(picture), "-o", str(direct), *one, *QUICK]) == 0
        assert run(["cut", str(saved), "-o", str(again), *one, "--quiet"]) == 0
        np.testing.assert_array_equal(read_labels(direct), read_labels(again))
        counts.append(int(read_labels(direct).max()))
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--regions", "0"], 2, "`--regions` must be a number of at least 1, or auto; got '0'"),
        (["--regions", "99999"], 2, "`--regions` must be an int in [1, "),
        (["--labels", "99999"], 2, "`--labels` must be an int in [1, "),
        (["--regions", "2", "--altitude", "1"], 2, "not two of them"),
        (["--save", "result"], 2, "`--save` must be"),
        (["--detail", "all"], 2, "`--detail` must be one of fine, medium, coarse; got 'all'"),
        (["--detail", "fine", "--regions", "3"], 2, "give `--regions` or `--detail`, not both"),
    ],
)
def test_cut_refuses(saved, flags, code, message, capsys):
    assert run(["cut", str(saved), *flags]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("bf16", "shown"), [(True, "-BF16; bf16: fast"), (False, "takes fp32")])
def test_info_asks_what_the_engine_asks(bf16, shown, capsys, monkeypatch):
    monkeypatch.setattr(private, "answers", lambda _name: bf16)
    monkeypatch.setattr(private, "has_bf16_flag", lambda: bf16)
    assert run(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["versions"]["torch"]
    assert (found["bf16"], found["fast"]) == (bf16, "cpu, fp32")
    assert run(["info"]) == 0
    told = capsys.readouterr().out
    assert shown in told
    assert "recipe fast   cpu, fp32, unless --device" in told


def test_recipes(capsys):
    assert run(["recipes", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recipes"]["tip2020"]["values"]["continuity"] == 5.0
    assert told["recipes"]["fast"]["values"]["max_iter"] == 24
    layers = next(form for form in told["settings"] if form["name"] == "n_layers")
    assert (layers["type"], layers["minimum"], layers["maximum"]) == ("int", 1, 16)
    assert told["details"] == ["fine", "medium", "coarse"]
    assert told["palette"][0] == [230, 159, 0]
    assert len({tuple(colour) for colour in told["palette"]}) == 84
    assert run(["recipes"]) == 0
    assert "n_layers" in capsys.readouterr().out


@posix_only
@pytest.mark.parametrize("keep", [False, True])
def test_ctrl_c_keeps_labels_only_if_asked(keep, tmp_path, blocks):
    picture = tmp_path / "cup.png"
    Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), np.uint8))).save(picture)
    command = [sys.executable, "-m", "nuriwake", "segment", str(picture), "--min-labels", "1"]
    command += ["--recipe", "icassp2018", "--max-iter", "100000", "--n-channels", "8"]
    command += LABELS + (["--keep-partial"] if keep else [])
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "FORCE_COLOR": "1"}
    ) as process:
        shown = ""
        while not re.search(r"[1-9]\d* labels, loss", shown):  # the training is at work
            shown += process.stderr.read(64)
            assert process.poll() is None, shown
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    expected = ["cup.labels.png", "cup.nuriwake.json", "cup.overlay.png", "cup.png"]
    assert _files(tmp_path) == (expected if keep else ["cup.png"])
    assert "Traceback" not in errors
    assert ("nuriwake: interrupted: of what was not done, nothing was written." in errors) != keep
    if keep:
        assert json.loads((tmp_path / "cup.nuriwake.json").read_text())["partial"] is True


@posix_only
def test_ctrl_c_while_something_is_deleted_is_not_lost():
    code = """
import signal, time
from nuriwake.faces.cli import quieten_libraries
class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
quieten_libraries()
try:
    Deleted()
    time.sleep(20)
except KeyboardInterrupt:
    print("heard")
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (shown.stdout, shown.stderr) == ("heard\n", "")


def test_who_is_told_to_end_leaves_nothing(tmp_path, blocks):
    picture = tmp_path / "cup.png"
    Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), np.uint8))).save(picture)
    command = [sys.executable, "-m", "nuriwake", "segment", str(picture), "--min-labels", "1"]
    command += ["--recipe", "icassp2018", "--max-iter", "100000", "--n-channels", "8"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "FORCE_COLOR": "1"}
    ) as process:
        shown = ""
        while not re.search(r"[1-9]\d* labels, loss", shown):  # the training is at work
            shown += process.stderr.read(64)
            assert process.poll() is None, shown
        process.terminate()
        errors = process.stderr.read()
    assert process.returncode == 143
    assert errors.strip().endswith("told to end: of what was not done, nothing was written.")
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["cup.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["recipes", "--help"])
def test_an_output_that_is_full_costs_one_line(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nuriwake", command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "nuriwake: standard output: cannot be written (No space left on device).\n"
    )


@pytest.mark.parametrize("value", ["9" * 5000, "²", "٣", "-1", "1e3", "0"])
def test_numbers_of_regions_are_plain_digits(picture, value, capsys):
    assert run(["segment", str(picture), "--regions", value]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "`--regions` must be a number of at least 1, or auto" in line
    assert len(line) < 400


def test_one_bad_input_of_a_folder_costs_one_line(picture, tmp_path, capsys):
    """Of every kind that ends in one line: none ends the others."""
    grey = np.zeros((8, 8), np.uint8)
    with tifffile.TiffWriter(tmp_path / "unlike.tif") as writer:
        for page in (grey, grey[:4]):
            writer.write(page, photometric="minisblack")
    tifffile.imwrite(tmp_path / "complex.tif", grey.astype(np.complex64))
    (tmp_path / "short.tif").write_bytes(b"II*\0" + bytes(5))
    (tmp_path / "empty").mkdir()
    names = ["unlike.tif", "complex.tif", "short.tif", "empty", "x" * 300 + ".png", "none.tif"]
    inputs = [str(tmp_path / name) for name in names]
    out = tmp_path / "out"
    assert run(["segment", *inputs, str(picture), "-o", str(out), "--max-iter", "2"]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("nuriwake:")]
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        assert name[:20] in line
    assert {path.name.split(".")[0] for path in out.iterdir()} == {picture.stem}


def test_the_version_is_one_line(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"nuriwake {version('nuriwake')}\n"


def test_without_a_command_there_is_help(capsys):
    assert run([]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Usage: nuriwake")
    assert shown.err == ""


def test_a_shell_completes_flags():
    environ = {"_NURIWAKE_COMPLETE": "complete_bash", "COMP_WORDS": "nuriwake segment --max-i"}
    command = [sys.executable, "-c", "from nuriwake.faces.cli import main; main()"]
    environ = {**os.environ, **environ, "COMP_CWORD": "2"}
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert shown.stdout.split() == ["--max-iter"]


def test_a_package_that_is_gone_costs_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["info"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nuriwake: the installation is damaged: its package torch cannot be")
    assert told.count("\n") == 1
