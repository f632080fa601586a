"""Files made of a result, in memory."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError
from nuriwake.faces.web.partition import PageCut, node_colours, nodes_of_leaves
from nuriwake.faces.web.picture import as_picture, encode_png
from nuriwake.faces.web.preview import N_COLOURS, page_palette
from nuriwake.faces.web.work import Grown, Task
from nuriwake.io.annotate import geojson
from nuriwake.io.exchange.annotated import Annotated
from nuriwake.jobs.annotations import FORMS
from nuriwake.jobs.kinds import ZARR
from nuriwake.jobs.writers import write_label_map
from nuriwake.painting import outlines
from nuriwake.raster import LabelMap
from nuriwake.regions.tree import number_nodes

_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class View:
    """A result as it is looked at: its parts, and which node of the tree gives each its colour.

    Parameters
    ----------
    task : Task
    grown : Grown
    parts : ndarray of int32, shape (height, width)
        What is shown, regions or labels, 1..k; 0 = no data.
    colours : ndarray of uint8, shape (k + 1, 3)
        The colour of each part, as on the page; row 0 is that of no data.
    """

    task: Task
    grown: Grown
    parts: LabelMap
    colours: NDArray[np.uint8]

    @property
    def regions(self) -> LabelMap:
        """The regions: those that are shown, or the automatic cut where labels are."""
        return self.parts if self.grown.shows_regions else self.grown.tree.cut()

    @property
    def labels(self) -> LabelMap:
        """The labels: those that are shown, or the network's own where regions are."""
        return self.grown.own_labels if self.grown.shows_regions else self.parts


def look(task: Task, grown: Grown, cut: PageCut) -> View:
    """Cut the tree as the page does.

    Parameters
    ----------
    task : Task
    grown : Grown
    cut : PageCut

    Returns
    -------
    View

    Raises
    ------
    UsageError
        If the cut or an edit does not fit the tree.
    """
    tree = grown.shown
    nodes = nodes_of_leaves(tree, cut)
    numbers = number_nodes(nodes)
    colours = np.zeros((int(numbers.max()) + 1, 3), np.uint8)
    colours[numbers] = page_palette()[node_colours(tree, N_COLOURS)[nodes]]
    return View(task, grown, tree.paint(nodes), colours)


@dataclass(frozen=True)
class Download:
    """One kind of file: what its name ends in, what the page calls it, who makes it."""

    suffix: str
    title: str
    media_type: str
    write: Callable[[View], bytes]


def _map(kind: Literal["labels", "regions"], suffix: str) -> Callable[[View], bytes]:
    def write(view: View) -> bytes:
        shown: LabelMap = getattr(view, kind)
        with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
            path = Path(folder) / f"{kind}{suffix}"
            write_label_map(path, shown, view.task.raster.georeference)
            return _zipped(path) if suffix == ZARR else path.read_bytes()

    return write


def _zipped(folder: Path) -> bytes:
    """Pack a folder; uncompressed, as its chunks are compressed already."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()


def _overlay(view: View) -> bytes:
    picture = as_picture(view.task.raster)
    mixed = (1 - _OPACITY) * picture + _OPACITY * view.colours[view.parts]
    mixed[outlines(view.parts)] = 255.0
    return encode_png((mixed + 0.5).astype(np.uint8))


def _geojson(view: View) -> bytes:
    names = {i: f"#{bytes(rgb).hex()}" for i, rgb in enumerate(view.colours.tolist())}
    return geojson(view.parts, names).encode()


def _annotation(form: str) -> Callable[[View], bytes]:
    def write(view: View) -> bytes:
        return FORMS[form](Annotated(view.task.name, view.parts))

    return write


def _settings(view: View) -> bytes:
    return view.task.settings.to_toml().encode()


def _scribbles(view: View) -> bytes:
    if view.task.scribbles is None:
        raise UsageError("nothing was drawn on this picture.")
    return encode_png(view.task.scribbles.astype(np.uint8))


DOWNLOADS: Mapping[str, Download] = MappingProxyType(
    {
        kind: Download(f".{kind}", title, media_type, write)
        for kind, title, media_type, write in (
            ("regions.png", "Regions, PNG", "image/png", _map("regions", ".png")),
            ("regions.tif", "Regions, TIFF", "image/tiff", _map("regions", ".tif")),
            ("regions.zarr.zip", "Regions, OME-Zarr", "application/zip", _map("regions", ZARR)),
            ("labels.png", "Labels, PNG", "image/png", _map("labels", ".png")),
            ("labels.tif", "Labels, TIFF", "image/tiff", _map("labels", ".tif")),
            ("labels.zarr.zip", "Labels, OME-Zarr", "application/zip", _map("labels", ZARR)),
            ("overlay.png", "Overlay, PNG", "image/png", _overlay),
            ("geojson", "GeoJSON", "application/geo+json", _geojson),
            ("coco.json", "COCO", "application/json", _annotation("coco")),
            (
                "coco-polygons.json",
                "COCO polygons",
                "application/json",
                _annotation("coco-polygons"),
            ),
            ("labelme.json", "LabelMe", "application/json", _annotation("labelme")),
            ("label-studio.json", "Label Studio", "application/json", _annotation("label-studio")),
            ("cvat.xml", "CVAT", "application/xml", _annotation("cvat")),
            ("yolo.txt", "YOLO segmentation", "text/plain", _annotation("yolo")),
            ("imagej.zip", "ImageJ ROIs", "application/zip", _annotation("imagej")),
            ("qupath.geojson", "QuPath", "application/geo+json", _annotation("qupath")),
            ("scribbles.png", "Scribbles, PNG", "image/png", _scribbles),
            ("settings.toml", "Settings, TOML", "application/toml", _settings),
        )
    }
)
