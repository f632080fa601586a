"""The settings as a form, and as the command line that does the same."""

from __future__ import annotations

import shlex
from typing import Literal, TypedDict, get_args, get_origin

from nuriwake.faces.web.work import Task
from nuriwake.settings import RECIPES, Settings, Value

#: Settings that belong to the machine: the page neither shows nor takes them.
SERVER_SIDE = frozenset({"device", "threads", "precision"})


class FieldForm(TypedDict):
    """One field of the form."""

    name: str
    type: Literal["int", "float", "choice", "bool", "text"]
    default: Value
    help: str
    choices: list[str]
    minimum: float | None
    maximum: float | None
    open_minimum: bool
    open_maximum: bool


class RecipeForm(TypedDict):
    """One recipe: its name, a line for people, the defaults it changes, what it does not read."""

    name: str
    summary: str
    overrides: dict[str, Value]
    ignores: list[str]


def recipe_forms() -> list[RecipeForm]:
    """Describe the recipes."""
    return [
        RecipeForm(
            name=r.name, summary=r.summary, overrides=dict(r.overrides), ignores=sorted(r.ignores)
        )
        for r in RECIPES.values()
    ]


def field_forms() -> list[FieldForm]:
    """Describe every setting that the page may change, from the table of settings."""
    return [_field(name) for name in Settings.model_fields if name not in SERVER_SIDE]


def _field(name: str) -> FieldForm:
    info = Settings.model_fields[name]
    bounds = {
        bound: getattr(rule, bound)
        for rule in info.metadata
        for bound in ("ge", "gt", "le", "lt")
        if getattr(rule, bound, None) is not None
    }
    is_choice = get_origin(info.annotation) is Literal
    return FieldForm(
        name=name,
        type=_type(info.annotation),
        default=info.default,
        help=info.description or "",
        choices=[str(choice) for choice in get_args(info.annotation)] if is_choice else [],
        minimum=bounds.get("ge", bounds.get("gt")),
        maximum=bounds.get("le", bounds.get("lt")),
        open_minimum="gt" in bounds,
        open_maximum="lt" in bounds,
    )


def _type(annotation: object) -> Literal["int", "float", "choice", "bool", "text"]:
    if get_origin(annotation) is Literal:
        return "choice"
    if annotation is bool:
        return "bool"
    if annotation is int:
        return "int"
    return "float" if annotation is float else "text"


def chosen_settings(settings: Settings) -> dict[str, Value]:
    """Return the recipe and what differs from its defaults, of what the page may choose.

    Examples
    --------
    >>> chosen_settings(Settings(seed=3))
    {'recipe': 'fast', 'seed': 3}
    """
    defaults = Settings(recipe=settings.recipe).model_dump()
    changed = {
        field: value
        for field, value in settings.model_dump().items()
        if value != defaults[field] and field not in SERVER_SIDE
    }
    return {"recipe": settings.recipe, **changed}


def command_line(task: Task) -> str:
    """Write the command that segments the same picture in the same way.

    Parameters
    ----------
    task : Task

    Returns
    -------
    str
        Only what differs from the recipe's defaults is named. Scribbles have the name of their
        download.

    Examples
    --------
    >>> import numpy as np
    >>> from nuriwake.raster import as_raster
    >>> raster = as_raster(np.zeros((4, 4), np.uint8))
    >>> command_line(Task("my cup.png", raster, Settings(recipe="tip2020", seed=3)))
    "nuriwake segment 'my cup.png' --recipe tip2020 --seed 3"
    """
    changed = chosen_settings(task.settings)
    if task.settings.recipe == Settings().recipe:
        del changed["recipe"]
    flags = [f"--{field.replace('_', '-')} {value}" for field, value in changed.items()]
    if task.origin.plane:
        flags.append(f"--plane {task.origin.plane}")
    if task.scribbles is not None:
        flags.append(f"--scribbles {shlex.quote(f'{task.stem}.scribbles.png')}")
    return " ".join(["nuriwake segment", shlex.quote(task.name), *flags])
