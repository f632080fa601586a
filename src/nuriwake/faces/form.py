"""The settings as a form, for every face that shows one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypedDict, get_args, get_origin

from nuriwake.settings import RECIPES, Settings, Value


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


class RecipeDefaults(TypedDict):
    """One recipe with the value of every setting."""

    summary: str
    shows: Literal["regions", "labels"]
    ignores: list[str]
    values: dict[str, Value]


class Description(TypedDict):
    """All that another program needs to offer the commands: its forms, its checks, our colours."""

    version: str
    recipes: dict[str, RecipeDefaults]
    settings: list[FieldForm]
    details: list[str]
    palette: list[list[int]]


def describe() -> Description:
    """Describe the program for programs that call it.

    Examples
    --------
    >>> describe()["recipes"]["tip2020"]["values"]["continuity"]
    5.0
    """
    from importlib.metadata import version

    from nuriwake.painting import N_COLOURS, palette
    from nuriwake.regions.tree import DETAILS

    return Description(
        version=version("nuriwake"),
        recipes={
            r.name: RecipeDefaults(
                summary=r.summary,
                shows=r.shows,
                ignores=sorted(r.ignores),
                values=Settings(recipe=r.name).model_dump(),
            )
            for r in RECIPES.values()
        },
        settings=field_forms(),
        details=list(DETAILS),
        palette=palette(N_COLOURS + 1)[1:].tolist(),
    )


def recipe_forms() -> list[RecipeForm]:
    """Describe the recipes."""
    return [
        RecipeForm(
            name=r.name, summary=r.summary, overrides=dict(r.overrides), ignores=sorted(r.ignores)
        )
        for r in RECIPES.values()
    ]


def field_forms(hidden: Collection[str] = ()) -> list[FieldForm]:
    """Describe every setting but the hidden ones, from the table of settings.

    Examples
    --------
    >>> [form["name"] for form in field_forms()][:3]
    ['recipe', 'seed', 'n_layers']
    """
    return [_field(name) for name in Settings.model_fields if name not in hidden]


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
