"""Names and settings as people send them. Nothing of it is trusted."""

from __future__ import annotations

import json
from pathlib import PurePosixPath, PureWindowsPath

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.web.form import SERVER_SIDE
from nuriwake.settings import Settings

_MAX_NAME = 80
#: What no name of a file holds on Windows, and what would end one in a header.
_UNSAFE = frozenset('\\/:*?"<>|')


def clean_name(name: str | None) -> str:
    r"""Keep of an upload's name what is safe to show and to call a download.

    Examples
    --------
    >>> clean_name("C:\\photos\\a & b.jpg"), clean_name("../../etc/passwd"), clean_name(None)
    ('a & b.jpg', 'passwd', 'image')
    """
    last = PureWindowsPath(PurePosixPath(name or "").name).name
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in _UNSAFE)
    return kept.strip(" .")[-_MAX_NAME:] or "image"


def parse_page(text: str) -> int:
    """Read the number of a page, from 0; the first where none is named.

    Raises
    ------
    UsageError
        If it is no such number.
    """
    if not text.isdecimal() and text:
        raise UsageError(out_of_range("page", "an int of at least 0", text[:_MAX_NAME]))
    return int(text[:9] or 0)


def read_settings_text(text: str) -> Settings:
    """Read the settings that a request names, as JSON.

    Raises
    ------
    UsageError
        If it is no JSON object, a value is out of its range, or a setting is the server's own.
    """
    try:
        values = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:  # no JSON, or nested without end
        raise UsageError(f"`settings` must be a JSON object ({error}).") from error
    if not isinstance(values, dict):
        raise UsageError(out_of_range("settings", "a JSON object", values))
    unknown = sorted(values.keys() - Settings.model_fields.keys())
    if unknown:
        raise UsageError(f"there is no setting `{unknown[0][:_MAX_NAME]}`.")
    reserved = SERVER_SIDE.intersection(values)
    if reserved:
        name = sorted(reserved)[0]
        raise UsageError(f"`{name}` is chosen by who runs the server, not by the page.")
    return Settings(**values)
