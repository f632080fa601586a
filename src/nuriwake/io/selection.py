"""Which part of an input is used."""

from __future__ import annotations

from dataclasses import dataclass

from nuriwake.errors import UsageError


@dataclass(frozen=True)
class Selection:
    """What a user chose of every input; by default all of it.

    Parameters
    ----------
    bands : tuple of int
        Bands, or channels, in this order, numbered from 1; empty for all.
    axes : str
        The letter of each dimension of what is stored (:data:`.stored.AXES`); empty to believe the
        file.
    plane : tuple of (letter, position) pairs
        One position along an axis, numbered from 0: ``(("Z", 5),)``.
    page : int or None
        One page of a TIFF or an animation, numbered from 1 as bands are.

    Examples
    --------
    >>> Selection((1, 3), plane=(("Z", 5),)).request()
    {'bands': '1,3', 'plane': 'Z=5'}
    """

    bands: tuple[int, ...] = ()
    axes: str = ""
    plane: tuple[tuple[str, int], ...] = ()
    page: int | None = None

    def request(self) -> dict[str, str]:
        """Name what was chosen, for the record."""
        chosen = {
            "bands": ",".join(map(str, self.bands)),
            "axes": self.axes,
            "plane": ",".join(f"{axis}={position}" for axis, position in self.plane),
            "page": str(self.page or ""),
        }
        return {name: text for name, text in chosen.items() if text}

    def refuse_axes(self, path: object, what: str) -> None:
        """Refuse ``--axes`` and ``--plane`` for what has no axes to choose from.

        Raises
        ------
        UsageError
            If they were given.
        """
        asked = {"--axes": self.axes, "--plane": self.plane}
        if lost := [flag for flag, value in asked.items() if value]:
            raise UsageError(
                f"{path}: {lost[0]} is for files that hold several planes; this is {what}. "
                "Leave it out."
            )


#: Everything that is there.
ALL = Selection()
