"""A quick stand-in for the segmenter behind the page: square leaves, joined by colour."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage

from nuriwake.faces.web.picture import as_picture
from nuriwake.faces.web.transfer import leaf_means
from nuriwake.faces.web.work import Outcome, Progress, Report, Task


@dataclass(frozen=True, eq=False)
class StandInTree:
    """The part of a RegionTree that the page uses."""

    base: NDArray[np.int32]
    merges: NDArray[np.int32]
    altitudes: NDArray[np.float64]

    @property
    def n_leaves(self) -> int:
        return len(self.merges) + 1


def square_leaves(height: int, width: int, side: int) -> NDArray[np.int32]:
    """Number squares of ``side`` pixels from 1, row by row."""
    n_across = -(-width // side)
    rows, cols = np.arange(height) // side, np.arange(width) // side
    return (rows[:, np.newaxis] * n_across + cols + 1).astype(np.int32)


def colour_tree(picture: NDArray[np.uint8], side: int) -> StandInTree:
    """Join square leaves by mean colour and place."""
    base = square_leaves(*picture.shape[:2], side)
    n_leaves = int(base.max())
    means = leaf_means(base, picture, n_leaves)
    if n_leaves == 1:
        return StandInTree(base, np.zeros((0, 2), np.int32), np.zeros(0))
    place = np.stack(np.divmod(np.arange(n_leaves), -(-base.shape[1] // side)), axis=1)
    table = linkage(np.concatenate((means, 2.0 * place), axis=1), method="ward")
    return StandInTree(base, table[:, :2].astype(np.int32), table[:, 2])


def run(task: Task, report: Report, seconds: float = 0.005) -> Outcome:
    """Report ``max_iter`` steps of some milliseconds each, then grow the tree."""
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
    return Outcome(tree, min(12, tree.n_leaves))  # type: ignore[arg-type]
