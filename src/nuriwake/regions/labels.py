"""The label tree: the network's clusters agglomerated by their mean responses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap
from nuriwake.regions.tree import LabelTree


def label_tree(labels: LabelMap, means: NDArray[np.float64]) -> LabelTree:
    """Merge the labels whose mean responses are closest, weighted by their pixels.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        Labels 1..n, each in use; 0 = no data.
    means : ndarray of float64, shape (n, q)
        Mean response of each label.

    Returns
    -------
    LabelTree
        Altitudes are the growth of the sum of squares, as a share of the pixels.

    References
    ----------
    Ward, "Hierarchical grouping to optimize an objective function", JASA 1963.

    Examples
    --------
    >>> labels = np.array([[1, 1, 2, 3]], np.int32)
    >>> label_tree(labels, np.array([[0.0], [5.0], [1.0]])).cut(2)
    array([[1, 1, 2, 1]], dtype=int32)
    """
    counts = np.bincount(labels.ravel(), minlength=len(means) + 1)[1:]
    merges, altitudes = agglomerate(means, counts / counts.sum())
    return LabelTree(labels, merges, altitudes)


def agglomerate(
    means: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Agglomerate a few weighted points by Ward's criterion, the cheapest pair first.

    Parameters
    ----------
    means : ndarray of float64, shape (n, q)
    weights : ndarray of float64, shape (n,)
        They sum to 1.

    Returns
    -------
    merges : ndarray of int32, shape (n - 1, 2)
    altitudes : ndarray of float64, shape (n - 1,)

    Examples
    --------
    >>> agglomerate(np.array([[0.0], [5.0], [1.0]]), np.array([0.5, 0.25, 0.25]))[0]
    array([[0, 2],
           [1, 3]], dtype=int32)
    """
    n = len(means)
    node, means, weights = np.arange(n), means.copy(), weights.copy()
    merges, altitudes = np.empty((n - 1, 2), np.int32), np.empty(n - 1)
    for k in range(n - 1):
        squares = (means**2).sum(axis=1)
        distance = squares[:, np.newaxis] + squares - 2 * means @ means.T
        total = weights[:, np.newaxis] + weights
        cost = weights[:, np.newaxis] * weights / total * np.maximum(distance, 0.0)
        cost[np.tri(node.size, dtype=bool)] = np.inf
        i, j = np.unravel_index(cost.argmin(), cost.shape)
        merges[k], altitudes[k] = sorted((node[i], node[j])), cost[i, j]
        means[i] = (weights[i] * means[i] + weights[j] * means[j]) / total[i, j]
        weights[i], node[i] = total[i, j], n + k
        means, weights, node = np.delete(means, j, 0), np.delete(weights, j), np.delete(node, j)
    return merges, np.maximum.accumulate(altitudes)
