"""QuPath: GeoJSON whose features are annotations with a class and its colour."""

from __future__ import annotations

import json

from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.outlines import Outline


def write_qupath(picture: Annotated) -> bytes:
    """Write every object as an annotation: exact, holes included.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        GeoJSON in pixels, x to the right and y downwards.
    """
    from nuriwake.painting import palette

    colours = palette(len(picture.classes) + 1)
    features = [
        {
            "type": "Feature",
            "geometry": _geometry(pieces),
            "properties": {
                "objectType": "annotation",
                "name": f"{picture.class_name(each)} {each}",
                "classification": {
                    "name": picture.class_name(each),
                    "color": colours[1 + picture.classes.index(picture.class_name(each))].tolist(),
                },
            },
        }
        for each, pieces in picture.outlines.items()
    ]
    table = {"type": "FeatureCollection", "features": features}
    return json.dumps(table, separators=(",", ":")).encode()


def _geometry(pieces: tuple[Outline, ...]) -> dict[str, object]:
    polygons = [
        [ring[::-1, ::-1].tolist() for ring in (piece.exterior, *piece.holes)] for piece in pieces
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
