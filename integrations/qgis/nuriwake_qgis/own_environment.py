"""Makes an environment of its own for the program; nothing goes into the Python of QGIS."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .environment import program_in
from .faults import PluginError

#: The builds without CUDA, some gigabytes smaller; the usual ones elsewhere than on Linux.
_TORCH_FOR_CPU = "https://download.pytorch.org/whl/cpu"
#: Fails where it is too old, or where Debian keeps a part of it in a package of its own.
_FITS = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
#: Bytes: what is installed, and what pip unpacks on the way.
_ROOM = 3 * 10**9
PACKAGE = "nuriwake[geo]"
_NAMES = ("python3.13", "python3.12", "python3.11", "python3.14", "python3", "python")


def find_python(environment: Mapping[str, str], fits: Callable[[Sequence[str]], bool]) -> str:
    """Find a Python that can make the environment.

    Parameters
    ----------
    environment : Mapping
        Variables of the process.
    fits : callable
        Whether a command runs and succeeds.

    Raises
    ------
    PluginError
        If there is none.
    """
    found = [shutil.which(name, path=environment.get("PATH")) for name in _NAMES]
    # Windows and macOS: a Python comes with QGIS, from which another environment can be made.
    found += [str(Path(sys.exec_prefix) / name) for name in ("python.exe", "bin/python3")]
    for python in dict.fromkeys(path for path in found if path and Path(path).is_file()):
        if fits([python, "-c", _FITS]):
            return python
    raise PluginError(
        "no Python of 3.11 or newer with venv is found: install one (on Debian and Ubuntu "
        "python3-venv, elsewhere from python.org) and try again."
    )


def requirement(wheel: str) -> str:
    """Say what pip installs: the package of the index, or a wheel that the user has.

    Parameters
    ----------
    wheel : str
        From the options of Processing; empty where the user has named none.

    Raises
    ------
    PluginError
        If there is no such file.

    Examples
    --------
    >>> requirement("")
    'nuriwake[geo]'
    """
    if not wheel:
        return PACKAGE
    if not (wheel.endswith(".whl") and Path(wheel).is_file()):
        raise PluginError(f"{wheel} is no wheel: name a file nuriwake-VERSION-py3-none-any.whl.")
    return f"{PACKAGE} @ {Path(wheel).resolve().as_uri()}"


def check_room(folder: Path, free: int) -> None:
    """Refuse a disk that the environment does not fit on.

    Parameters
    ----------
    folder : pathlib.Path
        Where the environment will be.
    free : int
        Bytes that are free there.

    Raises
    ------
    PluginError
        If so.
    """
    if free < _ROOM:
        raise PluginError(
            f"{folder} is on a disk with {free / 1e9:.1f} GB free, and {_ROOM / 1e9:.0f} GB are "
            "needed: make room and try again."
        )


def steps(
    python: str, folder: Path, package: str = PACKAGE, system: str = sys.platform
) -> list[list[str]]:
    """List the commands that make an environment with the program in it.

    Parameters
    ----------
    python : str
        From :func:`find_python`.
    folder : pathlib.Path
        Where the environment will be.
    package : str
        What is installed.
    system : str
        As :data:`sys.platform` names it.

    Examples
    --------
    >>> [step[1:4] for step in steps("python3", Path("env"), system="darwin")]
    [['-m', 'venv', '--clear'], ['-m', 'pip', 'install']]
    """
    own = str(program_in(folder).with_name("python.exe" if os.name == "nt" else "python"))
    install = [own, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    torch = (
        [[*install, "torch", "--index-url", _TORCH_FOR_CPU]] if system.startswith("linux") else []
    )
    return [[python, "-m", "venv", "--clear", str(folder)], *torch, [*install, package]]


def make(
    commands: Sequence[Sequence[str]], folder: Path, run: Callable[[Sequence[str]], None]
) -> None:
    """Run the steps; where one fails, an environment that worked before is there again.

    Parameters
    ----------
    commands : sequence of commands
        From :func:`steps`.
    folder : pathlib.Path
    run : callable
        Runs one, and raises what went wrong.

    Raises
    ------
    PluginError
        If all steps are done and there is no program.
    """
    # Its scripts name their folder, so that the old one makes way and not the new one.
    former = folder.with_name(f"{folder.name}.former")
    if program_in(folder).is_file():
        shutil.rmtree(former, ignore_errors=True)
        folder.rename(former)
    is_made = False
    try:
        for command in commands:
            run(command)
        is_made = program_in(folder).is_file()
    finally:
        shutil.rmtree(former if is_made else folder, ignore_errors=True)
        if not is_made and former.exists():
            former.rename(folder)
    if not is_made:
        raise PluginError(f"{program_in(folder)} is missing after the installation: try again.")


def reason(complaint: str) -> str:
    """Say in one sentence why it failed, and what to do.

    Parameters
    ----------
    complaint : str
        The line of pip or of Python.

    Examples
    --------
    >>> reason("ERROR: No matching distribution found for torch")[:70]
    'nuriwake was not set up (No matching distribution found for torch): is'
    """
    text = complaint.removeprefix("ERROR: ").rstrip(".")
    way = "the panel Log Messages, nuriwake, has all that was said."
    if "No matching distribution" in text:
        way = f"is there a network? {way[0].upper()}{way[1:]}"
    return f"nuriwake was not set up ({text}): {way}"
