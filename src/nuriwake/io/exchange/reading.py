"""Annotations of other tools as drawn labels: LabelMe, Label Studio, COCO, ImageJ, by content."""

from __future__ import annotations

import base64
import binascii
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, require
from nuriwake.io.exchange.coco import expand, fill_columns
from nuriwake.io.exchange.label_studio import unpack
from nuriwake.learn.guidance import Scribbles
from nuriwake.raster import BoolMap, LabelMap

Shape = tuple[int, int]
#: Pixels of a drawing at most; more is a damaged size.
_MAX_PIXELS = 1 << 31
#: What broken annotations raise while they are read; each becomes our one line.
_BROKEN = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError,
    binascii.Error, zipfile.BadZipFile, EOFError, OSError,
)  # fmt: skip
#: Rings of corners (row, col), filled by the rule of even and odd.
Rings = Sequence[NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One object that somebody drew: its class and its pixels."""

    name: str
    mask: BoolMap


def is_annotation(path: Path) -> bool:
    """Tell whether a file is JSON or holds ImageJ's ROIs, by its first bytes."""
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError:
        # Whoever reads it next says what is wrong.
        return False
    return head[:4] in (b"Iout", b"PK\x03\x04") or head.lstrip()[:1] in (b"{", b"[")


def read_annotations(path: Path, shape: Shape | None = None) -> Scribbles:
    """Read what was drawn in another tool.

    Parameters
    ----------
    path : pathlib.Path
        JSON of LabelMe, of Label Studio or of COCO, or ROIs of ImageJ (``.roi``, ``.zip``).
    shape : tuple of int, optional
        Height and width of the picture, which ImageJ's files do not tell.

    Returns
    -------
    Scribbles
        The classes, sorted by name, are labels 1, 2, ...; where objects overlap, the later one
        wins. Its note says which class became which label.

    Raises
    ------
    InputError
        If the file is none of these, is damaged, is of several pictures, or nothing was drawn.
    """
    try:
        size, drawn = _parse(path, path.read_bytes(), shape)
        labels, names = _paint(size, drawn)
    except InputError:
        raise
    except _BROKEN as error:
        reason = str(error) or type(error).__name__
        raise InputError(
            f"{path}: cannot be read as annotations of LabelMe, Label Studio, COCO or ImageJ "
            f"({reason})."
        ) from error
    if not names:
        raise InputError(f"{path}: nothing was drawn. Draw some objects of two classes or more.")
    mapping = ", ".join(f"{name} -> {i}" for i, name in enumerate(names, start=1))
    return Scribbles(labels, f"what is outside every object is not scribbled; {mapping}")


def _parse(path: Path, data: bytes, shape: Shape | None) -> tuple[Shape, Iterator[Drawn]]:
    if data[:4] in (b"Iout", b"PK\x03\x04"):
        return _imagej(path, shape)
    table = json.loads(data)
    if isinstance(table, list):
        return _label_studio(path, table)
    if "shapes" in table:
        return _labelme(table)
    if "annotations" in table and "images" in table:
        return _coco(path, table)
    raise ValueError("JSON of another kind")


def _paint(shape: Shape, drawn: Iterator[Drawn]) -> tuple[LabelMap, list[str]]:
    found = list(drawn)
    names = sorted({each.name for each in found if each.mask.any()})
    labels = np.zeros(shape, np.int32)
    for each in found:
        if each.name in names:
            labels[each.mask] = 1 + names.index(each.name)
    return labels, names


def _size(height: Any, width: Any) -> Shape:
    size = int(height), int(width)
    if min(size) < 1 or size[0] * size[1] > _MAX_PIXELS:
        raise ValueError(f"a picture of {size[1]} x {size[0]} pixels")
    return size


def fill(rings: Rings, shape: Shape) -> BoolMap:
    """Fill rings of corners: the pixels whose centres lie inside an odd number of them.

    Examples
    --------
    >>> fill([np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 2.0], [1.0, 1.0]])], (1, 3))
    array([[False,  True, False]])
    """
    from skimage.draw import polygon2mask

    inside = np.zeros(shape, bool)
    for ring in rings:
        # Corners count from the edges of pixels, the filling from their centres.
        inside ^= polygon2mask(shape, np.asarray(ring, np.float64) - 0.5)
    return inside


# --- LabelMe ---------------------------------------------------------------------------------


def _labelme(table: Mapping[str, Any]) -> tuple[Shape, Iterator[Drawn]]:
    shape = _size(table["imageHeight"], table["imageWidth"])
    return shape, (
        Drawn(str(each["label"]), _labelme_mask(each, shape)) for each in table["shapes"]
    )


def _labelme_mask(each: Mapping[str, Any], shape: Shape) -> BoolMap:
    points = np.asarray(each["points"], np.float64).reshape(-1, 2)[:, ::-1]
    kind = each.get("shape_type", "polygon")
    if kind == "mask":
        return _placed(_png_mask(each["mask"]), points.min(axis=0).astype(int), shape)
    if kind == "polygon":
        return fill([points], shape)
    (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
    if kind == "rectangle":
        corners = [[top, left], [top, right], [bottom, right], [bottom, left]]
        return fill([np.array(corners)], shape)
    if kind == "circle":
        rows, cols = np.ogrid[0.5 : shape[0], 0.5 : shape[1]]
        radius = np.hypot(*(points[1] - points[0]))
        inside: BoolMap = np.hypot(rows - points[0, 0], cols - points[0, 1]) <= radius
        return inside
    if kind in ("line", "linestrip", "point", "points"):
        return _strokes(points, kind.startswith("line"), shape)
    raise ValueError(f"a shape of the type {kind}")


def _strokes(points: NDArray[np.float64], is_line: bool, shape: Shape) -> BoolMap:
    """Draw points, or lines between them, three pixels wide."""
    from skimage.draw import line
    from skimage.morphology import dilation, footprint_rectangle

    inside = np.zeros(shape, bool)
    pixels = np.clip(points.astype(int), 0, np.array(shape) - 1)
    inside[tuple(pixels.T)] = True
    if is_line:
        for start, end in pairwise(pixels):
            inside[line(*start, *end)] = True
    thick: BoolMap = dilation(inside, footprint_rectangle((3, 3)))
    return thick


def _png_mask(text: str) -> BoolMap:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        if picture.width * picture.height > _MAX_PIXELS:
            raise ValueError("a mask of too many pixels")
        return np.asarray(picture.convert("L")) > 0


def _placed(mask: BoolMap, corner: NDArray[np.int_], shape: Shape) -> BoolMap:
    inside = np.zeros(shape, bool)
    top, left = corner.tolist()
    part = inside[top : top + mask.shape[0], left : left + mask.shape[1]]
    if min(top, left) < 0 or part.shape != mask.shape:
        raise ValueError("a mask that runs over the picture")
    part[...] = mask
    return inside


# --- Label Studio ----------------------------------------------------------------------------


def _label_studio(path: Path, tasks: list[Any]) -> tuple[Shape, Iterator[Drawn]]:
    _refuse_several(path, len(tasks))
    work = tasks[0].get("annotations") or tasks[0]["predictions"]
    results = [each for each in work[-1]["result"] if "original_width" in each]
    if not results:
        raise ValueError("a task without drawn objects")
    shape = _size(results[0]["original_height"], results[0]["original_width"])
    return shape, (_label_studio_object(each, shape) for each in results)


def _label_studio_object(each: Mapping[str, Any], shape: Shape) -> Drawn:
    value, kind = each["value"], str(each["type"])
    name = str((value.get(kind) or ["object"])[0])
    if "rle" in value:
        return Drawn(name, unpack(value["rle"], shape))
    unit = np.array(shape) / 100
    if "points" in value:
        points = np.asarray(value["points"], np.float64).reshape(-1, 2)[:, ::-1]
        return Drawn(name, fill([points * unit], shape))
    top, left = value["y"], value["x"]
    bottom, right = top + value["height"], left + value["width"]
    corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    return Drawn(name, fill([corners * unit], shape))


# --- COCO ------------------------------------------------------------------------------------


def _coco(path: Path, table: Mapping[str, Any]) -> tuple[Shape, Iterator[Drawn]]:
    _refuse_several(path, len(table["images"]))
    image = table["images"][0]
    shape = _size(image["height"], image["width"])
    names = {each["id"]: str(each["name"]) for each in table.get("categories", ())}
    return shape, (
        Drawn(
            names.get(each["category_id"], str(each["category_id"])),
            _coco_mask(each["segmentation"], shape),
        )
        for each in table["annotations"]
    )


def _coco_mask(segmentation: Any, shape: Shape) -> BoolMap:
    if isinstance(segmentation, list):
        inside = np.zeros(shape, bool)
        for ring in segmentation:
            inside |= fill([np.asarray(ring, np.float64).reshape(-1, 2)[:, ::-1]], shape)
        return inside
    counts = segmentation["counts"]
    return fill_columns(expand(counts) if isinstance(counts, str) else counts, shape) > 0


# --- ImageJ ----------------------------------------------------------------------------------


def _imagej(path: Path, shape: Shape | None) -> tuple[Shape, Iterator[Drawn]]:
    roifile = require("roifile", extra="annotate")
    read: Callable[[Path], Any] = roifile.ImagejRoi.fromfile
    found = read(path)
    rois = found if isinstance(found, list) else [found]
    extent = shape or _size(max(roi.bottom for roi in rois), max(roi.right for roi in rois))
    return extent, (Drawn(_roi_class(roi.name), _roi_mask(roi, extent)) for roi in rois)


def _roi_class(name: str) -> str:
    """Return an ROI's class: its name without the number behind it."""
    stem, _, number = name.rpartition("-")
    return stem if stem and number.isdecimal() else name


def _roi_mask(roi: Any, shape: Shape) -> BoolMap:
    rings = roi.coordinates(multi=True)
    closed = [np.asarray(ring, np.float64)[:, ::-1] for ring in rings if len(ring) > 2]
    return fill(closed, shape)


def _refuse_several(path: Path, count: int) -> None:
    if count != 1:
        raise InputError(
            f"{path}: scribbles must be of one picture; got annotations of {count}. Export the "
            "pictures one by one."
        )
