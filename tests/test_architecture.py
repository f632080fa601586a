"""The house rules: who may import whom, and what a bare import loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nuriwake

ROOT = Path(nuriwake.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
#: From top to bottom: a module may import its own row and the rows above it.
ROWS = (
    "errors", "machine", "beside", "compiled", "settings", "raster", "volume", "painting", "learn",
    "engine", "regions", "recipes", "io", "model", "model_file", "segmentation",
    "volume_segmentation", "segmenter", "volume_segmenter", "estimator", "scale", "jobs",
    "evaluate", "faces",
)  # fmt: skip
PATHS = [str(path.relative_to(ROOT)) for path in MODULES]


def _row(module: str) -> int:
    name = module.removeprefix("nuriwake.").split(".")[0]
    return ROWS.index(name)


def _imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found.append((node.lineno, node.module or ""))
        elif isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
    return [(line, name) for line, name in found if name.split(".")[0] == "nuriwake"]


@pytest.mark.parametrize("path", PATHS)
def test_imports_point_up(path):
    own = Path(path).with_suffix("").parts
    for line, name in _imports(ROOT / path):
        assert name != "nuriwake", f"{path}:{line}: imports the package root"
        if own[-1] not in ("__init__", "__main__"):
            assert _row(name) <= _row(own[0]), f"{path}:{line}: {name} lies below"


def test_no_import_runs_in_a_circle():
    graph = {}
    for path, relative in zip(MODULES, PATHS, strict=True):
        name = "nuriwake." + ".".join(Path(relative).with_suffix("").parts)
        graph[name] = {module for _, module in _top_level_imports(path)}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _top_level_imports(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = {node.lineno for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)}
    return [(line, name) for line, name in _imports(path) if line in lines]


@pytest.mark.parametrize("path", PATHS)
def test_files_and_functions_stay_short(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines < 40, f"{path}: {node.name} has {lines} lines"


def test_packages_hold_names_only():
    for path in ROOT.rglob("*/__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        allowed = (ast.Expr, ast.Import, ast.ImportFrom, ast.Assign)
        assert all(isinstance(node, allowed) for node in tree.body), path


def test_no_module_named_utils():
    assert not [path for path in PATHS if Path(path).stem in ("utils", "helpers", "misc")]


#: Written for people of every system, whose own encoding may be another.
SHIPPED = sorted(
    path
    for folder in ("src", "integrations", "packaging")
    for path in (Path(__file__).parents[1] / folder).rglob("*.py")
)


def _leaves_the_encoding_open(call: ast.Call) -> bool:
    keywords = {keyword.arg for keyword in call.keywords}
    if "encoding" in keywords:
        return False
    function = call.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    if name in ("run", "Popen", "check_output"):
        return bool(keywords & {"text", "universal_newlines"})
    if name in ("read_text", "write_text"):
        return True
    if name not in ("open", "fdopen") or ast.unparse(function) == "rasterio.open":
        return False
    values = (*call.args, *(keyword.value for keyword in call.keywords))
    texts = [value.value for value in values if isinstance(value, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and set(text) <= set("rwxabt+")]
    if not modes:
        return isinstance(function, ast.Name)
    return not any("b" in mode for mode in modes)


def test_texts_have_an_encoding():
    for path in SHIPPED:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert not _leaves_the_encoding_open(node), f"{path}:{node.lineno}: no encoding="


@pytest.mark.parametrize(
    ("call", "is_open"),
    [
        ("path.read_text()", True),
        ("path.open('w')", True),
        ("open(path)", True),
        ("run(command, text=True)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("open(path, 'rb')", False),
        ("rasterio.open(path, 'w')", False),
    ],
)
def test_a_text_without_an_encoding_is_found(call, is_open):
    assert _leaves_the_encoding_open(ast.parse(call, mode="eval").body) == is_open


def _loaded(code: str) -> str:
    command = [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import nuriwake; dir(nuriwake)",
        "from nuriwake.faces.cli import run; run(['--help'])",
        "from nuriwake.faces.cli import run; run(['recipes'])",
    ],
)
def test_heavy_packages_are_loaded_when_needed(code):
    modules = set(_loaded(code).split())
    assert not modules & {"torch", "rasterio", "scipy", "skimage", "numba", "numpy", "fastapi"}


def test_photographs_need_no_pytorch(coffee, tmp_path):
    """It takes longer to import than the recipe `fast` takes to learn."""
    picture, model, quick = str(coffee), str(tmp_path / "m.safetensors"), ["--max-iter", "2"]
    commands = [
        ["segment", picture, "-o", str(tmp_path), *quick],
        ["fit", picture, picture, "--recipe", "fast", "-m", model, *quick],
        ["apply", model, picture, "-o", str(tmp_path)],
    ]
    code = f"from nuriwake.faces.cli import run; assert not any(map(run, {commands!r}))"
    assert not set(_loaded(code).split()) & {"torch", "rasterio", "fastapi"}
    assert {"coffee.regions.png", "coffee.labels.png"} <= {p.name for p in tmp_path.iterdir()}


def test_public_names_resolve():
    for name in nuriwake.__all__:
        assert getattr(nuriwake, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = nuriwake.magic
