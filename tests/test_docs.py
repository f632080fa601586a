"""The documentation and the release: pages are reached, links lead somewhere, versions agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import nuriwake

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = ("_build", "gallery", "examples")
PAGES = sorted(
    path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] not in GENERATED
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _entries(page: Path) -> list[Path]:
    lines = "\n".join(TOCTREE.findall(page.read_text(encoding="utf-8"))).splitlines()
    names = [line for line in lines if line and not line.startswith(":")]
    return [(page.parent / f"{name}.md").resolve() for name in names]


def _anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_page_is_reached_from_the_first():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page.resolve())
        waiting += [entry for entry in _entries(page) if entry.exists() and entry not in reached]
    assert {page.name for page in PAGES if page.resolve() not in reached} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for name, anchor in LINK.findall(text):
        if (DOCS / "gallery").resolve() in (page.parent / name).resolve().parents:
            continue  # made by `make docs`, which checks it
        target = (page.parent / name) if name else page
        assert target.exists(), f"{page.name}: {name}"
        if anchor:
            assert anchor in _anchors(target), f"{page.name}: {name}#{anchor}"


def test_every_example_of_the_gallery_says_what_it_teaches():
    examples = sorted((DOCS / "examples").glob("plot_*.py"))
    assert len(examples) >= 10
    for example in examples:
        assert "*Learn:" in example.read_text(encoding="utf-8"), example.name


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == nuriwake.__version__
    for name, pattern in (
        ("CITATION.cff", r"^version: (.+)$"),
        ("packaging/conda-forge/recipe.yaml", r'^  version: "(.+)"$'),
        ("integrations/qgis/nuriwake_qgis/metadata.txt", r"^version=(.+)$"),
        ("integrations/qgis/nuriwake_qgis/description.json", r'"version": "([^"]+)"'),
    ):
        found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        assert found, name
        assert found.group(1) == nuriwake.__version__, name


def test_the_changelog_tells_of_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(nuriwake.__version__)}\] - \d{{4}}-\d\d-\d\d$", text, re.M)


def test_the_conda_recipe_needs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = (ROOT / "packaging/conda-forge/recipe.yaml").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        name, version = dependency.split(">=")
        assert f"- {name.replace('torch', 'pytorch')} >={version}\n" in recipe


def _commands(page: Path) -> list[list[str]]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^\s*(?:\$ |\.venv/bin/)?nuriwake (\w.*)$", text, re.MULTILINE)
    return [re.sub(r"#.*|\$\(.*?\)", "", line).split() for line in lines]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_every_command_that_is_shown_exists_with_its_flags(page):
    import typer

    from nuriwake.faces.cli import app

    commands = typer.main.get_command(app).commands
    for words in _commands(page):
        command = commands.get(words[0])
        if command is None:
            continue  # prose that begins a line with the program's name
        command = getattr(command, "commands", {}).get(words[1] if words[1:] else "", command)
        named = (parameter.opts + parameter.secondary_opts for parameter in command.params)
        known = {"--help", *(name for names in named for name in names)}
        for flag in (word for word in words if re.match(r"--?[a-z]", word)):
            assert flag in known, f"nuriwake {' '.join(words)}: {flag}"
