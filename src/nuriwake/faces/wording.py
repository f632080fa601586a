"""Errors in the words of the command line: parameters by the names of their flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

#: Flags that are called as the parameter is.
_SAME = (
    *("altitude", "axes", "detail", "device", "jobs", "limit", "methods", "min_area", "page"),
    *("plane", "polygons", "spacing", "split", "tolerance"),
)
#: Parameters of Python that a flag gives, and what to call them. Hyper-parameters are not among
#: them: where one came by its flag, :func:`.options.gather_settings` says so, and else it stands in
#: a file of settings.
_FLAGS: Mapping[str, str] = MappingProxyType(
    {name: f"`--{name.replace('_', '-')}`" for name in _SAME}
    | {"n_regions": "`--regions`", "n_labels": "`--labels`"}
    | {"bands": "`--bands` (--channels counts from 0)"}
)


def in_flags(message: str) -> str:
    """Name parameters as they are typed in a terminal.

    Examples
    --------
    >>> in_flags("`n_regions` must be an int in [1, 9]; got 10.")
    '`--regions` must be an int in [1, 9]; got 10.'
    >>> in_flags("a.toml: `n_layers` must be an int in [1, 16]; got 0.")
    'a.toml: `n_layers` must be an int in [1, 16]; got 0.'
    """
    return re.sub(r"`(\w+)`", lambda match: _FLAGS.get(match[1], match[0]), message)
