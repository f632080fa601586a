"""Does every command and snippet of the documentation, as a new user would.

    python benchmarks/walkthrough.py [PAGE ...]

PAGE is README.md, or a page of docs/; all of the README, tutorials, how-to and "coming from" unless
given. Each page begins in an empty folder that holds stand-ins for the files that it names. Console
lines run in a shell, Python blocks one after another in one program; a line of output that is shown
is looked for in what is printed, numbers aside. The published recipes train for three iterations.
Installations, containers and what needs another program are listed as left out. Ends with 1 where
something failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from walkthrough_files import write_files

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md", "docs/tutorials/*.md", "docs/howto/*.md", "docs/coming-from/*.md",
    "docs/annotation.md", "docs/volumes.md", "docs/napari.md",
)  # fmt: skip
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```|(?:^    nuriwake [^\n]*\n)+", re.MULTILINE | re.DOTALL)
#: What a bare environment cannot do, or what would fetch something.
LEFT_OUT = re.compile(
    r"\b(pip|uv|conda|docker|make|napari|dask|qgis_process|otbcli\w*|demo\.py|helm)\b"
    r"|10\.0\.0\.5|--device cuda|nuriwake (bench|evaluate)|--install-completion"
    r"|import napari|segment_anything|sam_model_registry|samgeo|SamGeo|[Cc]luster\(|viewer\."
)
#: What trains for minutes: three iterations show as well that it runs.
LONG = re.compile(r"nuriwake (?:fit(?!.*--recipe fast)|segment(?=.*--recipe (?:icassp|tip)))")
SERVERS = re.compile(r"nuriwake (app|serve)\b")


@dataclass(frozen=True)
class Step:
    """One thing to do, and what it is said to print."""

    text: str
    is_python: bool
    shown: tuple[str, ...] = ()


def steps(page: str) -> Iterator[Step]:
    """Read the steps of a page, in their order."""
    for match in BLOCK.finditer(page):
        language, text = match[1], match[2] or match[0]
        if language == "python":
            yield Step(text, True)
        elif language in ("", "console", None) and "nuriwake" in text:
            yield from _commands(text.replace("\\\n", " "))


def _commands(text: str) -> Iterator[Step]:
    command, shown = "", []
    has_prompt = "$ " in text
    for line in map(str.strip, text.splitlines()):
        if not line:
            continue
        if has_prompt and not line.startswith("$ "):
            shown.append(line)
            continue
        if command:
            yield Step(command, False, tuple(shown))
        command, shown = line.removeprefix("$ ").removeprefix(".venv/bin/"), []
    if command:
        yield Step(command, False, tuple(shown))


def do(step: Step, folder: Path, python_so_far: list[str]) -> str:
    """Do a step; return what is wrong with it, or nothing."""
    if step.is_python:
        program = "\n".join((*python_so_far, step.text))
        done = _run([sys.executable, "-c", program], folder)
        if not done.returncode:
            python_so_far.append(step.text)
    elif SERVERS.search(step.text):
        return _serve(step.text, folder)
    else:
        done = _run(["bash", "-c", LONG.sub(r"\g<0> --max-iter 3", step.text)], folder)
    said = done.stdout + done.stderr
    if done.returncode:
        return said.strip()[-600:] or f"ended with {done.returncode}"
    for line in step.shown:
        pattern = re.sub(r"\d+", r"\\d+", re.escape(line).replace(r"\.\.\.", ".*"))
        if not re.search(pattern, said):
            return f"is said to print {line!r}, and printed {said.strip()[-300:]!r}"
    return ""


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, encoding="utf-8", check=False
    )


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
    }


def _serve(command: str, folder: Path) -> str:
    """Start a server, wait until it tells its address, and end it."""
    command = command.split("#")[0].replace("--open", "") + " --port 0"
    child = subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=folder, env=_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    said = ""
    assert child.stdout is not None
    for line in child.stdout:
        said += line
        if "http://" in line:
            child.terminate()
            child.communicate()
            return ""
    return said[-600:] or f"ended with {child.wait()}"


def walk(page: Path) -> int:
    """Do all steps of a page; return how many failed."""
    print(f"\n{page.relative_to(ROOT)}")
    n_failed, python_so_far = 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = page.read_text(encoding="utf-8")
        write_files(folder, text)
        for step in steps(text):
            title = " ".join(step.text.split("\n")[:3]).strip()[:100]
            if LEFT_OUT.search(step.text):
                print(f"  left out    {title}")
                continue
            started = time.perf_counter()
            wrong = do(step, folder, python_so_far)
            seconds = time.perf_counter() - started
            print(f"  {'FAILED' if wrong else 'done':6s} {seconds:4.0f} s  {title}", flush=True)
            if wrong:
                n_failed += 1
                print("    " + wrong.replace("\n", "\n    "))
    return n_failed


def main() -> None:
    """Walk through all pages."""
    names = sys.argv[1:] or PAGES
    pages = [page for name in names for page in sorted(ROOT.glob(name))]
    n_failed = sum(walk(page) for page in pages)
    print(f"\n{n_failed} failed")
    sys.exit(bool(n_failed))


if __name__ == "__main__":
    main()
