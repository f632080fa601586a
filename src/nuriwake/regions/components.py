"""Connected components of a label map, and numbers in the order of appearance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
