"""Units of length and time: their names, their signs, and what files call them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Metres of each unit that is known.
METRES: Mapping[str, float] = MappingProxyType(
    {
        "angstrom": 1e-10,
        "nanometer": 1e-9,
        "micrometer": 1e-6,
        "millimeter": 1e-3,
        "centimeter": 1e-2,
        "meter": 1.0,
        "kilometer": 1e3,
    }
)
_SIGNS = dict(zip(METRES, ("Å", "nm", "µm", "mm", "cm", "m", "km"), strict=True))
_NAMES: Mapping[str, str] = MappingProxyType(
    {sign: name for name, sign in _SIGNS.items()}
    | dict.fromkeys(("um", "μm", "\\u00B5m", "micron", "microns", "micrometre"), "micrometer")
    | dict.fromkeys(("pixel", "pixels", "px", "reference frame"), "")
    | {"inch": "inch", "nanometre": "nanometer", "millimetre": "millimeter"}
)
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "µs": 1e-6, "min": 60.0, "h": 3600.0}


def unit_name(text: str) -> str:
    """Return the name of a unit of length as this package writes it; unknown ones as they are.

    Examples
    --------
    >>> unit_name("µm"), unit_name("micron"), unit_name("pixel"), unit_name("furlong")
    ('micrometer', 'micrometer', '', 'furlong')
    """
    stripped = text.strip()
    return _NAMES.get(stripped, stripped)


def unit_sign(name: str) -> str:
    """Return the sign of a unit, such as OME has it.

    Examples
    --------
    >>> unit_sign("micrometer")
    'µm'
    """
    return _SIGNS.get(name, name)


def in_unit(value: float, unit: str, wanted: str) -> float | None:
    """Convert a length; None where one of the units is unknown.

    Examples
    --------
    >>> in_unit(500.0, "nanometer", "micrometer")
    0.5
    """
    if unit == wanted:
        return value
    if unit in METRES and wanted in METRES:
        return round(value * METRES[unit] / METRES[wanted], 12)
    return None


def in_seconds(value: float, unit: str) -> float | None:
    """Convert a time; None where the unit is unknown.

    Examples
    --------
    >>> in_seconds(250.0, "ms")
    0.25
    """
    factor = _SECONDS.get(unit.strip())
    return None if factor is None else value * factor
