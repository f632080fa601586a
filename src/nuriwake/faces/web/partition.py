"""Edits of a partition as they stand in the page's addresses."""

from __future__ import annotations

import re

from nuriwake.errors import UsageError, out_of_range
from nuriwake.regions.editing import Edit

_EDIT = re.compile(r"([ms])(\d{1,9})")
_MAX_EDITS = 1000


def parse_edits(text: str) -> tuple[Edit, ...]:
    """Read edits as the page writes them.

    Raises
    ------
    UsageError
        If the text is of another form.

    Examples
    --------
    >>> parse_edits("m7,s12")
    (Edit(merge=True, node=7), Edit(merge=False, node=12))
    """
    parts = text.split(",") if text else []
    found = [_EDIT.fullmatch(part) for part in parts[:_MAX_EDITS]]
    if len(parts) > _MAX_EDITS or None in found:
        raise UsageError(
            out_of_range("edits", f"at most {_MAX_EDITS} steps such as m7,s12", text[:40])
        )
    return tuple(Edit(match[1] == "m", int(match[2])) for match in found if match)
