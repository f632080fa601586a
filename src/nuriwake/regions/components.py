"""Connected components of a label map, and components too small to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap


def connected_components(labels: NDArray[np.integer]) -> LabelMap:
    """Tell the connected parts of each label apart.

    Two pixels belong together if they share a side and a label.

    Parameters
    ----------
    labels : ndarray of int, shape (height, width)
        0 = no data.

    Returns
    -------
    ndarray of int32, shape (height, width)
        Regions 1, 2, ... in the order of their first pixel, row by row; 0 = no data.

    Examples
    --------
    >>> connected_components(np.array([[5, 5, 0], [2, 5, 5], [2, 2, 2], [5, 0, 2]]))
    array([[1, 1, 0],
           [2, 1, 1],
           [2, 2, 2],
           [3, 0, 2]], dtype=int32)
    """
    from skimage.measure import label

    regions: LabelMap = label(labels, background=0, connectivity=1).astype(np.int32)
    return number_by_appearance(regions)


def number_by_appearance(labels: NDArray[np.integer]) -> LabelMap:
    """Renumber labels to 1, 2, ... in the order of their first pixel; 0 stays.

    Examples
    --------
    >>> number_by_appearance(np.array([[7, 0, 7], [3, 3, 9]]))
    array([[1, 0, 1],
           [2, 2, 3]], dtype=int32)
    """
    used, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    first = np.where(used == 0, -1, first)
    rank = np.empty(used.size, np.int32)
    rank[np.argsort(first)] = np.arange(used.size) + (0 if (used == 0).any() else 1)
    return rank[inverse].reshape(labels.shape)


def absorb_small_regions(
    regions: LabelMap, image: NDArray[np.floating], min_pixels: int
) -> LabelMap:
    """Merge regions of few pixels into the neighbour of the closest mean colour.

    Smallest first; a region without neighbours stays, however small it is.

    Parameters
    ----------
    regions : ndarray of int32, shape (height, width)
        Connected regions 1, 2, ...; 0 = no data.
    image : ndarray of float, shape (height, width, bands)
        What "closest" is measured in.
    min_pixels : int
        Regions of fewer pixels are absorbed; 1 keeps them all.

    Returns
    -------
    ndarray of int32, shape (height, width)

    Raises
    ------
    UsageError
        If ``min_pixels`` is less than 1.

    Examples
    --------
    >>> regions = np.array([[1, 1, 2, 3, 3]], np.int32)
    >>> image = np.array([[0.0, 0.0, 0.7, 1.0, 1.0]])[..., np.newaxis]
    >>> absorb_small_regions(regions, image, min_pixels=2)
    array([[1, 1, 2, 2, 2]], dtype=int32)
    """
    from nuriwake.regions.graph import region_graph

    if min_pixels < 1:
        raise UsageError(out_of_range("min_pixels", "an int of at least 1", min_pixels))
    graph = region_graph(regions)
    parent = _absorb(graph.pairs, graph.areas, graph.region_mean(image), min_pixels)
    merged = np.append(np.zeros(1, np.int64), parent + 1)[regions]
    return number_by_appearance(merged)


def _absorb(
    pairs: NDArray[np.int32],
    areas: NDArray[np.float64],
    means: NDArray[np.float64],
    min_pixels: int,
) -> NDArray[np.int64]:
    """Return, for each region, the region that it has become part of."""
    import heapq

    neighbours: list[set[int]] = [set() for _ in range(areas.size)]
    for one, other in pairs.tolist():
        neighbours[one].add(other)
        neighbours[other].add(one)
    parent = np.arange(areas.size)
    size, mean = areas.copy(), means.copy()
    heap = [(float(area), i) for i, area in enumerate(areas) if area < min_pixels]
    heapq.heapify(heap)
    while heap:
        area, small = heapq.heappop(heap)
        if parent[small] != small or area != size[small] or not neighbours[small]:
            continue
        around = sorted(neighbours[small])
        distance = ((mean[around] - mean[small]) ** 2).sum(axis=1)
        into = around[int(distance.argmin())]
        total = size[small] + size[into]
        mean[into] = (size[small] * mean[small] + size[into] * mean[into]) / total
        size[into], parent[small] = total, into
        for other in around:
            neighbours[other].discard(small)
            if other != into:
                neighbours[other].add(into)
                neighbours[into].add(other)
        if total < min_pixels:
            heapq.heappush(heap, (float(total), into))
    while (parent[parent] != parent).any():
        parent = parent[parent]
    return parent
