"""Regions as GeoJSON in pixels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.io.outlines import Outline, trace_outlines
from nuriwake.io.rings import Ring
from nuriwake.raster import LabelMap

if TYPE_CHECKING:
    from collections.abc import Mapping


def geojson(
    labels: LabelMap,
    colours: Mapping[int, str] | None = None,
) -> str:
    """Write regions as a GeoJSON FeatureCollection in pixel coordinates, one feature a region.

    x = column and y = row, both growing from the upper left corner of the picture. The outlines
    run along pixel edges, so neighbours share their borders exactly.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data, which is left out.
    colours : mapping of int to str, optional
        A colour such as ``#1f77b4`` for each label, written as the property ``fill``.

    Returns
    -------
    str
        JSON.

    Examples
    --------
    >>> feature = json.loads(geojson(np.array([[1, 2]], np.int32)))["features"][1]
    >>> feature["properties"]
    {'region': 2, 'pixels': 1}
    >>> feature["geometry"]["coordinates"]
    [[[1, 0], [1, 1], [2, 1], [2, 0], [1, 0]]]
    """
    pixels = np.bincount(labels.ravel()).tolist()
    pieces: dict[int, list[Outline]] = {}
    for outline in trace_outlines(labels):
        pieces.setdefault(outline.label, []).append(outline)
    features = []
    for label, outlines in pieces.items():
        properties: dict[str, int | str] = {"region": label, "pixels": pixels[label]}
        if colours and label in colours:
            properties["fill"] = colours[label]
        polygons = [_polygon(outline) for outline in outlines]
        single = len(polygons) == 1
        geometry = {
            "type": "Polygon" if single else "MultiPolygon",
            "coordinates": polygons[0] if single else polygons,
        }
        features.append(
            {"type": "Feature", "id": label, "properties": properties, "geometry": geometry}
        )
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))


def _polygon(outline: Outline) -> list[list[list[int]]]:
    # GeoJSON wants exteriors counter-clockwise in (x, y); the shoelace sum says that of clockwise
    # rings on the screen, as y grows downwards there. Turned round, viewers with y upwards agree.
    return [_points(ring) for ring in (outline.exterior, *outline.holes)]


def _points(ring: Ring) -> list[list[int]]:
    return ring[::-1, ::-1].tolist()  # type: ignore[no-any-return]
