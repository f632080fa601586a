"""Longitudes and latitudes of WGS 84, in which GeoJSON is written."""

from __future__ import annotations

from math import ceil, log10, sqrt

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, require
from nuriwake.raster import Georeference

_METRES_PER_DEGREE = 111_320.0
#: Lines of the grid along which a raster is looked at.
_N_LINES = 33
#: Pixels that a point may come back beside itself.
_NEAR = 0.01


def check_in_world(georeference: Georeference, shape: tuple[int, int]) -> None:
    """Refuse a raster parts of which have no longitude and latitude, or more than one.

    Parameters
    ----------
    georeference : Georeference
        With a CRS.
    shape : tuple of int
        Height and width.

    Raises
    ------
    InputError
        If so: points there would be written wrongly, or wrapped around the world.
    MissingDependencyError
        If pyproj is not installed.

    Examples
    --------
    >>> place = Georeference("EPSG:4326", (1.0, 0.0, 170.0, 0.0, -1.0, 10.0))
    >>> check_in_world(place, (20, 40))
    >>> check_in_world(place, (20, 400))
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: GeoJSON needs longitudes and latitudes, and some pixels of the
    raster have none, or lie more than once around the world. Save polygons as .gpkg or .fgb.
    """
    pyproj = require("pyproj", extra="geo")
    a, b, c, d, e, f = georeference.transform
    height, width = shape
    lines = np.meshgrid(np.linspace(0, width, _N_LINES), np.linspace(0, height, _N_LINES))
    col, row = (line.ravel() for line in lines)
    x, y = a * col + b * row + c, d * col + e * row + f
    crs = pyproj.CRS.from_user_input(georeference.crs)
    if crs.is_geographic:
        length, latitude = float(np.ptp(x)), float(np.abs(y).max())
        is_there = length <= 360 + abs(a) * _NEAR and latitude <= 90 + abs(e) * _NEAR
    else:
        change = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        back = np.array(change.transform(*change.transform(x, y), direction="INVERSE"))
        is_there = _is_near(back, np.stack([x, y]), sqrt(abs(a * e - b * d)) * _NEAR)
    if not is_there:
        raise InputError(
            "GeoJSON needs longitudes and latitudes, and some pixels of the raster have none, or "
            "lie more than once around the world. Save polygons as .gpkg or .fgb."
        )


def _is_near(some: NDArray[np.float64], others: NDArray[np.float64], distance: float) -> bool:
    with np.errstate(invalid="ignore"):
        return bool((np.abs(some - others) <= distance).all())


def decimals(georeference: Georeference) -> int:
    """Return the decimals of a degree that tell a hundredth of a pixel, at least 7.

    Examples
    --------
    >>> decimals(Georeference("EPSG:32633", (0.01, 0.0, 5e5, 0.0, -0.01, 6e6)))
    10
    """
    from rasterio.crs import CRS

    a, b, _, d, e, _ = georeference.transform
    crs = CRS.from_user_input(georeference.crs)
    unit = 1.0 if crs.is_geographic else float(crs.linear_units_factor[1]) / _METRES_PER_DEGREE
    pixel = sqrt(abs(a * e - b * d)) * unit
    return min(15, max(7, ceil(-log10(pixel / 100))))
