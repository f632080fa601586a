"""The QGIS plugin, as far as it needs no QGIS; `make test-qgis` runs the rest."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from nuriwake.faces.form import describe
from nuriwake_qgis import child, commands, description, environment, own_environment
from nuriwake_qgis.faults import CancelledError, PluginError

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "integrations" / "qgis" / "nuriwake_qgis"
on_posix = pytest.mark.skipif(os.name == "nt", reason="programs there have other names and ends")
PURE = ("child", "commands", "description", "environment", "own_environment")


def _imports(path: Path, version: tuple[int, int]) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=version)
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {
        node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) if not node.level
    }
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(PLUGIN.glob("*.py")), ids=lambda path: path.stem)
def test_modules_run_in_the_old_python_of_qgis_and_need_nothing_else(path):
    others = _imports(path, (3, 9)) - sys.stdlib_module_names
    assert others <= (set() if path.stem in PURE else {"qgis", "processing"})


@pytest.mark.parametrize("name", PURE)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(f"nuriwake_qgis.{name}")).failed == 0


def test_the_plugin_ships_what_the_program_says_of_itself():
    told = json.loads((PLUGIN / "description.json").read_text(encoding="utf-8"))
    # Anew: nuriwake recipes --json > integrations/qgis/nuriwake_qgis/description.json
    assert {**told, "version": ""} == {**json.loads(json.dumps(describe())), "version": ""}


def test_description():
    told = description.shipped()
    settings = {setting.name: setting for setting in told.settings}
    assert (settings["n_layers"].minimum, settings["n_layers"].maximum) == (1, 16)
    assert settings["seed"].maximum == 2**31 - 1  # QGIS keeps no more
    assert settings["precision"].choices == ("auto", "bf16", "fp32")
    assert [recipe.name for recipe in told.recipes] == ["fast", "icassp2018", "tip2020"]
    assert told.palette[0] == (230, 159, 0)
    with pytest.raises(PluginError, match="older than the plugin"):
        description.parse('{"fast": {"n_layers": 2}}')


def test_a_program_is_asked_once_until_it_changes(tmp_path):
    program, memory, asked = tmp_path / "nuriwake", tmp_path / "kept" / "d.json", []
    program.write_text("1")
    shipped = (PLUGIN / "description.json").read_text(encoding="utf-8")

    def ask(path):
        asked.append(path)
        return shipped

    for content in ("1", "1", "22"):
        program.write_text(content)
        os.utime(program, (0, 0))
        found = description.remembered(program, memory, ask)
        assert found == description.shipped()
    assert asked == [program, program]
    memory.write_text("{broken")
    description.remembered(program, memory, ask)
    assert len(asked) == 3


def test_the_child_gets_nothing_of_qgis():
    own = {
        "PATH": "/bin", "HOME": "/h", "http_proxy": "p", "OMP_NUM_THREADS": "2",
        "PYTHONPATH": "/q", "PYTHONHOME": "/q", "PROJ_LIB": "/q", "PROJ_DATA": "/q",
        "GDAL_DATA": "/q", "GDAL_DRIVER_PATH": "/q", "VIRTUAL_ENV": "/q",
    }  # fmt: skip
    kept = {"PATH": "/bin", "HOME": "/h", "http_proxy": "p", "OMP_NUM_THREADS": "2"}
    assert environment.child_environment(own) == {**kept, "PYTHONUTF8": "1"}


@on_posix
def test_the_program_is_found_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    folder, places = tmp_path / "environment", {"PATH": str(tmp_path / "bin")}
    with pytest.raises(PluginError, match=r"^nuriwake is not found: choose Plugins > nuriwake"):
        environment.find_program("", folder, places)
    by_uv, on_path = (tmp_path / name / "nuriwake" for name in (".local/bin", "bin"))
    named, own = tmp_path / "mine", environment.program_in(folder)
    for program in (by_uv, on_path, own):
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        assert environment.find_program("", folder, places) == program
    with pytest.raises(PluginError, match=r"nuriwake is not at .*mine"):
        environment.find_program(str(named), folder, places)
    named.touch()
    assert environment.find_program(str(named), folder, places) == named


def test_command_lines_are_what_the_program_takes():
    import typer

    from nuriwake.faces.cli import app

    n, cut = Path("nuriwake"), commands.Cut(regions=4, labels=2)
    fast = {"recipe": "fast", "seed": 1, "edge_sigma": 2.5}
    built = [
        commands.segment(n, "-a.tif", "o.tif", "regions", cut, fast, [3, 1]),
        commands.cut_result(n, "a.npz", "o.tif", "labels", commands.Cut(altitude=0.5)),
        commands.fit(n, ["a.tif", "b.tif"], "m.safetensors", {"recipe": "tip2020"}, "4,3"),
        commands.apply(n, "m.safetensors", "a.tif", "o.tif", "labels", [], "2ha"),
    ]
    group = typer.main.get_command(app)
    parsed = {}
    for _, verb, *words in built:
        command = group.commands[verb]
        parsed[verb] = command.make_context(verb, list(words)).params
    assert parsed["segment"]["inputs"] == ["-a.tif"]
    assert parsed["segment"]["bands"] == "3,1"
    assert (parsed["segment"]["regions"], parsed["segment"]["labels"]) == ("4", 2)
    assert parsed["segment"]["edge_sigma"] == "2.5"
    assert parsed["cut"]["altitude"] == 0.5
    assert parsed["fit"]["inputs"] == ["a.tif", "b.tif"]
    assert parsed["apply"]["min_area"] == "2ha"
    with pytest.raises(PluginError, match="a number of regions and a detail"):
        _ = commands.Cut(regions=4, detail="fine").options


def _python(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_the_child_is_heard_line_by_line():
    step = {"progress": "a.tif", "done": 1, "total": 4, "note": "9 labels"}
    program = f"import sys; print('a, né'); print({json.dumps(step)!r}, file=sys.stderr)"
    heard = []
    child.run(_python(program), {**os.environ, "PYTHONUTF8": "1"}, heard.append, lambda: False)
    assert set(map(str, heard)) == {"a, né", str(child.Progress("a.tif", 1, 4, "9 labels"))}


def test_a_failure_is_the_programs_own_line():
    program = "print('working'); print('nuriwake: x.tif: no such file.'); print('0 done'); exit(1)"
    with pytest.raises(PluginError, match=r"^x\.tif: no such file\.$"):
        child.run(_python(program), os.environ, lambda _line: None, lambda: False)
    with pytest.raises(PluginError, match="cannot be started"):
        child.run(["./absent"], os.environ, lambda _line: None, lambda: False)
    with pytest.raises(PluginError, match=r"^it is broken$"):
        child.ask(_python("exit('it is broken')"), os.environ)


@on_posix
def test_a_run_that_is_ended_is_asked_to_end(tmp_path):
    farewell = tmp_path / "farewell"
    program = (
        "import pathlib, signal, sys, time\n"
        f"def end(*_): pathlib.Path({str(farewell)!r}).touch(); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    heard: list[object] = []
    started = time.monotonic()
    with pytest.raises(CancelledError):
        child.run(_python(program), os.environ, heard.append, lambda: bool(heard))
    assert time.monotonic() - started < 300
    assert farewell.exists()


def test_an_environment_is_made_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "environment"
    program = environment.program_in(folder)
    ran = []

    def run(command):
        ran.append(command)
        program.parent.mkdir(parents=True, exist_ok=True)
        if command[-1] == "nuriwake[geo]":
            program.touch()

    steps = own_environment.steps("python3", folder, system="linux")
    own_environment.make(steps, folder, run)
    assert [command[-1] for command in ran] == [
        str(folder), "https://download.pytorch.org/whl/cpu", "nuriwake[geo]",
    ]  # fmt: skip
    assert all(Path(command[0]).parent == program.parent for command in ran[1:])
    assert program.is_file()

    def fail(command):
        raise PluginError("no network")

    with pytest.raises(PluginError, match="no network"):
        own_environment.make(steps, folder, fail)
    assert program.is_file(), "what worked before is lost"
    program.unlink()
    with pytest.raises(PluginError, match="no network"):
        own_environment.make(steps, folder, fail)
    assert list(tmp_path.iterdir()) == []


def test_what_is_installed_is_a_package_or_a_wheel_of_the_user(tmp_path):
    wheel = tmp_path / "mit ü" / "nuriwake-9-py3-none-any.whl"
    with pytest.raises(PluginError, match="is no wheel"):
        own_environment.requirement(str(wheel))
    wheel.parent.mkdir()
    wheel.touch()
    told = own_environment.requirement(str(wheel))
    assert told == f"nuriwake[geo] @ {wheel.as_uri()}"
    assert " " not in told.split(" @ ")[1]


def test_a_disk_that_is_full_is_refused_before_anything_is_made(tmp_path):
    own_environment.check_room(tmp_path, 3 * 10**9)
    with pytest.raises(PluginError, match=r"0\.5 GB free, and 3 GB are needed"):
        own_environment.check_room(tmp_path, 500 * 10**6)


def test_a_python_that_is_new_enough_makes_the_environment():
    assert Path(own_environment.find_python(os.environ, lambda _command: True)).is_file()
    with pytest.raises(PluginError, match=r"no Python of 3\.11"):
        own_environment.find_python(os.environ, lambda _command: False)


def test_the_zip_holds_the_plugin(tmp_path):
    script = ROOT / "packaging" / "zip_plugin.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    (target,) = tmp_path.iterdir()
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
    wanted = ("__init__.py", "metadata.txt", "icon.svg", "description.json", "LICENSE")
    assert {f"nuriwake_qgis/{name}" for name in wanted} <= names
    assert not [name for name in names if "__pycache__" in name]
