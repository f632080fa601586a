"""The axes of label maps, and how OME says them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from nuriwake.io.units import unit_sign
from nuriwake.raster import Georeference


@dataclass(frozen=True)
class Grid:
    """The axes of a stack of label maps.

    Parameters
    ----------
    axes : str
        Such as ``TZYX``; the last two are ``YX``.
    shape : tuple of int
        Length of each axis.
    spacing : tuple of float
        Step along each axis: of time in seconds, else in ``unit``.
    unit : str
        Empty where it is unknown.
    """

    axes: str
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    unit: str = ""

    @property
    def is_named(self) -> bool:
        """Whether anything is known of the axes but that there are pages."""
        return "I" not in self.axes and (len(self.axes) > 2 or bool(self.unit))


def grid_of(place: Georeference, shape: tuple[int, int]) -> Grid:
    """Return the axes of one map.

    Examples
    --------
    >>> grid_of(Georeference(None, (0.5, 0, 0, 0, 0.25, 0), "micrometer"), (4, 5)).spacing
    (0.25, 0.5)
    """
    return Grid("YX", shape, place.pixel_size, place.unit)


def ome_metadata(grid: Grid) -> dict[str, str | float]:
    """Say what tifffile shall write into the OME-XML.

    Its UUID follows from the grid, so that the same run writes the same bytes.
    """
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"nuriwake:{grid}")
    metadata: dict[str, str | float] = {"axes": grid.axes, "UUID": f"urn:uuid:{name}"}
    for axis, step in zip(grid.axes, grid.spacing, strict=True):
        if axis == "T" and step != 1.0:
            metadata |= {"TimeIncrement": step, "TimeIncrementUnit": "s"}
        elif axis in "ZYX" and grid.unit:
            metadata[f"PhysicalSize{axis}"] = step
            # Without a unit it is a micrometre, whose sign not every TIFF can hold.
            if grid.unit != "micrometer":
                metadata[f"PhysicalSize{axis}Unit"] = unit_sign(grid.unit)
    return metadata


def ome_text(grid: Grid, dtype: str) -> str:
    """Return the OME-XML of one map that somebody else writes.

    Examples
    --------
    >>> text = ome_text(Grid("YX", (4, 5), (0.25, 0.5), "micrometer"), "uint8")
    >>> 'SizeX="5"' in text, 'PhysicalSizeX="0.5"' in text
    (True, True)
    """
    import tifffile

    metadata = ome_metadata(grid)
    ome = tifffile.OmeXml(**metadata)
    ome.addimage(dtype, grid.shape, (1, 1, 1, *grid.shape, 1), **metadata)
    text: str = ome.tostring(declaration=True)
    return text
