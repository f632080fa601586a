"""Every hyper-parameter once: name, type, range, default, help, paper symbol; and the recipes.

The command line's flags, the page's form and the TOML files are generated from :class:`Settings`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from nuriwake.errors import InputError, UsageError, out_of_range

RecipeName = Literal["fast", "icassp2018", "tip2020"]
Value = bool | int | float | str
Documented = TypeVar("Documented")
#: Bytes of a settings file at most. Records with a long history are settings files too.
_LARGEST_FILE = 64 << 20


@dataclass(frozen=True)
class Recipe:
    """A method: its defaults, what it reads, and what can be done with it.

    Its steps are in :mod:`nuriwake.recipes`; this much is known without loading PyTorch.

    Parameters
    ----------
    name : str
    summary : str
        One line for people.
    shows : {"regions", "labels"}
        What pictures of it show, and what is written unless told otherwise.
    is_local : bool
        Whether a label depends on nothing but the pixels around it. Then a network that has learned
        from parts labels rasters of any size tile by tile, exactly.
    is_continuous : bool
        Whether spatial continuity is a term of the loss (TIP 2020) or a vote in superpixels.
    ignores : frozenset of str
        The settings that it does not read.
    overrides : Mapping of str to values
        The settings whose default differs from that of :class:`Settings`.
    """

    name: str
    summary: str
    shows: Literal["regions", "labels"]
    is_local: bool
    is_continuous: bool
    ignores: frozenset[str]
    overrides: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe(
                "fast",
                "learns on a coarse grid for a second, then builds a tree of regions at full size",
                shows="regions",
                is_local=False,
                is_continuous=False,
                ignores=frozenset({"continuity", "crop_size", "batch_size", "scribble_weight"}),
                overrides=MappingProxyType(
                    {
                        "n_channels": 64,
                        "max_labels": 64,
                        "max_iter": 24,
                        "n_superpixels": 625,
                        "compactness": 0.3,
                    }
                ),
            ),
            Recipe(
                "icassp2018",
                "Kanezaki, ICASSP 2018: targets are the argmax, smoothed by superpixels",
                shows="labels",
                is_local=True,
                is_continuous=False,
                ignores=frozenset({"continuity", "grid_cells"}),
            ),
            Recipe(
                "tip2020",
                "Kim, Kanezaki, Tanaka, TIP 2020: targets are the argmax, the loss has a "
                "continuity term",
                shows="labels",
                is_local=True,
                is_continuous=True,
                ignores=frozenset({"n_superpixels", "compactness", "grid_cells"}),
            ),
        )
    }
)


class Settings(BaseModel):
    """The hyper-parameters of one run. Immutable; wrong values raise :class:`UsageError`.

    A recipe sets defaults, and every keyword given explicitly wins over it.

    Raises
    ------
    UsageError
        If a value is out of its range or a name is unknown.

    Examples
    --------
    >>> Settings(recipe="tip2020").continuity
    5.0
    >>> Settings(n_layers=0)
    Traceback (most recent call last):
        ...
    nuriwake.errors.UsageError: `n_layers` must be an int in [1, 16]; got 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Annotated[
        RecipeName, Field(description="which method: its defaults and its targets")
    ] = "fast"
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="seed of the initial weights")] = 0
    n_layers: Annotated[int, Field(ge=1, le=16, description="M, how many 3x3 convolutions")] = 2
    n_channels: Annotated[
        int, Field(ge=1, le=1024, description="p, channels of the feature extractor")
    ] = 100
    max_labels: Annotated[
        int, Field(ge=1, le=1024, description="q, responses of the network: labels at most")
    ] = 100
    min_labels: Annotated[
        int, Field(ge=1, le=1024, description="stop when this many labels or fewer are in use")
    ] = 3
    max_iter: Annotated[
        int, Field(ge=1, le=1_000_000, description="T, training iterations at most")
    ] = 1000
    learning_rate: Annotated[
        float, Field(gt=0, le=10, description="step size of the gradient descent")
    ] = 0.1
    momentum: Annotated[
        float, Field(ge=0, lt=1, description="momentum of the gradient descent")
    ] = 0.9
    n_superpixels: Annotated[
        int, Field(ge=1, le=10_000_000, description="K, superpixels for the vote (icassp2018)")
    ] = 10_000
    compactness: Annotated[
        float, Field(gt=0, le=1e6, description="compactness of the superpixels (icassp2018)")
    ] = 100.0
    continuity: Annotated[
        float, Field(ge=0, le=1000, description="mu, weight of spatial continuity (tip2020)")
    ] = 5.0
    crop_size: Annotated[
        int, Field(ge=1, le=8192, description="side of the crops when training on several images")
    ] = 256
    batch_size: Annotated[
        int, Field(ge=1, le=1024, description="crops per iteration when training on several images")
    ] = 4
    scribble_weight: Annotated[
        float, Field(ge=0, le=1000, description="nu, weight of the scribbled pixels")
    ] = 0.5
    grid_cells: Annotated[
        int, Field(ge=16, le=10_000_000, description="cells of the grid that fast learns on")
    ] = 10_000
    edge_sigma: Annotated[
        float, Field(gt=0, le=20, description="smoothing of edges; more gives fewer leaves (fast)")
    ] = 1.5
    texton_weight: Annotated[
        float, Field(ge=0, le=1000, description="learned labels against colour in regions (fast)")
    ] = 8.0
    tone_weight: Annotated[
        float, Field(ge=0, le=1000, description="histograms against mean colours (fast)")
    ] = 30.0
    texton_edges: Annotated[
        float, Field(ge=0, le=1000, description="learned labels against colour on borders (fast)")
    ] = 1.2
    texton_contrast: Annotated[
        float,
        Field(ge=0, le=1000, description="learned labels some way off, on either hand (fast)"),
    ] = 0.15
    texture_contrast: Annotated[
        float, Field(ge=0, le=1000, description="texture some way off, on either hand (fast)")
    ] = 0.22
    roughness: Annotated[
        float,
        Field(ge=0, le=1000, description="how much edges inside regions excuse borders (fast)"),
    ] = 1.5
    border_offset: Annotated[
        float, Field(ge=0, le=100, description="cost of a border without any edge (fast)")
    ] = 0.08
    border_power: Annotated[
        float, Field(ge=0, le=10, description="how much an edge keeps regions apart (fast)")
    ] = 4.0
    size_power: Annotated[
        float, Field(ge=0, le=1, description="how much small regions merge first (fast)")
    ] = 0.15
    contact_power: Annotated[
        float, Field(ge=0, le=1, description="how much long common borders merge first (fast)")
    ] = 0.3
    thing_textons: Annotated[
        float, Field(ge=0, le=100, description="gain of labels above the altitude (fast)")
    ] = 1.5
    thing_tones: Annotated[
        float, Field(gt=0, le=100, description="gain of histograms above the altitude (fast)")
    ] = 2.0
    thing_size_power: Annotated[
        float, Field(ge=0, le=1, description="size_power above the altitude (fast)")
    ] = 0.22
    thing_difference_power: Annotated[
        float, Field(ge=0.5, le=1, description="power of differences above the altitude (fast)")
    ] = 0.55
    thing_spread: Annotated[
        float, Field(ge=0, le=1, description="how much more is kept where much is shown (fast)")
    ] = 0.1
    adaptation: Annotated[
        float, Field(ge=0, le=1, description="how much cuts follow an image's own contrast (fast)")
    ] = 0.3
    altitude: Annotated[
        float, Field(ge=0, le=1e9, description="cost up to which the automatic cut merges (fast)")
    ] = 0.335
    speck_size: Annotated[
        float,
        Field(
            ge=0,
            le=1e6,
            description="smaller regions join a neighbour in automatic cuts, in pixels of a "
            "photograph of 481 x 321 (fast)",
        ),
    ] = 30.0
    precision: Annotated[
        Literal["auto", "bf16", "fp32"],
        Field(description="arithmetic of the training; auto takes bf16 where it is fast"),
    ] = "auto"
    device: Annotated[
        str,
        Field(
            pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
            description="where to compute: auto, cpu, cuda, cuda:1 or mps",
        ),
    ] = "auto"
    threads: Annotated[
        int, Field(ge=0, le=1024, description="CPU threads; 0 takes as many as there are cores")
    ] = 0

    def __init__(self, /, **values: object) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise UsageError(_explain(error)) from None
        self._refuse_unread(values)

    def _refuse_unread(self, values: Mapping[str, object]) -> None:
        """Refuse a value that would change nothing; a default is no request."""
        for name in sorted(self.method.ignores & values.keys()):
            if getattr(self, name) != type(self).model_fields[name].default:
                readers = [r.name for r in RECIPES.values() if name not in r.ignores]
                raise UsageError(
                    f"`{name}` is not read by the recipe {self.recipe}. Leave it out, or choose "
                    f"another recipe: {', '.join(readers)}."
                )

    @classmethod
    def recorded(cls, values: Mapping[str, Value]) -> Self:
        """Read settings from a record: those that its recipe does not read count for nothing.

        Raises
        ------
        UsageError
            If a value is out of its range or a name is unknown.

        Examples
        --------
        >>> Settings.recorded({"recipe": "fast", "continuity": 9.0}).continuity
        5.0
        """
        recipe = RECIPES.get(str(values.get("recipe")))
        ignored = recipe.ignores if recipe else frozenset()
        return cls(**{name: value for name, value in values.items() if name not in ignored})

    @property
    def method(self) -> Recipe:
        """The recipe itself, where :attr:`recipe` is its name."""
        return RECIPES[self.recipe]

    @model_validator(mode="before")
    @classmethod
    def _apply_recipe(cls, values: dict[str, object]) -> dict[str, object]:
        name = values.get("recipe", "fast")
        recipe = RECIPES.get(name) if isinstance(name, str) else None
        return {**recipe.overrides, **values} if recipe else values

    def to_toml(self) -> str:
        """Write the settings as a TOML file that ``--settings`` reads back.

        Examples
        --------
        >>> Settings(seed=3).to_toml().splitlines()[:2]
        ['recipe = "fast"', 'seed = 3']
        """
        lines = (f"{name} = {_toml_value(value)}" for name, value in self.model_dump().items())
        return "\n".join(lines) + "\n"


def _toml_value(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def allowed(info: FieldInfo) -> str:
    """Say in words what a setting may be.

    Examples
    --------
    >>> allowed(Settings.model_fields["momentum"])
    'a number in [0, 1)'
    """
    if get_origin(info.annotation) is Literal:
        return "one of " + ", ".join(map(repr, get_args(info.annotation)))
    bounds = {
        name: getattr(constraint, name)
        for constraint in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(constraint, name, None) is not None
    }
    if not bounds:
        return str(info.description)
    kind = "an int" if info.annotation is int else "a number"
    low = f"[{bounds['ge']}" if "ge" in bounds else f"({bounds['gt']}"
    high = f"{bounds['le']}]" if "le" in bounds else f"{bounds.get('lt', 'inf')})"
    return f"{kind} in {low}, {high}"


def _explain(error: ValidationError) -> str:
    """Turn pydantic's first finding into our one line."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    info = Settings.model_fields.get(name)
    if info is not None:
        return out_of_range(name, allowed(info), first["input"])
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else "`nuriwake recipes` lists every setting."
    return f"there is no setting `{name}`. {hint}"


def lists_settings(documented: Documented) -> Documented:
    """Name every setting, with its range and default, below ``**settings`` in a docstring."""
    head, marker, rest = (documented.__doc__ or "").partition("**settings\n")
    first, _, rest = rest.partition("\n")
    indent = " " * (len(first) - len(first.lstrip()))
    listed = "\n".join(
        f"{indent}* ``{name}``, {allowed(info)}: {info.description}. Default: {info.default!r}."
        for name, info in Settings.model_fields.items()
    )
    documented.__doc__ = f"{head}{marker}{first}\n\n{listed}\n{rest}"
    return documented


def read_settings(path: Path) -> dict[str, Value]:
    """Read the settings named in a TOML or JSON file; what it leaves out keeps its default.

    Parameters
    ----------
    path : pathlib.Path
        ``.toml``, or ``.json``; of the sidecar beside a result, the part ``settings`` is read.

    Returns
    -------
    dict
        Checked by :class:`Settings` when it is built from them.

    Raises
    ------
    InputError
        If the file is missing, is neither TOML nor JSON, or is not a table of settings.
    """
    import json

    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path}: too large for settings (over {_LARGEST_FILE >> 20} MiB).")
        text = path.read_text(encoding="utf-8")
        table = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except RecursionError as error:
        raise InputError(f"{path}: not a settings file: its tables are too deep.") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        # Of the parsers, of the decoder of UTF-8, and of numbers of thousands of digits.
        raise InputError(f"{path}: not a settings file in TOML or JSON ({error}).") from error
    values = table.get("settings", table) if isinstance(table, dict) else None
    if not isinstance(values, dict):
        raise InputError(f"{path}: a settings file must hold a table of names and values.")
    return values
