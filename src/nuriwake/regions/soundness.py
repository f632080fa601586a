"""Whether a tree is one: of a file that others wrote, it need not be."""

from __future__ import annotations

import numpy as np

from nuriwake.regions.tree import MergeTree


def check_tree(tree: MergeTree) -> None:
    """Refuse a tree that is none, such as one that comes from a damaged file.

    Parameters
    ----------
    tree : MergeTree

    Raises
    ------
    ValueError
        If a leaf in the map does not exist, a node is merged twice or before it exists, or the
        altitudes are not numbers that never decrease.

    Examples
    --------
    >>> check_tree(MergeTree(np.array([[1, 2]]), np.array([[0, 2]]), np.array([1.0])))
    Traceback (most recent call last):
        ...
    ValueError: merge 0 joins nodes that are not there yet
    """
    base, merges, n = tree.base, tree.merges, tree.n_leaves
    if base.ndim not in (2, 3) or base.size == 0 or merges.ndim != 2 or merges.shape[1] != 2:
        raise ValueError(f"a map of shape {base.shape} and merges of shape {merges.shape}")
    if base.min() < 0 or base.max() > n:
        raise ValueError(f"its map names leaves beyond the {n} of its tree")
    early = (merges < 0) | (merges >= n + np.arange(n - 1)[:, np.newaxis])
    if early.any():
        raise ValueError(
            f"merge {int(early.any(axis=1).argmax())} joins nodes that are not there yet"
        )
    if np.unique(merges).size != merges.size:
        raise ValueError("a node of its tree is merged twice")
    altitudes = tree.altitudes
    if altitudes.shape != (n - 1,) or np.isnan(altitudes).any() or (np.diff(altitudes) < 0).any():
        raise ValueError(f"its {altitudes.size} altitudes are not {n - 1} numbers in order")
    if not 1 <= tree.min_regions <= n or np.isnan(tree.automatic_altitude):
        raise ValueError(f"its least number of regions is not in [1, {n}]")
