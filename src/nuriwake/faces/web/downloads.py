"""Files made of a result, in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.faces.web.partition import (
    label_map,
    node_colours,
    nodes_of_leaves,
    number_nodes,
    parse_edits,
)
from nuriwake.faces.web.picture import as_picture, encode_png
from nuriwake.faces.web.preview import N_COLOURS, page_palette
from nuriwake.faces.web.work import Task
from nuriwake.io.annotate import coco, geojson
from nuriwake.io.image import write_labels
from nuriwake.painting import outlines
from nuriwake.raster import LabelMap
from nuriwake.regions.tree import MergeTree

_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class View:
    """A result as it is looked at: the regions, and which node of the tree gives each its colour.

    Parameters
    ----------
    task : Task
    labels : ndarray of int32, shape (height, width)
        Regions 1..k; 0 = no data.
    colours : ndarray of uint8, shape (k + 1, 3)
        The colour of each region, as on the page; row 0 is that of no data.
    """

    task: Task
    labels: LabelMap
    colours: NDArray[np.uint8]


def look(task: Task, tree: MergeTree, n_regions: int, edits: str) -> View:
    """Cut the tree as the page does.

    Parameters
    ----------
    task : Task
    tree : MergeTree
    n_regions : int
        Of the cut.
    edits : str
        Merges and splits by hand after it.

    Returns
    -------
    View

    Raises
    ------
    UsageError
        If the cut or an edit does not fit the tree.
    """
    nodes = nodes_of_leaves(tree, n_regions, parse_edits(edits))
    regions = number_nodes(nodes)
    colours = np.zeros((int(regions.max()) + 1, 3), np.uint8)
    colours[regions] = page_palette()[node_colours(tree, N_COLOURS)[nodes]]
    return View(task, label_map(tree, regions), colours)


@dataclass(frozen=True)
class Download:
    """One kind of file."""

    suffix: str
    media_type: str
    write: Callable[[View], bytes]


def _labels(suffix: str) -> Callable[[View], bytes]:
    def write(view: View) -> bytes:
        with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
            path = Path(folder) / f"labels{suffix}"
            write_labels(path, view.labels)
            return path.read_bytes()

    return write


def _overlay(view: View) -> bytes:
    picture = as_picture(view.task.raster)
    mixed = (1 - _OPACITY) * picture + _OPACITY * view.colours[view.labels]
    mixed[outlines(view.labels)] = 255.0
    return encode_png((mixed + 0.5).astype(np.uint8))


def _geojson(view: View) -> bytes:
    names = {i: f"#{bytes(rgb).hex()}" for i, rgb in enumerate(view.colours.tolist())}
    return geojson(view.labels, names).encode()


def _coco(view: View) -> bytes:
    return coco(view.labels, view.task.name).encode()


def _settings(view: View) -> bytes:
    return view.task.settings.to_toml().encode()


DOWNLOADS: Mapping[str, Download] = MappingProxyType(
    {
        "labels.png": Download(".labels.png", "image/png", _labels(".png")),
        "labels.tif": Download(".labels.tif", "image/tiff", _labels(".tif")),
        "overlay.png": Download(".overlay.png", "image/png", _overlay),
        "regions.geojson": Download(".geojson", "application/geo+json", _geojson),
        "coco.json": Download(".coco.json", "application/json", _coco),
        "settings.toml": Download(".settings.toml", "application/toml", _settings),
    }
)
