"""The region tree on its way to the browser: one compressed block, sent once."""

from __future__ import annotations

import gzip
import json

import numpy as np
from numpy.typing import NDArray

from nuriwake.faces.web.picture import raster_picture
from nuriwake.faces.web.preview import N_COLOURS, page_palette
from nuriwake.faces.web.work import Grown, Task
from nuriwake.raster import LabelMap
from nuriwake.regions.editing import node_colours
from nuriwake.regions.tree import DETAILS, LabelTree, MergeTree, RegionTree

_ALIGNMENT = 8


def pack_tree(grown: Grown, task: Task) -> bytes:
    """Pack what the page needs to cut and paint on its own.

    The block is gzip. Inside: the length of a JSON header (uint32, little-endian), the header, and
    arrays (little-endian, each aligned to 8 bytes), whose names, types and places the header tells.

    Parameters
    ----------
    grown : Grown
    task : Task

    Returns
    -------
    bytes
    """
    tree = grown.shown
    arrays = {
        "base": tree.base.astype(np.uint16 if tree.n_leaves < 2**16 else np.uint32),
        "merges": tree.merges.astype(np.int32),
        "altitudes": tree.altitudes.astype(np.float32),
        "areas": leaf_areas(tree.base, tree.n_leaves).astype(np.uint32),
        "means": leaf_means(tree.base, raster_picture(task.raster), tree.n_leaves),
        "palette": page_palette(),
        "node_colours": node_colours(tree, N_COLOURS, task.scribbles),
        **_presets(tree, grown.n_automatic),
    }
    return gzip.compress(_block(arrays, tree), compresslevel=1)


def _presets(tree: MergeTree, n_automatic: int | None) -> dict[str, NDArray[np.int32]]:
    """Which node each leaf belongs to, in the automatic cut and in those of the details."""
    presets = {"auto": tree.nodes(n_automatic)}
    if isinstance(tree, RegionTree):
        presets |= {detail: tree.nodes(detail=detail) for detail in DETAILS}
    return presets


def _block(arrays: dict[str, NDArray[np.generic]], tree: MergeTree) -> bytes:
    table, body = {}, bytearray()
    for name, array in arrays.items():
        body += bytes(-len(body) % _ALIGNMENT)
        table[name] = {"type": array.dtype.name, "offset": len(body), "length": array.size}
        body += array.astype(array.dtype.newbyteorder("<")).tobytes()
    header = {
        "height": tree.base.shape[0],
        "width": tree.base.shape[1],
        "min_regions": tree.min_regions,
        "parts": "labels" if isinstance(tree, LabelTree) else "regions",
        "arrays": table,
    }
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 4) % _ALIGNMENT)
    return len(text).to_bytes(4, "little") + text + bytes(body)


def leaf_areas(base: LabelMap, n_leaves: int) -> NDArray[np.int64]:
    """Count each leaf's pixels.

    Examples
    --------
    >>> leaf_areas(np.array([[1, 1, 2], [0, 2, 2]], np.int32), 2)
    array([2, 3])
    """
    return np.bincount(base.ravel(), minlength=n_leaves + 1)[1:]


def leaf_means(base: LabelMap, picture: NDArray[np.uint8], n_leaves: int) -> NDArray[np.float32]:
    """Average each leaf's colour, shape (n_leaves, 3)."""
    areas = np.maximum(leaf_areas(base, n_leaves), 1)
    sums = [
        np.bincount(base.ravel(), weights=picture[:, :, band].ravel(), minlength=n_leaves + 1)[1:]
        for band in range(3)
    ]
    return (np.stack(sums, axis=1) / areas[:, np.newaxis]).astype(np.float32)
