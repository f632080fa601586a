"""The over-segmentation that a tree is built on: catchment basins of an edge map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.raster import BoolMap, LabelMap


def catchment_basins(edges: NDArray[np.float32], valid: BoolMap) -> LabelMap:
    """Split an image where rain that falls on its edge map runs to different lows.

    Every pixel flows to its lowest neighbour (of the four that share a side), so that basins are
    connected, their borders run along the crests, and one pass over the pixels finds them.

    Parameters
    ----------
    edges : ndarray of float32, shape (height, width)
        High where there is an edge. How smooth it is decides how many basins there are.
    valid : ndarray of bool, shape (height, width)

    Returns
    -------
    ndarray of int32, shape (height, width)
        Basins 1, 2, ... in the order of their first pixel, row by row; 0 where invalid.

    References
    ----------
    Meyer, "Topographic distance and watershed lines", Signal Processing 1994 (steepest descent);
    Arbeláez et al., "Contour detection and hierarchical image segmentation", TPAMI 2011,
    section 4.1 (watershed of an edge map as the finest level of a hierarchy).

    Examples
    --------
    >>> edges = np.array([[0, 1, 5, 1, 0]], np.float32)
    >>> catchment_basins(edges, np.ones((1, 5), bool))
    array([[1, 1, 1, 2, 2]], dtype=int32)
    """
    downhill = _descend(np.ascontiguousarray(edges, np.float32), valid)
    return _number(downhill, valid)


@compiled
def _root(parent: NDArray[np.int64], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled
def _descend(edges: NDArray[np.float32], valid: BoolMap) -> NDArray[np.int64]:
    """Union each pixel with its lowest neighbour, or, at a low, with neighbours of equal height."""
    height, width = edges.shape
    parent = np.arange(height * width)
    for r in range(height):
        for c in range(width):
            if not valid[r, c]:
                continue
            lowest, level = -1, edges[r, c]
            for rr, cc in ((r - 1, c), (r, c - 1), (r, c + 1), (r + 1, c)):
                inside = 0 <= rr < height and 0 <= cc < width
                if inside and valid[rr, cc] and edges[rr, cc] < level:
                    lowest, level = rr * width + cc, edges[rr, cc]
            here = r * width + c
            if lowest >= 0:
                parent[_root(parent, here)] = _root(parent, lowest)
                continue
            for rr, cc in ((r, c + 1), (r + 1, c)):
                inside = rr < height and cc < width
                if inside and valid[rr, cc] and edges[rr, cc] == level:
                    parent[_root(parent, here)] = _root(parent, rr * width + cc)
    return parent


@compiled
def _number(parent: NDArray[np.int64], valid: BoolMap) -> LabelMap:
    """Give numbers to the trees of a union-find in the order of their first pixel."""
    height, width = valid.shape
    ids = np.zeros(parent.size, np.int32)
    basins = np.zeros((height, width), np.int32)
    n = 0
    for i in range(parent.size):
        if valid[i // width, i % width]:
            root = _root(parent, i)
            if ids[root] == 0:
                n += 1
                ids[root] = n
            basins[i // width, i % width] = ids[root]
    return basins
