"""Builds command lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

from .faults import PluginError

Option = Union[None, bool, int, float, str, Sequence[int]]


@dataclass(frozen=True)
class Cut:
    """Which regions are wanted; all None for the automatic cut.

    Parameters
    ----------
    regions : int or None
        So many connected regions.
    detail : str or None
        ``fine``, ``medium`` or ``coarse``, in place of a number.
    labels : int or None
        So many materials, each in any places.
    altitude : float or None
        Cut the tree at this altitude, in place of a number.
    """

    regions: int | None = None
    detail: str | None = None
    labels: int | None = None
    altitude: float | None = None

    @property
    def options(self) -> dict[str, Option]:
        """The command line's flags.

        Raises
        ------
        PluginError
            If two of them contradict each other.
        """
        rivals = {
            "a number of regions": self.regions,
            "a detail": self.detail,
            "an altitude": self.altitude,
        }
        given = [name for name, value in rivals.items() if value is not None]
        if len(given) > 1:
            raise PluginError(
                f"{given[0]} and {given[1]} are two answers to one question: give one."
            )
        return {
            "regions": self.regions,
            "detail": self.detail,
            "labels": self.labels,
            "altitude": self.altitude,
        }


def command(
    program: Path, verb: str, places: Sequence[str], options: Mapping[str, Option]
) -> list[str]:
    """Write one command line.

    Parameters
    ----------
    program : pathlib.Path
    verb : str
        ``segment``, ``cut``, ``fit`` or ``apply``.
    places : sequence of str
        What the command works on.
    options : Mapping
        Flags by name; None and False leave a flag out, True is a flag without a value.

    Examples
    --------
    >>> command(Path("nuriwake"), "segment", ["a.tif"], {"bands": [4, 3], "overwrite": True})
    ['nuriwake', 'segment', '--bands=4,3', '--overwrite', '--', 'a.tif']
    """
    flags = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is None or value is False or value == "" or value == []:
            continue
        if value is True:
            flags.append(flag)
        elif isinstance(value, (list, tuple)):
            flags.append(f"{flag}={','.join(map(str, value))}")
        else:
            flags.append(f"{flag}={value}")
    return [str(program), verb, *flags, "--", *places]


def segment(
    program: Path,
    source: str,
    target: str,
    save: str,
    cut: Cut,
    settings: Mapping[str, Option],
    bands: Sequence[int] = (),
) -> list[str]:
    """Segment one raster into one file."""
    options: dict[str, Option] = {
        "output": target, "save": save, "bands": list(bands), **cut.options, **settings,
        "overwrite": True, "progress": "json",
    }  # fmt: skip
    return command(program, "segment", [source], options)


def cut_result(program: Path, result: str, target: str, save: str, cut: Cut) -> list[str]:
    """Read another number of regions from a saved result."""
    options: dict[str, Option] = {"output": target, "save": save, **cut.options, "overwrite": True}
    return command(program, "cut", [result], options)


def fit(
    program: Path,
    sources: Sequence[str],
    model: str,
    settings: Mapping[str, Option],
    bands: str = "",
) -> list[str]:
    """Train one model on several rasters."""
    options: dict[str, Option] = {
        "model": model, "bands": bands, **settings, "overwrite": True, "progress": "json",
    }  # fmt: skip
    return command(program, "fit", sources, options)


def apply(
    program: Path,
    model: str,
    source: str,
    target: str,
    save: str,
    bands: Sequence[int] = (),
    min_area: str = "",
) -> list[str]:
    """Label one raster with a model."""
    options: dict[str, Option] = {
        "output": target, "save": save, "bands": list(bands), "min_area": min_area,
        "overwrite": True, "progress": "json",
    }  # fmt: skip
    return command(program, "apply", [model, source], options)
