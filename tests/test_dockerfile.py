"""The rules that the Dockerfile relies on, for machines where no image can be built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES = [
    line
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]


def values(instruction: str) -> list[str]:
    return [line.split(None, 1)[1] for line in LINES if line.split()[0] == instruction]


def test_every_line_is_an_instruction():
    known = {"FROM", "ARG", "RUN", "WORKDIR", "COPY", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {line.split()[0] for line in LINES} <= known


def test_the_base_is_slim_and_pinned_and_one_python():
    bases = [value.split()[0] for value in values("FROM")]
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases[0])
    version = bases[0].removeprefix("python:").removesuffix("-slim")
    folders = set(re.findall(r"lib/python([\d.]+)/", "\n".join(values("RUN"))))
    assert folders == {version}
    assert f"Python :: {version}" in (ROOT / "pyproject.toml").read_text()


def test_torch_comes_without_cuda_and_no_cache_stays_in_a_layer():
    installs = [value for value in values("RUN") if "pip install" in value]
    assert any("--torch-backend cpu" in value for value in installs)
    for value in installs:
        assert "--no-cache" in value
        for tool in re.findall(r"pip install --no-cache-dir (\S+)", value):
            assert "==" in tool, "tools are pinned"


@pytest.mark.parametrize(
    "source", [s for v in values("COPY") if "--from" not in v for s in v.split()[:-1]]
)
def test_what_is_copied_is_there_and_not_ignored(source):
    assert (ROOT / source).exists()
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_it_runs_as_nobody_special_and_is_warmed_up_by_that_user():
    assert values("USER")[-1] not in ("root", "0")
    names = [line.split()[0] for line in LINES]
    last_user = len(names) - 1 - names[::-1].index("USER")
    assert any("info --warm-up" in line for line in LINES[last_user:])
    assert values("ENTRYPOINT") == ['["nuriwake"]']
    assert not any(name == "ADD" for name in names)
