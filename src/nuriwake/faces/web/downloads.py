"""Files made of a result, in memory."""

from __future__ import annotations

import io
import json
import mimetypes
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError
from nuriwake.faces.web.picture import encode_png
from nuriwake.faces.web.preview import N_COLOURS, page_palette
from nuriwake.faces.web.pyramid import Pyramid
from nuriwake.faces.web.tags import Tags
from nuriwake.faces.web.work import Grown, Task
from nuriwake.io.annotate import geojson
from nuriwake.io.exchange.annotated import Annotated
from nuriwake.jobs.annotations import FORMS
from nuriwake.jobs.kinds import KINDS, Kind
from nuriwake.painting import outlines
from nuriwake.raster import LabelMap
from nuriwake.regions.editing import EditedCut, node_colours, nodes_of_leaves
from nuriwake.regions.tree import number_nodes
from nuriwake.segmentation import Partition

_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class Shown(Partition):
    """A partition as it is looked at, with what was merged and split by hand.

    Parameters
    ----------
    parts : ndarray of int32, shape (height, width)
        What is shown, regions or labels, 1..k; 0 = no data.
    is_of_labels : bool
        Whether the parts are labels.
    pyramid : Pyramid or None
        Of what the picture is a reduced copy: maps of ids and what is drawn from them have the
        size of that.
    """

    parts: LabelMap = field(kw_only=True)
    is_of_labels: bool = field(kw_only=True)
    pyramid: Pyramid | None = field(kw_only=True, default=None)

    @cached_property
    def whole(self) -> LabelMap:
        """The parts, in the size of the file."""
        return self._enlarged(self.parts)

    @cached_property
    def regions(self) -> LabelMap:
        """The regions: those that are shown, or the automatic cut where labels are."""
        return self._enlarged(self.tree.cut()) if self.is_of_labels else self.whole

    @cached_property
    def labels(self) -> LabelMap:
        """The labels: those that are shown, or the network's own where regions are."""
        return self.whole if self.is_of_labels else self._enlarged(self.own_labels)

    def _enlarged(self, labels: LabelMap) -> LabelMap:
        return labels if self.pyramid is None else self.pyramid.enlarge(labels)


@dataclass(frozen=True, eq=False)
class View:
    """What a file is made of: the partition, and the colour and the class of each of its parts.

    Parameters
    ----------
    task : Task
    shown : Shown
    colours : ndarray of uint8, shape (k + 1, 3)
        The colour of each part, as on the page; row 0 is that of no data.
    tags : Tags
    classes : ndarray of uint8, shape (k + 1,)
        The class of each part; 0 = none.
    """

    task: Task
    shown: Shown
    colours: NDArray[np.uint8]
    tags: Tags
    classes: NDArray[np.uint8]

    @property
    def class_names(self) -> dict[int, str]:
        """What the parts that have a class are called."""
        tagged = np.flatnonzero(self.classes).tolist()
        return {part: self.tags.name(self.classes[part]) for part in tagged}


def look(task: Task, grown: Grown, cut: EditedCut, tags: Tags | None = None) -> View:
    """Cut the tree as the page does.

    Parameters
    ----------
    task : Task
    grown : Grown
    cut : EditedCut
    tags : Tags, optional

    Returns
    -------
    View

    Raises
    ------
    UsageError
        If the cut, an edit or a tag does not fit the tree.
    """
    tree, tags = grown.shown, tags or Tags()
    reading = grown.partition.reading
    if cut != EditedCut():
        reading = replace(reading, prefers_labels=False)  # those that were drawn
    if cut.n_regions is None and cut.detail is None:
        cut = replace(cut, n_regions=grown.n_automatic)
    nodes = nodes_of_leaves(tree, cut)
    numbers = number_nodes(nodes)
    classes = tags.numbers(int(numbers.max()))
    colours = np.zeros((len(classes), 3), np.uint8)
    colours[numbers] = page_palette()[node_colours(tree, N_COLOURS, task.scribbles)[nodes]]
    for number, region_class in enumerate(tags.classes, 1):
        colours[classes == number] = region_class.rgb
    kept = {f.name: getattr(grown.partition, f.name) for f in fields(Partition)}
    shown = Shown(
        **{**kept, "reading": reading},
        parts=tree.paint(nodes),
        is_of_labels=not grown.shows_regions,
        pyramid=task.origin.pyramid,
    )
    return View(task, shown, colours, tags, classes)


@dataclass(frozen=True)
class Download:
    """One kind of file: what its name ends in, what the page calls it, who makes it."""

    suffix: str
    title: str
    media_type: str
    write: Callable[[View], bytes]
    is_common: bool = False


def _by_kind(kind: Kind, suffix: str) -> Callable[[View], bytes]:
    """Write as the command line does; objects of the classes that people named as such."""

    def write(view: View) -> bytes:
        if kind.name in FORMS and view.class_names:
            return FORMS[kind.name](_objects(view, of_classes=kind.name == "voc"))
        with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
            path = Path(folder) / f"{kind.name}{suffix}"
            kind.write(path, view.shown)
            return path.read_bytes() if path.is_file() else _zipped(path)

    return write


def _objects(view: View, of_classes: bool) -> Annotated:
    if not of_classes:
        return Annotated(view.task.name, view.shown.whole, view.class_names)
    names = {number: view.tags.name(number) for number in range(1, len(view.tags.classes) + 1)}
    return Annotated(view.task.name, view.classes[view.shown.whole].astype(np.int32), names)


def _zipped(folder: Path) -> bytes:
    """Pack a folder; uncompressed, as its chunks are compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()


def _overlay(view: View) -> bytes:
    parts = view.shown.parts
    mixed = (1 - _OPACITY) * view.shown.picture + _OPACITY * view.colours[parts]
    mixed[outlines(parts)] = 255.0
    return encode_png((mixed + 0.5).astype(np.uint8))


def _geojson(view: View) -> bytes:
    colours = {i: f"#{bytes(rgb).hex()}" for i, rgb in enumerate(view.colours.tolist())}
    written = json.loads(geojson(view.shown.whole, colours))
    for feature in written["features"]:
        named = view.class_names.get(feature["properties"]["region"])
        if named is not None:
            feature["properties"]["class"] = named
    return json.dumps(written).encode()


def _settings(view: View) -> bytes:
    return view.task.settings.to_toml().encode()


def _scribbles(view: View) -> bytes:
    drawn, pyramid = view.task.scribbles, view.task.origin.pyramid
    if drawn is None:
        raise UsageError("nothing was drawn on this picture.")
    return encode_png((pyramid.enlarge(drawn) if pyramid else drawn).astype(np.uint8))


#: Kinds that the page offers in several forms.
_SUFFIXES = {"regions": (".png", ".tif", ".zarr"), "labels": (".png", ".tif", ".zarr")}
_TITLES = {
    "polygons": "Polygons, GeoPackage",
    "result": "Result, to cut again",
    "coco": "COCO",
    "coco-polygons": "COCO polygons",
    "labelme": "LabelMe",
    "label-studio": "Label Studio",
    "label-studio-polygons": "Label Studio polygons",
    "cvat": "CVAT",
    "yolo": "YOLO",
    "imagej": "ImageJ ROIs",
    "qupath": "QuPath",
    "voc": "Pascal VOC",
}
_FORMATS = {".png": "PNG", ".tif": "TIFF", ".zarr": "OME-Zarr"}
#: Their colours, or what they hold, are the page's own.
_OWN = {
    "overlay.png": Download(".overlay.png", "Overlay, PNG", "image/png", _overlay, is_common=True),
    "geojson": Download(".geojson", "GeoJSON", "application/geo+json", _geojson, is_common=True),
    "scribbles.png": Download(".scribbles.png", "Scribbles, PNG", "image/png", _scribbles),
    "settings.toml": Download(".settings.toml", "Settings, TOML", "application/toml", _settings),
}
_COMMON = ("regions.png", "coco.json")


def _downloads() -> Iterator[tuple[str, Download]]:
    """Every kind of result that there is, then the page's own."""
    for kind in KINDS.values():
        if kind.needs and find_spec(kind.needs[0]) is None:
            continue
        for suffix in _SUFFIXES.get(kind.name, (kind.suffix,)):
            ending = f"{suffix}.zip" if suffix == ".zarr" else suffix
            title = _TITLES.get(kind.name) or f"{kind.name.capitalize()}, {_format(suffix)}"
            media_type = mimetypes.guess_type(f"a{ending}")[0] or "application/octet-stream"
            name = f"{kind.name}{ending}"
            write = _by_kind(kind, suffix)
            yield name, Download(f".{name}", title, media_type, write, is_common=name in _COMMON)
    yield from _OWN.items()


def _format(suffix: str) -> str:
    return _FORMATS.get(suffix, suffix[1:].upper())


DOWNLOADS: Mapping[str, Download] = MappingProxyType(dict(_downloads()))
