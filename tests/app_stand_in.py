"""A quick stand-in for the segmenter behind the page: square leaves, joined by colour."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from nuriwake.faces.web.picture import as_picture
from nuriwake.faces.web.transfer import leaf_means
from nuriwake.faces.web.work import Progress, Report, Task
from nuriwake.regions.tree import LabelTree, MergeTree, RegionTree


def square_leaves(height: int, width: int, side: int) -> NDArray[np.int32]:
    """Number squares of ``side`` pixels from 1, row by row."""
    n_across = -(-width // side)
    rows, cols = np.arange(height) // side, np.arange(width) // side
    return (rows[:, np.newaxis] * n_across + cols + 1).astype(np.int32)


def colour_tree(picture: NDArray[np.uint8], side: int) -> RegionTree:
    """Join square leaves by mean colour and place."""
    base = square_leaves(*picture.shape[:2], side)
    n_leaves = int(base.max())
    means = leaf_means(base, picture, n_leaves)
    if n_leaves == 1:
        return RegionTree(base, np.zeros((0, 2), np.int32), np.zeros(0))
    place = np.stack(np.divmod(np.arange(n_leaves), -(-base.shape[1] // side)), axis=1)
    table = linkage(np.concatenate((means, 2.0 * place), axis=1), method="ward")
    # The automatic cut: 12 regions, where there are so many.
    altitude = table[-min(12, len(table)), 2]
    return RegionTree(base, table[:, :2].astype(np.int32), table[:, 2], altitude)


def run(task: Task, report: Report, seconds: float = 0.005) -> MergeTree:
    """Report ``max_iter`` steps of some milliseconds each, then grow the tree.

    Of labels for ``tip2020``, else of regions.
    """
    picture = as_picture(task.raster)
    grey = picture.mean(axis=2)
    for iteration in range(1, task.settings.max_iter + 1):
        time.sleep(seconds)
        n_labels = 2 + 200 // (10 + iteration)
        labels = (grey * n_labels / 256).astype(np.int64)
        report(Progress(iteration, task.settings.max_iter, n_labels, 4 / iteration, lambda: labels))  # noqa: B023
    # A picture that every test may use to see a fault of the worker.
    if task.name == "fault.png":
        raise ZeroDivisionError("a fault in /secret/place")
    tree = colour_tree(picture, max(8, max(picture.shape) // 24))
    if task.settings.recipe != "tip2020":
        return tree
    return LabelTree(tree.base, tree.merges, tree.altitudes, tree.automatic_altitude)
