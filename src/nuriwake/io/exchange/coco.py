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
from nuriwake.raster import BoolMap

#: Digits of five bits after which a number is larger than any picture.
_LAST_DIGIT = 12


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
        If it ends within a number, or a number is none.

    Examples
    --------
    >>> expand('61X13mN00')
    [6, 1, 40, 4, 5, 4, 5]
    """
    counts: list[int] = []
    value = place = 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 0x40 or place > _LAST_DIGIT:
            raise ValueError("run lengths that are no numbers")
        value |= (digit & 0x1F) << (5 * place)
        place += 1
        if digit & 0x20:
            continue
        if digit & 0x10:
            value -= 1 << (5 * place)
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = place = 0
    if place:
        raise ValueError("the run lengths end within a number")
    return counts


def fill_columns(counts: list[int], shape: tuple[int, int]) -> tuple[int, BoolMap]:
    """Turn run lengths down the columns into the columns that hold some of the object.

    Parameters
    ----------
    counts : list of int
        Of the other pixels, of the object's, of the others, ...
    shape : tuple of int
        Of the picture.

    Returns
    -------
    left : int
        The first such column.
    mask : ndarray of bool, shape (height, columns)

    Raises
    ------
    ValueError
        If they do not fill the shape.

    Examples
    --------
    >>> fill_columns([3, 1, 2], (2, 3))
    (1, array([[False],
           [ True]]))
    """
    height, width = shape
    if min(counts, default=0) < 0 or sum(counts) != height * width:
        raise ValueError(f"run lengths that do not fill {width} x {height} pixels")
    runs = np.array(counts[: len(counts) // 2 * 2], np.int64)
    end = int(runs.sum())
    left = min(counts[0], end) // height
    runs[:1] -= left * height
    flat = np.zeros((-(-end // height) - left) * height, bool)
    flat[: end - left * height] = np.repeat(np.arange(runs.size) % 2 == 1, runs)
    return left, flat.reshape(-1, height).T
