"""Regions as annotations that other tools read: GeoJSON polygons and COCO."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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


def coco(labels: LabelMap, file_name: str, category: str = "region") -> str:
    """Write regions as a COCO data set of one image, one annotation a region.

    Masks are uncompressed run lengths: exact, holes included, which COCO's polygons cannot say.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data, which is left out.
    file_name : str
        The image's name in the data set.
    category : str
        The name of the one category.

    Returns
    -------
    str
        JSON in COCO's "object detection" form.

    Examples
    --------
    >>> written = coco(np.array([[0, 5], [5, 5]], np.int32), "a.png")
    >>> annotation = json.loads(written)["annotations"][0]
    >>> annotation["segmentation"], annotation["bbox"], annotation["area"]
    ({'size': [2, 2], 'counts': [1, 3]}, [0, 0, 2, 2], 3)
    """
    height, width = labels.shape
    image = {"id": 1, "file_name": file_name, "width": width, "height": height}
    boxes = _boxes(labels)
    annotations = [
        {
            "id": label,
            "image_id": 1,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": boxes[label],
            "area": sum(counts[1::2]),
            "segmentation": {"size": [height, width], "counts": counts},
        }
        for label, counts in run_lengths(labels).items()
    ]
    return json.dumps(
        {
            "info": {"description": "Regions by nuriwake"},
            "images": [image],
            "categories": [{"id": 1, "name": category}],
            "annotations": annotations,
        },
        separators=(",", ":"),
    )


def run_lengths(labels: LabelMap) -> dict[int, list[int]]:
    """Count COCO's run lengths of every label: column by column, other pixels first.

    Examples
    --------
    >>> run_lengths(np.array([[1, 2], [1, 1]], np.int32))
    {1: [0, 2, 1, 1], 2: [2, 1, 1]}
    """
    flat = labels.ravel(order="F")
    first = np.flatnonzero(np.concatenate(([True], flat[1:] != flat[:-1])))
    length = np.diff(np.append(first, flat.size))
    label = flat[first]
    order = np.argsort(label, kind="stable")
    names, begins = np.unique(label[order], return_index=True)
    groups = np.split(order, begins[1:])
    return {
        int(name): _counts(first[group], length[group], flat.size)
        for name, group in zip(names, groups, strict=True)
        if name > 0
    }


def _counts(first: NDArray[np.intp], length: NDArray[np.intp], size: int) -> list[int]:
    end = first + length
    counts = np.empty(2 * len(first), np.int64)
    counts[::2] = first - np.concatenate(([0], end[:-1]))
    counts[1::2] = length
    rest = size - int(end[-1])
    return [*counts.tolist(), rest] if rest else counts.tolist()


def _boxes(labels: LabelMap) -> dict[int, list[int]]:
    """Boxes (first column, first row, width, height) of every label."""
    from scipy.ndimage import find_objects

    return {
        number: [cols.start, rows.start, cols.stop - cols.start, rows.stop - rows.start]
        for number, found in enumerate(find_objects(labels), start=1)
        if found is not None
        for rows, cols in [found]
    }
