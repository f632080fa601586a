"""Annotations of other tools as drawn labels: LabelMe, Label Studio, COCO, ImageJ, by content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nuriwake.errors import InputError, require
from nuriwake.io.exchange.coco import expand, fill_columns
from nuriwake.io.exchange.label_studio import unpack
from nuriwake.io.exchange.shapes import (
    Patch,
    Shape,
    circle,
    corners_of,
    fill,
    placed,
    rectangle,
    strokes,
)
from nuriwake.io.faults import check_declared, check_file, reading, reason_of
from nuriwake.learn.guidance import Scribbles
from nuriwake.raster import BoolMap, LabelMap

if TYPE_CHECKING:
    from nuriwake.io.exchange import schemas

#: An object: its class and its pixels, made when it is asked for.
Drawn = tuple[str, Patch]
_WHAT = "annotations of LabelMe, Label Studio, COCO or ImageJ"
#: Bytes of a file, which may grow twentyfold while they are parsed; and of one ROI.
_LARGEST_FILE, _LARGEST_ROI = 64 << 20, 16 << 20
#: Classes that the note names.
_NAMED = 20
_ROI, _ZIP = b"Iout", b"PK\x03\x04"


def is_annotation(path: Path) -> bool:
    """Tell whether a file is JSON or holds ImageJ's ROIs, by its first bytes."""
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError:
        # Whoever reads it next says what is wrong.
        return False
    return head[:4] in (_ROI, _ZIP) or head.lstrip()[:1] in (b"{", b"[")


def read_annotations(path: Path, shape: Shape | None = None) -> Scribbles:
    """Read what was drawn in another tool.

    Parameters
    ----------
    path : pathlib.Path
        JSON of LabelMe, of Label Studio or of COCO, or ROIs of ImageJ (``.roi``, ``.zip``).
    shape : tuple of int, optional
        Height and width of the picture: what the file must declare; ImageJ's files tell none.

    Returns
    -------
    Scribbles
        The classes, sorted by name, are labels 1, 2, ...; where objects overlap, the later one
        wins. Its note says which class became which label.

    Raises
    ------
    InputError
        If the file is none of these, is damaged, is of several pictures or of one of another size,
        or nothing was drawn.
    """
    n_bytes = check_file(path)
    if n_bytes > _LARGEST_FILE:
        raise InputError(
            f"{path}: annotations must be at most {_LARGEST_FILE >> 20} MiB; got "
            f"{n_bytes >> 20} MiB. Export them without the picture's own data, or fewer objects."
        )
    with reading(path, _WHAT):
        data = path.read_bytes()
        drawn_on, objects = _parse(path, data, shape)
    if shape is None:
        what = f"{drawn_on[0]} x {drawn_on[1]} pixels"
        check_declared(path, 4 * drawn_on[0] * drawn_on[1], n_bytes, what)
    elif drawn_on != shape:
        raise InputError(
            f"{path}: scribbles must have the image's size, {shape[0]} x {shape[1]} pixels; got "
            f"{drawn_on[0]} x {drawn_on[1]}."
        )
    try:
        labels, names = _paint(drawn_on, objects)
    except ValueError as error:
        reason = reason_of(error, path)
        raise InputError(f"{path}: cannot be read as {_WHAT} ({reason}).") from error
    if not names:
        raise InputError(f"{path}: nothing was drawn. Draw some objects of two classes or more.")
    mapping = ", ".join(f"{name} -> {i}" for i, name in enumerate(names[:_NAMED], start=1))
    mapping += f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Scribbles(labels, f"what is outside every object is not scribbled; {mapping}")


def _parse(path: Path, data: bytes, shape: Shape | None) -> tuple[Shape, Iterator[Drawn]]:
    from nuriwake.io.exchange.schemas import parse_document, parse_tasks

    if data[:4] in (_ROI, _ZIP):
        return _imagej(path, data, shape)
    if data.lstrip()[:1] == b"[":
        tasks = parse_tasks(data)
        _refuse_several(path, len(tasks))
        return _label_studio(tasks[0])
    document = parse_document(data)
    if document.shapes is not None:
        return _labelme(document)
    if document.images is None or document.annotations is None:
        raise ValueError("JSON of another kind")
    _refuse_several(path, len(document.images))
    return _coco(document.images[0], document)


def _paint(shape: Shape, drawn: Iterator[Drawn]) -> tuple[LabelMap, list[str]]:
    """Paint one object after the other, and number the classes by name when all are known."""
    labels = np.zeros(shape, np.int32)
    numbers: dict[str, int] = {}
    for name, patch in drawn:
        if patch.mask.any():
            labels[patch.slices][patch.mask] = numbers.setdefault(name, len(numbers) + 1)
    names = sorted(numbers)
    table = np.zeros(len(names) + 1, np.int32)
    table[[numbers[name] for name in names]] = np.arange(1, len(names) + 1)
    for row in labels:
        row[:] = table[row]
    return labels, [_printable(name) for name in names]


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:80])


def _refuse_several(path: Path, count: int) -> None:
    if count != 1:
        raise InputError(
            f"{path}: scribbles must be of one picture; got annotations of {count}. Export the "
            "pictures one by one."
        )


# --- LabelMe ---------------------------------------------------------------------------------


def _labelme(document: schemas.Document) -> tuple[Shape, Iterator[Drawn]]:
    if document.height is None or document.width is None or document.shapes is None:
        raise ValueError("no imageHeight or imageWidth")
    shape = document.height, document.width
    return shape, ((each.label, _labelme_patch(each, shape)) for each in document.shapes)


def _labelme_patch(each: schemas.LabelMeShape, shape: Shape) -> Patch:
    points = corners_of(each.points)
    low, high = points.min(axis=0), points.max(axis=0)
    match each.shape_type:
        case "mask":
            return placed(_mask(each.mask or b""), low.astype(int).tolist(), shape)
        case "polygon":
            return fill([points], shape)
        case "rectangle":
            return rectangle(low, high, shape)
        case "circle":
            return circle(points[0], float(np.hypot(*(points[-1] - points[0]))), shape)
        case kind:
            return strokes(points, shape, is_line=kind.startswith("line"))


def _mask(data: bytes) -> BoolMap:
    from nuriwake.io.image import read_image

    return np.asarray(read_image(io.BytesIO(data)).array.any(axis=2))


# --- Label Studio ----------------------------------------------------------------------------


def _label_studio(task: schemas.Task) -> tuple[Shape, Iterator[Drawn]]:
    work = task.annotations or task.predictions
    drawn = [each for each in work[-1].result if each.width and each.height] if work else []
    if not drawn or not drawn[0].height or not drawn[0].width:
        raise ValueError("a task without drawn objects")
    shape = drawn[0].height, drawn[0].width
    return shape, ((each.value.name, _label_studio_patch(each, shape)) for each in drawn)


def _label_studio_patch(each: schemas.Result, shape: Shape) -> Patch:
    value, unit = each.value, np.array(shape) / 100
    if value.rle is not None:
        return Patch(0, 0, unpack(value.rle, shape))
    if value.points is not None:
        return fill([corners_of(value.points) * unit], shape)
    if value.width is None or value.height is None:
        raise ValueError(f"an object of the type {each.type}")
    # Turned about its first corner, in pixels, clockwise.
    turn = np.radians(value.rotation)
    first = corners_of([value.x, value.y])[0] * unit
    down, right = corners_of([value.width, value.height])[0] * unit
    across = right * np.array([np.sin(turn), np.cos(turn)])
    along = down * np.array([np.cos(turn), -np.sin(turn)])
    return fill([np.array([first, first + across, first + across + along, first + along])], shape)


# --- COCO ------------------------------------------------------------------------------------


def _coco(image: schemas.CocoImage, document: schemas.Document) -> tuple[Shape, Iterator[Drawn]]:
    shape = image.height, image.width
    names = {each.id: each.name for each in document.categories}
    return shape, (
        (names.get(each.category_id, str(each.category_id)), _coco_patch(each, shape))
        for each in document.annotations or ()
    )


def _coco_patch(each: schemas.CocoAnnotation, shape: Shape) -> Patch:
    drawn = each.segmentation
    if isinstance(drawn, list):
        return _union([fill([corners_of(ring)], shape) for ring in drawn])
    if drawn.size not in (None, shape):
        raise ValueError(f"a mask of the size {drawn.size}")
    counts = expand(drawn.counts) if isinstance(drawn.counts, str) else drawn.counts
    left, mask = fill_columns(counts, shape)
    return Patch(0, left, mask)


def _union(patches: list[Patch]) -> Patch:
    """Lay the pieces of an object together."""
    if len(patches) == 1:
        return patches[0]
    found = [each for each in patches if each.mask.size] or [fill([], (0, 0))]
    top, left = min(each.top for each in found), min(each.left for each in found)
    bottom = max(each.slices[0].stop for each in found)
    right = max(each.slices[1].stop for each in found)
    whole = np.zeros((bottom - top, right - left), bool)
    for each in found:
        rows, columns = (
            slice(s.start - o, s.stop - o) for s, o in zip(each.slices, (top, left), strict=True)
        )
        whole[rows, columns] |= each.mask
    return Patch(top, left, whole)


# --- ImageJ ----------------------------------------------------------------------------------


def _imagej(path: Path, data: bytes, shape: Shape | None) -> tuple[Shape, Iterator[Drawn]]:
    roifile = require("roifile", extra="annotate")
    rois = [roifile.ImagejRoi.frombytes(each) for each in _roi_bytes(path, data)]
    extent = shape or (max(roi.bottom for roi in rois), max(roi.right for roi in rois))
    if min(extent) < 1:
        raise ValueError("ROIs without pixels")
    open_types = {roifile.ROI_TYPE[name] for name in _OPEN_ROIS}
    return extent, (
        (_roi_class(roi.name), _roi_patch(path, roi, extent, is_open=roi.roitype in open_types))
        for roi in rois
    )


#: Types of ROIs that have no inside.
_OPEN_ROIS = ("LINE", "FREELINE", "POLYLINE", "ANGLE", "POINT")


def _roi_bytes(path: Path, data: bytes) -> list[bytes]:
    if data[:4] == _ROI:
        return [data]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [each for each in archive.infolist() if each.filename.endswith(".roi")]
        sizes = [each.file_size for each in entries]
        if not entries or max(sizes) > _LARGEST_ROI:
            raise ValueError(f"an archive of {len(sizes)} ROIs, {max(sizes, default=0)} bytes each")
        check_declared(path, sum(sizes), len(data), f"{len(sizes)} ROIs")
        return [archive.read(each) for each in entries]


def _roi_class(name: str) -> str:
    """Return an ROI's class: its name without the number behind it."""
    stem, _, number = name.rpartition("-")
    return stem if stem and number.isdecimal() else name


def _roi_patch(path: Path, roi: Any, shape: Shape, *, is_open: bool) -> Patch:
    with reading(path, _WHAT):
        rings = roi.coordinates(multi=True)
    corners = [corners_of(ring) for ring in rings if len(ring)]
    if is_open and corners:
        is_line = roi.roitype.name != "POINT"
        return strokes(np.concatenate(corners), shape, is_line=is_line)
    return fill(corners, shape)
