"""The settings that the page may choose, and the command line that does the same."""

from __future__ import annotations

import shlex

from nuriwake.faces.web.work import Task
from nuriwake.settings import Settings, Value

#: Settings that belong to the machine: the page neither shows nor takes them.
SERVER_SIDE = frozenset({"device", "threads", "precision"})


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
