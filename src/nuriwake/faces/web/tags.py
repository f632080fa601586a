"""Classes that people give to regions, as the page sends them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from nuriwake.errors import UsageError, out_of_range

MAX_CLASSES = 64


class RegionClass(BaseModel):
    """One class: its name and its colour."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=80)]
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three numbers.

        Examples
        --------
        >>> RegionClass(name="leaf", colour="#0080ff").rgb
        (0, 128, 255)
        """
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


class Tags(BaseModel):
    """Classes, and which of them each region has: 0 = none, 1 = the first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Annotated[list[RegionClass], Field(max_length=MAX_CLASSES)] = []
    regions: Annotated[list[int], Field(max_length=1_000_000)] = []

    def numbers(self, n_regions: int) -> NDArray[np.uint8]:
        """Return the class of each region, shape (n_regions + 1,); that of no data is 0.

        Raises
        ------
        UsageError
            If there are not as many as regions, or a class does not exist.
        """
        numbers = np.zeros(n_regions + 1, np.uint8)
        if not self.regions:
            return numbers
        if len(self.regions) != n_regions:
            expected = f"a list of {n_regions} classes, one a region"
            raise UsageError(out_of_range("tags", expected, len(self.regions)))
        if not 0 <= min(self.regions) <= max(self.regions) <= len(self.classes):
            expected = f"classes in [0, {len(self.classes)}]"
            raise UsageError(out_of_range("tags", expected, max(self.regions)))
        numbers[1:] = self.regions
        return numbers

    def name(self, number: int) -> str:
        """Return what a class is called."""
        return self.classes[number - 1].name or f"class {number}"
