"""Command-line flags made from the table of settings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import typer

from nuriwake.errors import UsageError, out_of_range
from nuriwake.settings import RECIPES, Settings, Value, allowed, read_settings

Inputs = Annotated[
    list[str], typer.Argument(metavar="INPUT...", help="pictures, folders of them, or globs")
]
OutputFlag = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="a file for one input, else a folder", metavar="PATH"),
]
ScribblesFlag = Annotated[
    Path | None,
    typer.Option(
        help="drawn labels for one input: PNG, TIFF, LabelMe, Label Studio, COCO, ImageJ",
        metavar="FILE",
    ),
]
StartFlag = Annotated[
    Path | None,
    typer.Option("--model", help="start from the weights of this model", metavar="FILE"),
]
SettingsFlag = Annotated[
    Path | None, typer.Option(help="read settings from a TOML file or a sidecar", metavar="FILE")
]
OverwriteFlag = Annotated[
    bool, typer.Option("--overwrite", help="replace files that nuriwake did not write")
]
ResumeFlag = Annotated[
    bool, typer.Option("--resume", help="skip what is done already, with the same settings")
]
PartialFlag = Annotated[
    bool, typer.Option("--keep-partial", help="on Ctrl-C, keep the labels reached so far")
]
JsonFlag = Annotated[
    bool, typer.Option("--json", help="print one JSON record per input to standard output")
]
ProgressFlag = Annotated[
    str,
    typer.Option(
        help="a bar for people, or for programs a line of JSON on standard error for each step, "
        'which begins with {"progress"; the lines between them are for people',
        metavar="bar|json",
    ),
]
QuietFlag = Annotated[bool, typer.Option("--quiet", help="print errors only")]
MemoryFlag = Annotated[
    str,
    typer.Option(
        help="memory to use, such as 2G; a larger raster goes tile by tile (default: half of "
        "what is free)",
        metavar="BYTES",
        show_default=False,
    ),
]
WorkersFlag = Annotated[int, typer.Option(help="worker processes", metavar="N")]
SchedulerFlag = Annotated[
    str | None,
    typer.Option(help="a Dask scheduler, such as tcp://host:8786, or local", metavar="ADDRESS"),
]
#: The recipe of Settings().
_RECIPE: str = Settings.model_fields["recipe"].default
#: Settings shown beside the command's own flags; the others form a panel of their own.
_EVERYDAY = ("recipe", "seed", "device", "threads")


VolumeFlag = Annotated[
    bool, typer.Option("--volume", help="segment a stack of slices as one volume")
]
SpacingFlag = Annotated[
    str,
    typer.Option(
        help="with --volume: how far slices, rows and columns are apart, such as 3,1,1 "
        "(default: as the file says)",
        metavar="DZ,DY,DX",
        show_default=False,
    ),
]


def parse_spacing(text: str, volume: bool) -> tuple[float, ...]:
    """Read the value of ``--spacing``.

    Raises
    ------
    UsageError
        If it is not three numbers, or there is no ``--volume``.

    Examples
    --------
    >>> parse_spacing("3,1,1", volume=True)
    (3.0, 1.0, 1.0)
    """
    from nuriwake.volume import check_spacing

    if not text:
        return ()
    if not volume:
        raise UsageError(f"--spacing {text} is for volumes. Add --volume, or leave it out.")
    try:
        return check_spacing([float(part) for part in text.split(",")])
    except ValueError:
        expected = "three numbers such as 3,1,1"
        raise UsageError(out_of_range("--spacing", expected, text)) from None


def with_group(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one flag for each field of the dataclass that it takes as ``given``."""
    own = inspect.signature(command, eval_str=True).parameters
    group = own["given"].annotation
    types = get_type_hints(group, include_extras=True)
    parameters = {name: [parameter] for name, parameter in own.items()}
    parameters["given"] = [_keyword(f.name, types[f.name], f.default) for f in fields(group)]

    def wrapper(**values: Any) -> None:
        given = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(given=given, **values)

    return _signed(wrapper, command, [one for some in parameters.values() for one in some])


def with_settings(recipe: str = _RECIPE) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one flag for each setting.

    The command receives the flags that the user gave as the keyword ``flags``, a dictionary of
    texts: :class:`Settings` reads and checks them, so that every face says the same about a wrong
    value.

    Parameters
    ----------
    recipe : str
        What the command takes where none is named.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters.values()

        def wrapper(**values: Any) -> None:
            names = Settings.model_fields.keys() & values.keys()
            flags = {name: values.pop(name) for name in names}
            command(flags={k: v for k, v in flags.items() if v is not None}, **values)

        settings = [_flag(name, recipe) for name in Settings.model_fields]
        return _signed(wrapper, command, [*(p for p in own if p.name != "flags"), *settings])

    return decorate


def _signed(
    wrapper: Callable[..., None], command: Callable[..., None], parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """Show a wrapper as a command of these parameters, from which Typer makes the flags."""
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    wrapper.__name__ = command.__name__
    wrapper.__doc__ = command.__doc__
    return wrapper


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, default=default, annotation=annotation)


def _flag(name: str, recipe: str) -> inspect.Parameter:
    info = Settings.model_fields[name]
    allowed_range = "" if name == "device" else f"{allowed(info)}; "
    option = typer.Option(
        f"--{_dashed(name)}",
        help=f"{info.description} ({allowed_range}default {_defaults(name, recipe)})",
        metavar=_metavar(info.annotation),
        rich_help_panel=None if name in _EVERYDAY else "Hyper-parameters",
        show_default=False,
    )
    return _keyword(name, Annotated[str | None, option], None)


def _defaults(name: str, recipe: str) -> str:
    """Write a setting's default, for each recipe where they differ."""
    if name == "recipe":
        return recipe
    field = Settings.model_fields[name]
    values = {r.name: r.overrides.get(name, field.default) for r in RECIPES.values()}
    if len(set(values.values())) == 1:
        return str(field.default)
    return ", ".join(f"{value} in {recipe}" for recipe, value in values.items())


def _metavar(annotation: object) -> str:
    return {int: "INT", float: "NUMBER"}.get(annotation, "TEXT")  # type: ignore[call-overload, no-any-return]


def gather_settings(
    flags: Mapping[str, str],
    file: Path | None,
    start: Settings | None = None,
    defaults: Mapping[str, Value] = MappingProxyType({}),
) -> Settings:
    """Build the settings from defaults, those to start from, a file and flags; the last wins.

    Raises
    ------
    UsageError
        Naming the flag, if a value is out of its range.
    InputError
        If the file cannot be read.
    """
    given = {name: _number(text) for name, text in flags.items()}
    before = dict(defaults) if start is None else start.model_dump()
    values = {**before, **(read_settings(file) if file else {}), **given}
    try:
        return Settings(**values)
    except UsageError as error:
        message = re.sub(r"`(\w+)`", lambda match: f"`{_flag_name(match[1], flags)}`", str(error))
        prefix = "" if any(f"--{_dashed(name)}`" in message for name in flags) else f"{file}: "
        raise UsageError(prefix + message if file else message) from None


def _number(text: str) -> int | float | str:
    """Read a flag's text as a number where it is one, so that messages show it as typed."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _flag_name(name: str, flags: Mapping[str, str]) -> str:
    return f"--{_dashed(name)}" if name in flags else name


def _dashed(name: str) -> str:
    return name.replace("_", "-")
