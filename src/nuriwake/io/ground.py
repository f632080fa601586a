"""Areas on the ground: how many square metres a pixel covers."""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range, require
from nuriwake.raster import Georeference

Floats = NDArray[np.float64]


def pixel_areas(georeference: Georeference, first_row: int, n_rows: int) -> Floats | None:
    """Return the square metres that one pixel of each row covers.

    Parameters
    ----------
    georeference : Georeference
        Of the whole raster.
    first_row, n_rows : int
        The rows asked for.

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None
        In a projected CRS the area on the map; in a geographic CRS that on the ellipsoid, exact as
        long as the rows run along parallels. None where the CRS does not tell: there is none, or
        it is geographic and the grid is rotated.

    References
    ----------
    Snyder, "Map Projections: A Working Manual", USGS Professional Paper 1395, 1987, equation 3-12
    (the authalic function q).

    Examples
    --------
    >>> place = Georeference(None, (10.0, 0.0, 0.0, 0.0, -10.0, 0.0))
    >>> pixel_areas(place, 0, 2) is None
    True
    """
    if georeference.crs is None:
        return None
    pyproj = require("pyproj", extra="geo")
    a, b, _, d, e, f = georeference.transform
    crs = pyproj.CRS.from_wkt(georeference.crs)
    if crs.is_projected:
        metres = crs.axis_info[0].unit_conversion_factor
        return np.full(n_rows, abs(a * e - b * d) * metres**2)
    if not crs.is_geographic or crs.ellipsoid is None or b != 0 or d != 0:
        return None
    latitudes = np.radians(f + e * np.arange(first_row, first_row + n_rows + 1))
    ellipsoid = crs.ellipsoid.semi_major_metre, crs.ellipsoid.inverse_flattening
    heights = np.abs(np.diff(_area_north_of_equator(latitudes, *ellipsoid)))
    areas: Floats = abs(np.radians(a)) * heights
    return areas


def _area_north_of_equator(latitude: Floats, axis: float, inverse_flattening: float) -> Floats:
    """Return the area between the equator and a parallel, for each radian of longitude."""
    flattening = 1 / inverse_flattening if inverse_flattening else 0.0
    e = sqrt(flattening * (2 - flattening))
    sine = np.sin(latitude)
    if e == 0:
        return axis**2 * sine
    q = (1 - e**2) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    area: Floats = axis**2 * q / 2
    return area


def minimum_pixels(
    text: str, georeference: Georeference | None, shape: tuple[int, int], path: Path | None = None
) -> int:
    """Read a minimum mapping unit: pixels (``20``) or an area (``500m2``, ``2ha``, ``1km2``).

    Parameters
    ----------
    text : str
        As the user typed it.
    georeference : Georeference or None
        Of the raster.
    shape : tuple of int
        Height and width; in degrees the pixel in the middle row counts.
    path : pathlib.Path, optional
        For messages.

    Returns
    -------
    int
        Pixels, at least 1.

    Raises
    ------
    UsageError
        If it is neither.
    InputError
        If an area is asked for and the raster's CRS does not tell how large a pixel is.

    Examples
    --------
    >>> minimum_pixels("20", None, (100, 100))
    20
    """
    match = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*(m2|ha|km2)?", text.strip())
    if match is None or (match[2] is None and "." in match[1]):
        expected = "a number of pixels such as 20, or an area such as 500m2, 2ha or 1km2"
        raise UsageError(out_of_range("min_area", expected, text))
    if match[2] is None:
        return max(1, int(match[1]))
    areas = pixel_areas(georeference, shape[0] // 2, 1) if georeference else None
    if areas is None:
        raise InputError(
            f"{path or 'the raster'}: its coordinate reference system does not tell the size of a "
            f"pixel, so {text} cannot be counted. Give the minimum area in pixels."
        )
    metres = float(match[1]) * {"m2": 1.0, "ha": 1e4, "km2": 1e6}[match[2]]
    return max(1, int(np.ceil(metres / areas[0] - 1e-9)))
