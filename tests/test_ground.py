from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.io.ground import minimum_pixels, pixel_areas
from nuriwake.raster import Georeference

rasterio = pytest.importorskip("rasterio")


def place(epsg: int, transform: tuple[float, ...]) -> Georeference:
    return Georeference(rasterio.crs.CRS.from_epsg(epsg).to_wkt(), transform)


def test_the_pixels_of_the_whole_earth_cover_the_earth() -> None:
    grid = place(4326, (1.0, 0, -180, 0, -1.0, 90))
    areas = pixel_areas(grid, 0, 180)
    assert 360 * areas.sum() == pytest.approx(510_065_621.724e6, rel=1e-9)  # of the ellipsoid
    np.testing.assert_allclose(areas, areas[::-1])
    np.testing.assert_array_equal(pixel_areas(grid, 50, 3), areas[50:53])
    # One degree at the equator: 111.32 km along it, 110.57 km along the meridian.
    assert areas[89] == pytest.approx(111_320 * 110_574, rel=2e-4)


def test_feet_become_metres() -> None:
    areas = pixel_areas(place(2263, (10.0, 0, 0, 0, -10.0, 0)), 0, 2)  # New York, US feet
    assert areas.tolist() == pytest.approx([100 * (1200 / 3937) ** 2] * 2)


def test_where_the_size_is_not_known() -> None:
    assert pixel_areas(place(4326, (1.0, 0.1, 0, 0.1, -1.0, 0)), 0, 1) is None
    with pytest.raises(InputError, match=r"the raster: .* so 5m2 cannot be counted\. .* in pixels"):
        minimum_pixels("5m2", None, (10, 10))


@pytest.mark.parametrize(
    ("text", "pixels"),
    [("7", 7), ("0", 1), ("100m2", 1), ("101 m2", 2), ("1ha", 100), ("1km2", 10_000)],
)
def test_minimum_areas(text: str, pixels: int) -> None:
    assert minimum_pixels(text, place(32618, (10.0, 0, 0, 0, -10.0, 0)), (10, 10)) == pixels


@pytest.mark.parametrize("text", ["", "m2", "1.5", "-3", "5acres"])
def test_what_is_no_area(text: str) -> None:
    with pytest.raises(UsageError, match="`min_area` must be a number of pixels"):
        minimum_pixels(text, None, (10, 10))
