"""COCO's "object detection" form: masks as run lengths, or polygons.

References
----------
The mask API of COCO, https://cocodataset.org/#format-data (run lengths run down the columns).
"""

from __future__ import annotations

import json

import numpy as np

from nuriwake.io.exchange.annotated import Annotated, runs_of
from nuriwake.io.exchange.bridges import bridged
from nuriwake.raster import LabelMap


def write_coco(picture: Annotated) -> bytes:
    """Write every object's mask as compressed run lengths: exact, holes included.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        JSON. An annotation's ``id`` is the object's number.

    Examples
    --------
    >>> written = write_coco(Annotated("a.png", np.array([[0, 1], [1, 1]], np.int32)))
    >>> annotation, = json.loads(written)["annotations"]
    >>> annotation["segmentation"], annotation["bbox"], annotation["area"]
    ({'size': [2, 2], 'counts': '13'}, [0, 0, 2, 2], 3)
    """
    size = [picture.height, picture.width]
    return _written(
        picture,
        {
            each: {"size": size, "counts": compress(column_runs(picture, each))}
            for each in picture.ids
        },
    )


def write_coco_polygons(picture: Annotated) -> bytes:
    """Write every object's pieces as polygons, for tools that read no masks.

    COCO's polygons have no holes: a hole is joined to the ring around it by a cut without width.

    Examples
    --------
    >>> written = write_coco_polygons(Annotated("a.png", np.array([[0, 1]], np.int32)))
    >>> json.loads(written)["annotations"][0]["segmentation"]
    [[1, 0, 2, 0, 2, 1, 1, 1]]
    """
    return _written(
        picture,
        {
            each: [bridged(piece)[:-1, ::-1].ravel().tolist() for piece in pieces]
            for each, pieces in picture.outlines.items()
        },
    )


def _written(picture: Annotated, segmentation: dict[int, object]) -> bytes:
    areas = np.bincount(picture.objects.ravel())
    annotations = [
        {
            "id": each,
            "image_id": 1,
            "category_id": 1 + picture.classes.index(picture.class_name(each)),
            "iscrowd": 0,
            "bbox": [box.left, box.top, box.width, box.height],
            "area": int(areas[each]),
            "segmentation": segmentation[each],
        }
        for each, box in picture.boxes.items()
    ]
    image = {
        "id": 1,
        "file_name": picture.name,
        "width": picture.width,
        "height": picture.height,
    }
    table = {
        "info": {"description": "Regions by nuriwake"},
        "images": [image],
        "categories": [{"id": i, "name": name} for i, name in enumerate(picture.classes, start=1)],
        "annotations": annotations,
    }
    return json.dumps(table, separators=(",", ":")).encode()


def column_runs(picture: Annotated, each: int) -> list[int]:
    """Count the run lengths of an object down the columns of the picture, other pixels first."""
    box, height = picture.boxes[each], picture.height
    # Only the columns of the box hold some of it: the others lengthen the first and the last run.
    columns = picture.objects[:, box.left : box.right] == each
    runs = runs_of(columns.ravel(order="F"))
    runs[0] += box.left * height
    after = (picture.width - box.right) * height
    if len(runs) % 2:
        runs[-1] += after
    elif after:
        runs.append(after)
    return runs


def compress(counts: list[int]) -> str:
    """Write run lengths as COCO's text: differences to the last but one, in digits of five bits.

    Examples
    --------
    >>> compress([6, 1, 40, 4, 5, 4, 5])
    '61X13mN00'
    """
    text = []
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            digit = left & 0x1F
            left >>= 5
            # The digit's highest bit is the sign of what follows it.
            more = left != (-1 if digit & 0x10 else 0)
            text.append(chr(48 + (digit | 0x20 * more)))
    return "".join(text)


def expand(text: str) -> list[int]:
    """Read what :func:`compress` wrote.

    Raises
    ------
    ValueError
        If it ends within a number.

    Examples
    --------
    >>> expand('61X13mN00')
    [6, 1, 40, 4, 5, 4, 5]
    """
    counts: list[int] = []
    digits: list[int] = []
    for character in text:
        digits.append(ord(character) - 48)
        if digits[-1] & 0x20:
            continue
        value = sum((digit & 0x1F) << (5 * place) for place, digit in enumerate(digits))
        if digits[-1] & 0x10:
            value -= 1 << (5 * len(digits))
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        digits = []
    if digits:
        raise ValueError("the run lengths end within a number")
    return counts


def fill_columns(counts: list[int], shape: tuple[int, int]) -> LabelMap:
    """Turn run lengths down the columns into a mask of 0 and 1.

    Raises
    ------
    ValueError
        If they do not fill the shape.

    Examples
    --------
    >>> fill_columns([1, 3], (2, 2))
    array([[0, 1],
           [1, 1]], dtype=int32)
    """
    if min(counts, default=0) < 0 or sum(counts) != shape[0] * shape[1]:
        raise ValueError(f"run lengths that do not fill {shape[1]} x {shape[0]} pixels")
    values = (np.arange(len(counts)) % 2).astype(np.int32)
    return np.repeat(values, counts).reshape(shape, order="F")
