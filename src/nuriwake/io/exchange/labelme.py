"""LabelMe: one JSON file beside each picture."""

from __future__ import annotations

import base64
import io
import json

from nuriwake.io.exchange.annotated import Annotated

#: The form of LabelMe since it knows masks.
_VERSION = "5.5.0"


def write_labelme(picture: Annotated) -> bytes:
    """Write every object as a mask: LabelMe's polygons have no holes and cover a pixel more.

    Parameters
    ----------
    picture : Annotated
        LabelMe looks for the picture under its name, beside the file.

    Returns
    -------
    bytes
        JSON. A shape's ``group_id`` is the object's number.
    """
    shapes = [
        {
            "label": picture.class_name(each),
            # Both corners belong to the mask.
            "points": [[box.left, box.top], [box.right - 1, box.bottom - 1]],
            "group_id": each,
            "description": "",
            "shape_type": "mask",
            "flags": {},
            "mask": _png_text(picture, each),
        }
        for each, box in picture.boxes.items()
    ]
    table: dict[str, object] = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": picture.name,
        "imageData": None,
        "imageHeight": picture.height,
        "imageWidth": picture.width,
    }
    return json.dumps(table, separators=(",", ":")).encode()


def _png_text(picture: Annotated, each: int) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture.mask(each)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
