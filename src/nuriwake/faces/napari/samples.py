"""Sample data: the pictures that come with scikit-image."""

from __future__ import annotations

from typing import Any

from nuriwake.errors import UsageError
from nuriwake.faces.web.examples import find_example

LayerData = tuple[Any, dict[str, Any], str]


def coffee() -> list[LayerData]:
    """Give a cup of coffee, RGB."""
    return _sample("coffee")


def coins() -> list[LayerData]:
    """Give Greek coins, grey."""
    return _sample("coins")


def tissue() -> list[LayerData]:
    """Give stained tissue under the microscope, RGB."""
    return _sample("ihc")


def _sample(name: str) -> list[LayerData]:
    example = find_example(name)
    if example is None:
        raise UsageError(f"there is no sample {name!r}.")
    array = example.read().array
    is_grey = array.shape[2] == 1
    return [(array[:, :, 0] if is_grey else array, {"name": name, "rgb": not is_grey}, "image")]
