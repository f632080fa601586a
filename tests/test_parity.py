"""One road: every flag is honoured on every way, or refused before anything is written.

The flags come from the command line itself, so that a new one cannot be forgotten: a flag without a
value in the tables below fails the test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer.main

from nuriwake.faces.cli import app, run
from nuriwake.settings import RECIPES, Settings

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("zarr")

WAYS = ("whole", "tiled", "stack", "zarr")
QUICK = {"--max-iter": "2", "--n-channels": "8", "--max-labels": "12", "--threads": "1"}
#: Values that differ from the defaults, for the settings that name no number.
CHOICES = {"--recipe": "tip2020", "--precision": "fp32", "--device": "cpu"}
#: Flags that change how a run goes, or what it says, and not what is written.
SILENT = {
    "--quiet",
    "--progress",
    "--workers",
    "--scheduler",
    "--keep-partial",
    "--memory",
    "--help",
}


@dataclass(frozen=True)
class Case:
    """One way of the command line, small."""

    source: Path
    recipe: str
    memory: tuple[str, ...] = ()


def _flags(command: str) -> list[str]:
    parameters = typer.main.get_command(app).commands[command].params
    return [p.opts[-1] for p in parameters if p.opts[-1].startswith("--")]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """The same pixels as a GeoTIFF, a Zarr image and the page of a stack; scribbles; models."""
    folder = tmp_path_factory.mktemp("parity")
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(200, 4000, (3, 4, 5)), np.ones((1, 16, 16)))
    bands = (blocks + rng.normal(0, 20, blocks.shape)).clip(1).astype(np.uint16)
    place = rasterio.Affine(10.0, 0.0, 500_000.0, 0.0, -10.0, 6_000_000.0)
    with rasterio.open(
        folder / "scene.tif", "w", "GTiff", width=80, height=64, count=3, dtype="uint16",
        crs="EPSG:32633", transform=place,
    ) as file:  # fmt: skip
        file.write(bands)
    pixels = bands.transpose(1, 2, 0)
    tifffile.imwrite(
        folder / "stack.tif", np.stack([pixels, pixels[::-1]]), photometric="minisblack",
        planarconfig="contig",
    )  # fmt: skip
    _write_zarr(folder / "scene.zarr", bands)
    drawn = np.zeros((64, 80), np.uint8)
    drawn[4:10, 4:60], drawn[50:60, 4:60] = 1, 2
    tifffile.imwrite(folder / "drawn.tif", drawn)
    for recipe in RECIPES:
        name = str(folder / f"{recipe}.safetensors")
        flags = [x for pair in QUICK.items() for x in pair]
        assert run(["fit", str(folder / "scene.tif"), "-m", name, "--recipe", recipe, *flags]) == 0
    return folder


def _write_zarr(path, bands):
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("0", shape=bands.shape, dtype=bands.dtype, chunks=(1, 32, 32))[:] = bands
    axes = [{"name": "c", "type": "channel"}, *({"name": n, "type": "space"} for n in "yx")]
    scale = {"type": "scale", "scale": [1.0, 10.0, 10.0]}
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]


def _source(inputs, way):
    names = {"whole": "scene.tif", "tiled": "scene.tif", "stack": "stack.tif", "zarr": "scene.zarr"}
    return inputs / names[way]


def _setting_value(name):
    flag = "--" + name.replace("_", "-")
    if flag in CHOICES:
        return CHOICES[flag]
    if flag in QUICK:
        return str(int(QUICK[flag]) + 1)
    default = Settings.model_fields[name].default
    return str(default + 1) if isinstance(default, int) else str(default * 0.9)


def _value(flag, command, inputs, recipe, way):
    """Return what to type after a flag so that it asks for something; None for a switch."""
    own = {
        "--output": None,
        "--regions": "4",
        "--detail": "coarse",
        "--labels": "2",
        "--save": "polygons",
        "--scribbles": str(inputs / "drawn.tif"),
        "--model": str(inputs / f"{recipe}.safetensors"),
        "--bands": "2,1",
        "--channels": "2,0",
        "--axes": {"stack": "TYXC", "zarr": "CYX"}.get(way, "YXC"),
        "--plane": "i=1",
        "--page": "2" if way == "stack" else "1",
        "--settings": str(_settings_file(inputs, recipe)),
        "--min-area": "30",
        "--tolerance": "1.5",
        "--volume": "",
        "--spacing": "3,1,1",
        "--json": "",
        "--overwrite": "",
        "--resume": "",
    }
    name = flag.removeprefix("--").replace("-", "_")
    if flag not in own and name in Settings.model_fields:
        return _setting_value(name)
    assert flag in own, f"{flag} of {command} is new: say here what to type after it"
    return own[flag]


def _settings_file(inputs, recipe):
    path = inputs / f"{recipe}.toml"
    path.write_text(f'recipe = "{recipe}"\nseed = 5\n')
    return path


def _type(arguments, out, capsys):
    """Run a command; return its code, the files with their bytes, the record, and what it said."""
    capsys.readouterr()
    code = run([*arguments, "-o", str(out)])
    said = capsys.readouterr()
    files = {}
    for path in sorted(out.rglob("*")) if out.exists() else ():
        if path.is_file() and not path.name.endswith(".json"):
            files[str(path.relative_to(out))] = path.read_bytes()
    record = next(out.glob("*.nuriwake.json"), None) if out.exists() else None
    table = json.loads(record.read_text()) if record else {}
    return code, files, table, said


def _shown(record):
    """What of a record is the same in two runs that do the same."""
    moving = ("seconds", "digests", "threads")
    return {key: value for key, value in record.items() if key not in moving}


def _check(flag, value, base, arguments, out, capsys):
    """Hold that a flag was honoured or refused."""
    typed = [flag, value] if value else [flag]
    code, files, record, said = _type([*arguments, *typed], out, capsys)
    if code != 0:
        assert code in (1, 2), said.err
        assert said.err.count("\n") == 1, said.err
        assert not files, f"{flag} was refused, and yet {sorted(files)} written"
        assert "Traceback" not in said.err
        return "refused"
    if flag == "--json":
        assert json.loads(said.out)["outputs"]
    elif flag == "--resume":
        _, again, _, said = _type([*arguments, flag], out, capsys)
        assert "done before, skipped" in said.err
        assert again == files
    elif flag == "--overwrite":
        victim = out / next(iter(record["outputs"].values()))
        if victim.is_file():
            victim.write_bytes(b"by hand")
            assert _type(arguments, out, capsys)[0] == 1
            assert victim.read_bytes() == b"by hand"
            assert _type([*arguments, flag], out, capsys)[0] == 0
    elif flag not in SILENT:
        was_asked = _shown(record) != _shown(base[2]) or set(files) != set(base[1])
        assert was_asked, f"{flag} {value} was taken without a word"
    return "honoured"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_flag_of_segment(way, recipe, inputs, tmp_path, capsys, monkeypatch):
    if way == "tiled":
        monkeypatch.setattr("nuriwake.scale.memory.fits_in_memory", lambda *_: False)
    source = _source(inputs, way)
    chosen = {**QUICK, "--recipe": recipe}
    base_arguments = ["segment", str(source), *(x for pair in chosen.items() for x in pair)]
    base = _type(base_arguments, tmp_path / "base", capsys)
    verdicts = {}
    assert base[0] == 0, base[3].err
    for flag in _flags("segment"):
        if flag in ("--output", "--recipe") or (flag in SILENT and flag != "--quiet"):
            continue
        value = None if flag == "--quiet" else _value(flag, "segment", inputs, recipe, way)
        rest = {name: text for name, text in chosen.items() if name != flag}
        arguments = ["segment", str(source), *(x for pair in rest.items() for x in pair)]
        out = tmp_path / flag.strip("-")
        verdicts[flag] = _check(flag, value, base, arguments, out, capsys)
    unread = {"--" + name.replace("_", "-") for name in RECIPES[recipe].ignores}
    assert unread <= {flag for flag, verdict in verdicts.items() if verdict == "refused"}
    if way == "tiled" and recipe == "fast":
        asked = ("--regions", "--detail", "--labels", "--scribbles", "--model", "--save")
        assert all(verdicts[flag] == "honoured" for flag in asked)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recipe", ["fast", "tip2020"])
def test_every_flag_of_apply(way, recipe, inputs, tmp_path, capsys, monkeypatch):
    if way == "tiled":
        monkeypatch.setattr("nuriwake.scale.memory.fits_in_memory", lambda *_: False)
    model = str(inputs / f"{recipe}.safetensors")
    arguments = ["apply", model, str(_source(inputs, way))]
    base = _type(arguments, tmp_path / "base", capsys)
    if (recipe, way) == ("fast", "tiled"):
        assert base[0] == 2
        assert not base[1]
        return
    assert base[0] == 0, base[3].err
    for flag in _flags("apply"):
        if flag == "--output" or (flag in SILENT and flag != "--quiet"):
            continue
        value = None if flag == "--quiet" else _value(flag, "apply", inputs, recipe, way)
        _check(flag, value, base, arguments, tmp_path / flag.strip("-"), capsys)


def test_untagged_and_tagged_copies_give_the_same(inputs, tmp_path, capsys):
    pixels = tifffile.imread(inputs / "scene.tif")
    pixels = pixels if pixels.shape[-1] == 3 else pixels.transpose(1, 2, 0)
    plain = tmp_path / "scene.tif"
    tifffile.imwrite(plain, pixels, photometric="minisblack", planarconfig="contig")
    flags = [*(x for pair in QUICK.items() for x in pair), "--save", "labels,regions,polygons"]
    model = str(inputs / "tip2020.safetensors")
    for command in (["segment"], ["apply", model]):
        given = flags if command == ["segment"] else flags[-2:]
        one = _type([*command, str(plain), *given], tmp_path / f"plain {command[0]}", capsys)
        two = _type(
            [*command, str(inputs / "scene.tif"), *given], tmp_path / f"tagged {command[0]}", capsys
        )
        assert set(one[1]) == set(two[1])
        for kind in ("labels", "regions"):
            first, second = (
                tifffile.imread(tmp_path / f"{tag} {command[0]}" / f"scene.{kind}.tif")
                for tag in ("plain", "tagged")
            )
            np.testing.assert_array_equal(first, second)


def test_zarr_in_and_out(inputs, tmp_path, capsys):
    from nuriwake.io.zarr import open_zarr
    from nuriwake.raster import Window

    flags = [*(x for pair in QUICK.items() for x in pair), "--save", "regions", "--quiet"]
    named = tmp_path / "named.zarr"
    assert run(["segment", str(inputs / "scene.zarr"), "-o", str(named), *flags]) == 0
    assert run(["segment", str(inputs / "scene.tif"), "-o", str(tmp_path / "x.tif"), *flags]) == 0
    written = open_zarr(named)
    regions = written.read(Window.full(written.shape)).array[:, :, 0]
    np.testing.assert_array_equal(regions, tifffile.imread(tmp_path / "x.tif"))
    assert written.georeference is not None
    result = tmp_path / "r.npz"
    save = [*flags[:-3], "--save", "result", "--quiet"]
    assert run(["segment", str(inputs / "scene.zarr"), "-o", str(result), *save]) == 0
    cut = ["cut", str(result), "--regions", "3", "--save", "regions", "--quiet"]
    assert run([*cut, "-o", str(tmp_path / "c.zarr")]) == 0
    three = open_zarr(tmp_path / "c.zarr")
    assert three.read(Window.full(three.shape)).array.max() == 3
    assert "Traceback" not in capsys.readouterr().err
