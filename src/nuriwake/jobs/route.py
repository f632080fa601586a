"""Which way an input goes: whole in memory, tile by tile, or page by page; and what each way does.

The way is chosen by size alone, before any work. What a way cannot do is refused in one line, so
that nothing that was asked for is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from nuriwake.errors import UsageError
from nuriwake.io.selection import ALL, Selection
from nuriwake.jobs.kinds import NIFTI, PICTURE_IDS, TIFF, TILED_KINDS, ZARR
from nuriwake.settings import Recipe, Settings

Route = Literal["whole", "tiled", "stack", "volume"]
#: What maps of ids may be written as, on each way.
FORMATS: Mapping[Route, tuple[str, ...]] = MappingProxyType(
    {
        "whole": PICTURE_IDS,
        "tiled": (*TIFF, ZARR),
        "stack": (*TIFF, ZARR),
        "volume": (*TIFF, ZARR, *NIFTI),
    }
)
#: What the recipe fast can do with each page of a stack.
_OF_PAGES = ("--regions", "--detail", "--labels")


@dataclass(frozen=True)
class Extent:
    """How large an input is, known without reading its pixels.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    n_bands : int
    n_pages : int
        More than one for a stack.
    """

    shape: tuple[int, int]
    n_bands: int
    n_pages: int = 1


def measure(path: Path, selection: Selection = ALL) -> Extent:
    """Read how large an input is.

    Parameters
    ----------
    path : pathlib.Path
    selection : Selection, optional
        What of it will be used; all.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    UsageError
        If there is no such thing to select.
    """
    from nuriwake.io.families import family_of
    from nuriwake.io.formats import check_format, picture_size
    from nuriwake.io.sources import open_planes, open_windows
    from nuriwake.io.stack import StackSource

    if family_of(path) != "zarr":
        check_format(path)
    source = open_planes(path, selection)
    if isinstance(source, StackSource):
        return Extent(source.shape, source.n_bands, len(source))
    if source is None and family_of(path) == "picture":
        shape, n_bands = picture_size(path)
        return Extent(shape, len(selection.bands) or n_bands)
    windows = source or open_windows(path, selection)
    return Extent(windows.shape, windows.n_bands)


def choose_route(extent: Extent, memory: int, settings: Settings | None) -> Route:
    """Choose the way of an input by its size.

    Parameters
    ----------
    extent : Extent
    memory : int
        Bytes.
    settings : Settings or None
        Of the training; None where a trained model is applied.
    """
    from nuriwake.scale.memory import fits_in_memory

    if extent.n_pages > 1:
        return "stack"
    height, width = extent.shape
    fits = fits_in_memory(memory, height * width, extent.n_bands, settings)
    return "whole" if fits else "tiled"


def refuse_what_is_lost(
    source: Path, route: Route, recipe: Recipe, asked: Mapping[str, object], kinds: tuple[str, ...]
) -> None:
    """Refuse, before any work, what a way cannot do.

    Parameters
    ----------
    source : pathlib.Path
    route : str
    recipe : Recipe
    asked : Mapping of flag to value
        The flags that some way cannot do; None or empty where they were not given.
    kinds : tuple of str
        What shall be written.

    Raises
    ------
    UsageError
        Naming the flag, why, and what to do instead.
    """
    if route == "whole":
        return
    is_cut, can, possible = not recipe.is_local, tuple(asked), TILED_KINDS
    where, instead = f"a raster beyond --memory with {recipe.name}", "Raise --memory"
    if route == "stack":
        where, instead = "a stack of pages", "Choose one of them with --plane"
        can, possible = _OF_PAGES, ("labels", "regions") if is_cut else ("labels",)
    lost = [flag for flag, value in asked.items() if value and not (is_cut and flag in can)]
    if lost and lost[0] == "--model" and route == "stack":
        raise UsageError(
            f"{source}: --model cannot be done for {where}: no training starts from it. Label each "
            "page with it: nuriwake apply MODEL INPUT; or choose one of them with --plane."
        )
    if lost:
        other = "" if is_cut else ", or use --recipe fast"
        raise UsageError(f"{source}: {lost[0]} cannot be done for {where}. {instead}{other}.")
    wrong = [kind for kind in kinds if kind not in possible]
    if wrong:
        raise UsageError(
            f"{source}: --save {wrong[0]} cannot be done for {where}, which gives "
            f"{', '.join(possible)}. Ask for less, or: {instead.lower()}."
        )
