"""The JSON header of models and results: its format, and the settings in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nuriwake.errors import ModelError, UsageError, shown
from nuriwake.io.faults import reading
from nuriwake.settings import Settings


def parse_header(path: Path, text: str | bytes, what: str, newest: int) -> dict[str, Any]:
    """Read a header.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    text : str or bytes
        JSON.
    what : str
        Such as ``a model``.
    newest : int
        The newest format that can be read.

    Returns
    -------
    dict
        With an integer ``format``; the rest is as it came.

    Raises
    ------
    ModelError
        If it is damaged, or of a newer format.

    Examples
    --------
    >>> parse_header(Path("a"), '{"format": 1}', "a model", 1)
    {'format': 1}
    """
    with reading(path, what, ModelError):
        values = json.loads(text)
        if not isinstance(values, dict) or not isinstance(values["format"], int):
            raise ValueError("its header is no table with a format")
    if values["format"] > newest:
        raise ModelError(
            f"{path}: {what} of format {shown(values['format'])}; this nuriwake reads up to "
            f"{newest}. Update it: pip install -U nuriwake"
        )
    return values


def header_settings(path: Path, values: object, what: str) -> Settings:
    """Read the settings of a header.

    Raises
    ------
    ModelError
        If they are no table of settings, or one is out of its range.

    Examples
    --------
    >>> header_settings(Path("a"), {"recipe": "tip2020"}, "a model").recipe
    'tip2020'
    """
    try:
        if not isinstance(values, dict):
            raise UsageError(f"its settings are no table but {shown(values)}.")
        return Settings.recorded(values)
    except UsageError as error:
        reason = str(error).rstrip(".")
        raise ModelError(f"{path}: cannot be read as {what} ({reason}).") from error
