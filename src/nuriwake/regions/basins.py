"""The over-segmentation that a tree is built on: catchment basins of an edge map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.raster import BoolMap, LabelMap

#: The neighbours that come before a pixel in the order of the array, and those that come after.
_AROUND = ((-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, 1), (0, 1, 0), (1, 0, 0))


def catchment_basins(
    edges: NDArray[np.float32], valid: BoolMap, steps: Sequence[float] = ()
) -> LabelMap:
    """Split an image where rain that falls on its edge map runs to different lows.

    Every pixel flows the steepest way down, to one of the four neighbours (in a volume six) that
    share a side with it, so that basins are connected, their borders run along the crests, and one
    pass over the pixels finds them.

    Parameters
    ----------
    edges : ndarray of float32, shape (height, width) or (depth, height, width)
        High where there is an edge. How smooth it is decides how many basins there are.
    valid : ndarray of bool, same shape
    steps : sequence of float, optional
        How far neighbours along each axis are apart. Default: all alike.

    Returns
    -------
    ndarray of int32, same shape
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
    # A picture is a volume of one slice.
    volume = (1,) * (3 - edges.ndim) + edges.shape
    nearness = np.ones(3)
    nearness[3 - len(steps) :] = [1.0 / step for step in steps]
    heights = np.ascontiguousarray(edges, np.float32).reshape(volume)
    counts = valid.reshape(volume)
    dtype = np.int32 if edges.size < 2**31 else np.int64
    parent: NDArray[np.integer] = np.arange(edges.size, dtype=dtype)
    _descend(heights, counts, nearness, parent)
    basins = np.zeros(edges.shape, np.int32)
    _number(parent, counts.ravel(), basins.ravel())
    return basins


@compiled
def _root(parent: NDArray[np.integer], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled
def _descend(
    edges: NDArray[np.float32],
    valid: BoolMap,
    nearness: NDArray[np.float64],
    parent: NDArray[np.integer],
) -> None:
    """Union each pixel with its lowest neighbour, or, at a low, with neighbours of equal height."""
    depth, height, width = edges.shape
    for z in range(depth):
        for r in range(height):
            for c in range(width):
                if not valid[z, r, c]:
                    continue
                here, level = (z * height + r) * width + c, np.float64(edges[z, r, c])
                lowest, steepest = -1, 0.0
                for dz, dr, dc in _AROUND:
                    zz, rr, cc = z + dz, r + dr, c + dc
                    inside = 0 <= zz < depth and 0 <= rr < height and 0 <= cc < width
                    if inside and valid[zz, rr, cc]:
                        axis = 0 if dz else (1 if dr else 2)
                        slope = (level - edges[zz, rr, cc]) * nearness[axis]
                        if slope > steepest:
                            lowest, steepest = (zz * height + rr) * width + cc, slope
                if lowest >= 0:
                    parent[_root(parent, here)] = _root(parent, lowest)
                    continue
                for dz, dr, dc in _AROUND[3:]:
                    zz, rr, cc = z + dz, r + dr, c + dc
                    inside = zz < depth and rr < height and cc < width
                    if inside and valid[zz, rr, cc] and edges[zz, rr, cc] == level:
                        other = (zz * height + rr) * width + cc
                        parent[_root(parent, here)] = _root(parent, other)


@compiled
def _number(parent: NDArray[np.integer], valid: BoolMap, basins: LabelMap) -> None:
    """Give numbers to the trees of a union-find in the order of their first pixel."""
    n = 0
    for i in range(parent.size):
        if valid[i]:
            root = _root(parent, i)
            if basins[root] == 0:
                n += 1
                basins[root] = n
            basins[i] = basins[root]
