"""Regions as polygons: GeoPackage, GeoJSON and FlatGeobuf."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, OutputError, UsageError, out_of_range, require
from nuriwake.io.atomic import atomic_path
from nuriwake.io.coverage import BorderLine, Features, region_features
from nuriwake.io.moments import MapTile
from nuriwake.io.world import check_in_world, decimals
from nuriwake.raster import Georeference

#: GDAL's driver for each suffix.
VECTOR_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".fgb": "FlatGeobuf"}
LAYER = "regions"
#: A GeoPackage notes the time of its making; equal runs make equal files with a fixed one.
_FIXED_DATE = "2000-01-01T00:00:00.000Z"
#: Straight lines of the raster are bent by the change to longitude and latitude. Pieces of so many
#: pixels leave them by less than the distance between two borders.
_WGS84_SPAN = 32
#: Bytes that are left of a disk where a write failed for want of them.
_NEARLY_FULL = 1 << 20


@dataclass(frozen=True)
class PolygonSummary:
    """What was written.

    Parameters
    ----------
    n_regions : int
    pixels : int
        Pixels of all regions together.
    area_m2 : float or None
        Square metres of all regions together, where the CRS tells.
    """

    n_regions: int
    pixels: int
    area_m2: float | None


def check_vector_path(path: Path) -> None:
    """Refuse a name that is of no known vector format.

    Raises
    ------
    UsageError
        If the suffix is not one of :data:`VECTOR_DRIVERS`.
    """
    if path.suffix.lower() not in VECTOR_DRIVERS:
        expected = f"a name that ends in {', '.join(VECTOR_DRIVERS)}"
        raise UsageError(out_of_range("polygons", expected, str(path)))


def write_polygons(
    path: Path,
    tiles: Iterable[MapTile],
    shape: tuple[int, int],
    georeference: Georeference | None = None,
    *,
    tolerance: float = 0.0,
    need_area: bool = False,
) -> PolygonSummary:
    """Write the regions of a map as polygons that share their borders exactly.

    Each region is a feature with the attributes ``region``, ``label``, ``pixels``, ``area_m2``
    (where the CRS tells; in degrees it is the area on the ellipsoid), and ``mean_1``, ``var_1``,
    ... of each band. GeoJSON is in WGS 84, as its RFC 7946 asks, with 7 decimals, or more where
    they are needed to tell a hundredth of a pixel, and is split at 180 degrees; without a CRS, and
    in the other formats, coordinates are those of the raster.

    Parameters
    ----------
    path : pathlib.Path
        Its suffix chooses the format: ``.gpkg``, ``.geojson`` or ``.fgb``.
    tiles : iterable of MapTile
        The map, row by row of tiles.
    shape : tuple of int
        Height and width of the map.
    georeference : Georeference, optional
        Place of the raster. Without one, coordinates are columns and rows.
    tolerance : float
        How much borders may be simplified, in pixels (:class:`.coverage.BorderLine`).
    need_area : bool
        Whether square metres are asked for; by default they are left out where the CRS does not
        tell them.

    Returns
    -------
    PolygonSummary

    Raises
    ------
    UsageError
        If the format is unknown.
    InputError
        If square metres are asked for and the CRS does not tell; or if GeoJSON is, and the raster
        leaves the world.
    OutputError
        If the file cannot be written.
    MissingDependencyError
        If pyogrio or shapely is not installed.
    """
    check_polygons(path, shape, georeference)
    if need_area:
        check_area_known(georeference)
    driver = VECTOR_DRIVERS[path.suffix.lower()]
    line = BorderLine(tolerance, _WGS84_SPAN if _is_to_wgs84(driver, georeference) else 0)
    features = region_features(tiles, shape, georeference, line)
    with atomic_path(path) as whole:
        if driver == "GPKG":
            with _vector_errors(path):
                return _append_all(whole, features, georeference)
        # The other formats cannot grow: a GeoPackage collects the features first.
        collected = whole.with_suffix(".collected.gpkg")
        try:
            with _vector_errors(path):
                summary = _append_all(collected, features, georeference)
                _convert(collected, whole, driver, georeference)
        finally:
            collected.unlink(missing_ok=True)
        return summary


def check_polygons(path: Path, shape: tuple[int, int], georeference: Georeference | None) -> None:
    """Find out before the work whether polygons can be written.

    Parameters
    ----------
    path, shape, georeference
        As in :func:`write_polygons`.

    Raises
    ------
    UsageError
        If the format is unknown.
    InputError
        If it is GeoJSON and the raster leaves the world.
    MissingDependencyError
        If pyogrio or shapely is not installed.
    """
    check_vector_path(path)
    for module in ("pyogrio", "shapely", "rasterio"):
        require(module, extra="geo")
    driver = VECTOR_DRIVERS[path.suffix.lower()]
    if georeference is not None and _is_to_wgs84(driver, georeference):
        check_in_world(georeference, shape)


def check_area_known(georeference: Georeference | None) -> None:
    """Refuse to give square metres where the CRS does not tell.

    Raises
    ------
    InputError
        If it does not.
    """
    from nuriwake.io.ground import pixel_areas

    if georeference is None or pixel_areas(georeference, 0, 1) is None:
        raise InputError(
            "square metres are asked for, but the raster has no coordinate reference system that "
            "tells the size of a pixel. Assign one (for instance with gdal_edit.py -a_srs), or ask "
            "for pixels."
        )


@contextmanager
def _vector_errors(path: Path) -> Iterator[None]:
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError

    try:
        with warnings.catch_warnings():
            # Rasters without a CRS are welcome: pictures and micrographs have none.
            warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
            yield
    except (DataSourceError, DataLayerError, FeatureError, FieldError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        if shutil.disk_usage(path.parent).free < _NEARLY_FULL:
            reason = os.strerror(errno.ENOSPC)  # SQLite only says that it failed
        raise OutputError(f"{path}: cannot be written ({reason}).") from error


def _append_all(
    path: Path, features: Iterable[Features], georeference: Georeference | None
) -> PolygonSummary:
    """Write batches of features to a GeoPackage, one after the other."""
    import pyogrio

    n_regions = pixels = 0
    area = 0.0
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_DATE})
    try:
        for batch in features:
            _append(path, batch, georeference, is_first=n_regions == 0)
            n_regions += len(batch.regions)
            pixels += int(batch.moments.pixels.sum())
            area += float(batch.moments.area.sum())
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return PolygonSummary(n_regions, pixels, None if np.isnan(area) else area)


def _append(path: Path, batch: Features, georeference: Georeference | None, is_first: bool) -> None:
    import shapely
    from pyogrio import raw

    a, b, c, d, e, f = georeference.transform if georeference else (1, 0, 0, 0, 1, 0)

    def to_map(points: NDArray[np.float64]) -> NDArray[np.float64]:
        col, row = points.T
        return np.stack([a * col + b * row + c, d * col + e * row + f], axis=1)

    columns = _columns(batch)
    raw.write(
        path,
        geometry=shapely.to_wkb(shapely.transform(batch.polygons, to_map)),
        field_data=list(columns.values()),
        fields=np.array(list(columns), dtype=object),
        layer=LAYER,
        driver="GPKG",
        geometry_type="MultiPolygon",
        crs=georeference.crs if georeference else None,
        append=not is_first,
        **({"layer_options": {"GEOMETRY_NAME": "geom"}} if is_first else {}),
    )


def _columns(batch: Features) -> dict[str, NDArray[Any]]:
    """Name the attributes, in the order of the file's columns."""
    moments = batch.moments
    columns: dict[str, NDArray[Any]] = {
        "region": batch.regions,
        "label": batch.labels,
        "pixels": moments.pixels.astype(np.int64),
    }
    if not np.isnan(moments.area).any():
        columns["area_m2"] = moments.area
    for band in range(moments.mean.shape[1]):
        columns[f"mean_{band + 1}"] = moments.mean[:, band]
        columns[f"var_{band + 1}"] = moments.variance[:, band]
    return columns


def _convert(source: Path, target: Path, driver: str, georeference: Georeference | None) -> None:
    """Stream the features of a GeoPackage into another format."""
    from pyogrio import raw

    options = {}
    if georeference is not None and _is_to_wgs84(driver, georeference):
        options = {"RFC7946": "YES", "COORDINATE_PRECISION": str(decimals(georeference))}
    with raw.open_arrow(source, layer=LAYER, use_pyarrow=False) as (metadata, stream):
        raw.write_arrow(
            stream,
            target,
            layer=LAYER,
            driver=driver,
            geometry_name=metadata["geometry_name"] or "wkb_geometry",
            geometry_type="MultiPolygon",
            crs=metadata["crs"],
            layer_options=options or None,
        )


def _is_to_wgs84(driver: str, georeference: Georeference | None) -> bool:
    return driver == "GeoJSON" and georeference is not None and georeference.crs is not None
