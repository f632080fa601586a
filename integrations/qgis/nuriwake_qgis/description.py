"""What the program can do, as ``nuriwake recipes --json`` tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .faults import PluginError

Value = Union[bool, int, float, str]
#: Beside this file: what the version of the program says that the plugin came with.
_SHIPPED = Path(__file__).with_name("description.json")
#: QGIS keeps whole numbers in 32 bits.
_LARGEST_INT = 2**31 - 1


@dataclass(frozen=True)
class Setting:
    """One hyper-parameter; its type is int, float, choice, bool or text."""

    name: str
    type: str
    help: str
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True)
class Recipe:
    """One method, the settings that it does not read, and the value of all the others."""

    name: str
    summary: str
    ignores: frozenset[str]
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Description:
    """All that the forms show."""

    version: str
    recipes: tuple[Recipe, ...]
    settings: tuple[Setting, ...]
    details: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    def default_of(self, name: str) -> str:
        """Write a setting's default, for each recipe that reads it where they differ.

        Examples
        --------
        >>> shipped().default_of("max_iter")
        '24 in fast, 1000 in icassp2018, 1000 in tip2020'
        >>> shipped().default_of("continuity")
        '5.0 in tip2020'
        """
        values = {r.name: r.values[name] for r in self.recipes if name not in r.ignores}
        if len(values) == len(self.recipes) and len(set(values.values())) == 1:
            return str(next(iter(values.values())))
        return ", ".join(f"{value} in {recipe}" for recipe, value in values.items())


def parse(text: str) -> Description:
    """Read the program's description.

    Raises
    ------
    PluginError
        If it is none.
    """
    try:
        told = json.loads(text)
        return Description(
            version=str(told["version"]),
            recipes=tuple(
                Recipe(name, r["summary"], frozenset(r["ignores"]), r["values"])
                for name, r in told["recipes"].items()
            ),
            settings=tuple(_setting(form) for form in told["settings"]),
            details=tuple(told["details"]),
            palette=tuple((int(r), int(g), int(b)) for r, g, b in told["palette"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PluginError(
            "this nuriwake is older than the plugin: update it (pip install --upgrade nuriwake)."
        ) from error


def _setting(form: Mapping[str, object]) -> Setting:
    is_int = form["type"] == "int"
    maximum = _number(form["maximum"])
    return Setting(
        name=str(form["name"]),
        type=str(form["type"]),
        help=str(form["help"]),
        choices=tuple(map(str, form["choices"])) if isinstance(form["choices"], list) else (),
        minimum=_number(form["minimum"]),
        maximum=min(maximum, _LARGEST_INT) if is_int and maximum is not None else maximum,
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def shipped() -> Description:
    """Return the description of the version that the plugin came with."""
    return parse(_SHIPPED.read_text(encoding="utf-8"))


def remembered(program: Path, memory: Path, ask: Callable[[Path], str]) -> Description:
    """Ask a program once what it can do, and remember it until its file changes.

    Parameters
    ----------
    program : pathlib.Path
    memory : pathlib.Path
        The file to remember in.
    ask : callable
        Returns what the program answers.

    Raises
    ------
    PluginError
        If the program does not answer, or not what is expected.
    """
    state = program.stat()
    key = f"{program}|{state.st_mtime_ns}|{state.st_size}"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        if known["of"] == key:
            return parse(known["text"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing is remembered yet
    text = ask(program)
    described = parse(text)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({"of": key, "text": text}), encoding="utf-8")
    return described
