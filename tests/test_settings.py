"""The table of hyper-parameters: recipes, ranges, files."""

from __future__ import annotations

import json

import pytest

import nuriwake
from nuriwake.errors import InputError, UsageError
from nuriwake.settings import RECIPES, Settings, allowed, read_settings


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_valid(name):
    assert Settings(recipe=name).recipe == name


def test_published_defaults():
    paper = Settings(recipe="icassp2018")
    assert (paper.n_channels, paper.max_labels, paper.n_layers) == (100, 100, 2)
    assert (paper.max_iter, paper.min_labels) == (1000, 3)
    assert (paper.n_superpixels, paper.compactness) == (10_000, 100.0)
    assert (paper.learning_rate, paper.momentum) == (0.1, 0.9)
    assert Settings(recipe="tip2020").continuity == 5.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_layers": 0}, r"`n_layers` must be an int in \[1, 16\]; got 0\."),
        ({"momentum": 1}, r"`momentum` must be a number in \[0, 1\); got 1\."),
        ({"recipe": "magic"}, r"`recipe` must be one of .*'icassp2018'.*; got 'magic'\."),
        ({"device": "tpu"}, r"`device` must be .*auto, cpu, cuda.*got 'tpu'"),
        ({"max_iters": 3}, r"no setting `max_iters`\. Did you mean `max_iter`\?"),
        ({"xyz": 3}, r"no setting `xyz`\. `nuriwake recipes` lists"),
    ],
)
def test_wrong_values_name_range_and_value(values, message):
    with pytest.raises(UsageError, match=message):
        Settings(**values)


def test_every_setting_says_what_it_is_and_what_it_may_be():
    for name, info in Settings.model_fields.items():
        assert info.description, name
        assert allowed(info), name


def test_settings_are_immutable():
    with pytest.raises(ValueError, match="frozen"):
        Settings().seed = 1


def test_toml_round_trip(tmp_path):
    path = tmp_path / "s.toml"
    settings = Settings(recipe="tip2020", seed=7, learning_rate=0.05)
    path.write_text(settings.to_toml())
    assert Settings(**read_settings(path)) == settings


def test_a_sidecar_is_a_settings_file(tmp_path):
    path = tmp_path / "a.nuriwake.json"
    path.write_text(json.dumps({"settings": {"seed": 3}, "input": "a.png"}))
    assert read_settings(path) == {"seed": 3}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "seed = ", "not a settings file"),
        ("a.json", "{", "not a settings file"),
        ("a.json", "[1]", "must hold a table"),
        ("a.toml", None, "cannot be read"),
    ],
)
def test_files_that_are_no_settings(tmp_path, name, text, message):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_settings(path)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_a_recipe_does_not_read_is_refused(recipe):
    for name in RECIPES[recipe].ignores:
        default = Settings.model_fields[name].default
        with pytest.raises(UsageError, match=f"`{name}` is not read by the recipe {recipe}"):
            Settings(recipe=recipe, **{name: default + 1})
        assert getattr(Settings.recorded({"recipe": recipe, name: default + 1}), name) == default
    assert Settings(**Settings(recipe=recipe).model_dump()) == Settings(recipe=recipe)


def test_the_help_of_segment_lists_every_setting_with_its_range():
    for documented in (nuriwake.segment, nuriwake.Segmenter):
        for name, info in Settings.model_fields.items():
            assert f"* ``{name}``, {allowed(info)}: {info.description}." in documented.__doc__
    assert "momentum``, a number in [0, 1)" in nuriwake.segment.__doc__


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "[" * 100_000, "tables are too deep"),
        ("a.toml", "a = " + "[" * 5000 + "]" * 5000, "tables are too deep"),
        ("a.json", '{"seed": ' + "9" * 5000 + "}", "not a settings file"),
        ("a.json", "[1]", "must hold a table"),
    ],
)
def test_settings_files_that_are_none(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_settings(tmp_path / name)


def test_a_name_of_python_is_no_setting(tmp_path):
    (tmp_path / "a.json").write_text('{"self": 1}')
    with pytest.raises(UsageError, match="there is no setting `self`"):
        Settings(**read_settings(tmp_path / "a.json"))
