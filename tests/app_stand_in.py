"""A stand-in for the segmenter: squares of the picture as leaves, merged by their mean colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.faces.web.work import Grown
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.segmentation import Partition, Reading
from nuriwake.settings import Settings


def colour_tree(picture: NDArray[np.uint8], square: int) -> Grown:
    """Cut a picture into squares and merge them in the order of their brightness."""
    height, width = picture.shape[:2]
    rows, cols = np.arange(height) // square, np.arange(width) // square
    n_cols = int(cols[-1]) + 1
    base = (rows[:, np.newaxis] * n_cols + cols + 1).astype(np.int32)
    n_leaves = int(base.max())
    sums = np.bincount(base.ravel(), picture.mean(axis=2).ravel(), n_leaves + 1)[1:]
    order = np.argsort(sums / np.bincount(base.ravel())[1:], kind="stable").astype(np.int32)
    merges, top = [], int(order[0])
    for step, leaf in enumerate(order[1:]):
        merges.append((top, int(leaf)))
        top = n_leaves + step
    pairs = np.array(merges, np.int32).reshape(-1, 2)
    altitudes = np.linspace(0.01, 1.0, len(merges))
    flat = np.ones((height, width), np.int32)
    return Grown(
        Partition(
            RegionTree(base, pairs, altitudes),
            LabelTree(flat, np.zeros((0, 2), np.int32), np.zeros(0)),
            flat,
            np.ones((height, width), np.float32),
            picture,
            Settings(),
            Reading(),
            None,
        )
    )
