"""A model is trained on images of any size, and replaces nobody's file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
import typer.main

from nuriwake.errors import OutputError, UsageError
from nuriwake.faces.cli import app
from nuriwake.faces.model_commands import FIT_RECIPE
from nuriwake.jobs.fit import FitJob, fit_model
from nuriwake.jobs.listener import Collected
from nuriwake.model_file import load_model
from nuriwake.settings import Settings

TINY = {"max_iter": 2, "n_channels": 8, "max_labels": 8, "threads": 1}
QUICK = Settings(recipe="tip2020", crop_size=64, **TINY)


@pytest.fixture
def scene(tmp_path):
    rng = np.random.default_rng(0)
    fields = np.kron(rng.integers(0, 255, (5, 6, 3), np.uint8), np.ones((32, 32, 1), np.uint8))
    tifffile.imwrite(tmp_path / "scene.tif", fields, photometric="rgb")
    return tmp_path / "scene.tif"


def fit(sources, model, **options):
    heard = Collected()
    record = fit_model(FitJob(**{"settings": QUICK, **options}), sources, model, heard)
    return record, heard.lines


def test_a_model_and_its_record(scene, tmp_path):
    model = tmp_path / "m.safetensors"
    record, lines = fit([scene], model)
    assert load_model(model).n_bands == 3
    assert lines == [f"trained on 1 input -> {model}"]
    table = json.loads((tmp_path / "m.fit.nuriwake.json").read_text())
    assert table["outputs"] == {"model": "m.safetensors"}
    assert table["inputs"] == dict(record.inputs)
    assert table["settings"]["recipe"] == "tip2020"


def test_nobody_s_file_is_replaced(scene, tmp_path):
    model = tmp_path / "m.safetensors"
    model.write_text("mine")
    with pytest.raises(OutputError, match=r"m\.safetensors: .* not written by nuriwake"):
        fit([scene], model)
    assert model.read_text() == "mine"
    fit([scene], model, overwrite=True)
    fit([scene], model)  # ours now
    model.write_text("changed by hand")
    with pytest.raises(OutputError, match="changed since"):
        fit([scene], model)


@pytest.mark.parametrize("recipe", ["tip2020", "icassp2018", "fast"])
def test_one_image_beyond_the_memory_is_learned_from_windows(scene, tmp_path, recipe, monkeypatch):
    monkeypatch.setattr("nuriwake.scale.memory.references_fit", lambda *_: False)
    monkeypatch.setattr("nuriwake.scale.memory.WINDOW_SIDE", 64)
    settings = Settings(recipe=recipe, **TINY)
    record, lines = fit([scene], tmp_path / "m.safetensors", settings=settings, memory=2 << 30)
    assert "learned from up to" in lines[0]
    assert record.notes == (lines[0],)
    assert load_model(tmp_path / "m.safetensors").n_bands == 3


def test_too_little_memory_is_one_line(scene, tmp_path):
    with pytest.raises(UsageError, match=r"`--memory` must be at least [0-9]+M to learn from"):
        fit([scene], tmp_path / "m.safetensors", memory=100 << 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scene.tif"]


@pytest.mark.parametrize(("command", "recipe"), [("fit", FIT_RECIPE), ("segment", "fast")])
def test_the_flags_and_the_recipe_that_the_help_names(command, recipe):
    flags = {p.opts[-1]: p for p in typer.main.get_command(app).commands[command].params}
    assert {"--memory", "--overwrite", "--bands", "--settings", "--quiet"} <= flags.keys()
    assert flags["--recipe"].help.endswith(f"default {recipe})")
