"""The partition that the page shows: a cut of the tree, then merges and splits by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap

if TYPE_CHECKING:
    from nuriwake.regions.tree import MergeTree

_EDIT = re.compile(r"([ms])(\d{1,9})")
_MAX_EDITS = 1000


@dataclass(frozen=True)
class Edit:
    """One step by hand: make ``node`` one region (merge), or take its two children (split)."""

    merge: bool
    node: int


def parse_edits(text: str) -> tuple[Edit, ...]:
    """Read edits as the page writes them.

    Raises
    ------
    UsageError
        If the text is of another form.

    Examples
    --------
    >>> parse_edits("m7,s12")
    (Edit(merge=True, node=7), Edit(merge=False, node=12))
    """
    parts = text.split(",") if text else []
    found = [_EDIT.fullmatch(part) for part in parts[:_MAX_EDITS]]
    if len(parts) > _MAX_EDITS or None in found:
        raise UsageError(
            out_of_range("edits", f"at most {_MAX_EDITS} steps such as m7,s12", text[:40])
        )
    return tuple(Edit(match[1] == "m", int(match[2])) for match in found if match)


def nodes_of_leaves(
    tree: MergeTree, n_regions: int, edits: tuple[Edit, ...] = ()
) -> NDArray[np.int32]:
    """Say which node of the tree, as a region, each leaf belongs to.

    Parameters
    ----------
    tree : MergeTree
    n_regions : int
        Of the cut, before the edits.
    edits : tuple of Edit

    Returns
    -------
    ndarray of int32, shape (n_leaves,)

    Raises
    ------
    UsageError
        If the number is out of range or an edit does not fit the partition it meets.
    """
    n_leaves = tree.n_leaves
    if not tree.min_regions <= n_regions <= n_leaves:
        expected = f"an int in [{tree.min_regions}, {n_leaves}]"
        raise UsageError(out_of_range("n_regions", expected, n_regions))
    parent = parents(tree)
    nodes = _ancestors_below(parent, n_leaves, 2 * n_leaves - n_regions)
    for edit in edits:
        nodes = _apply(edit, nodes, parent, tree)
    return nodes


def number_nodes(nodes: NDArray[np.int32]) -> LabelMap:
    """Give regions the numbers 1..k by their smallest leaf.

    Examples
    --------
    >>> number_nodes(np.array([9, 4, 9], np.int32))
    array([1, 2, 1], dtype=int32)
    """
    _, first, inverse = np.unique(nodes, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(1, len(first) + 1)
    return number[inverse]


def parents(tree: MergeTree) -> NDArray[np.int32]:
    """Return the parent of each node, leaves first; the root is its own."""
    n_leaves = tree.n_leaves
    parent = np.arange(2 * n_leaves - 1, dtype=np.int32)
    parent[tree.merges.ravel()] = np.repeat(np.arange(n_leaves, 2 * n_leaves - 1), 2)
    return parent


def _ancestors_below(parent: NDArray[np.int32], n_leaves: int, limit: int) -> NDArray[np.int32]:
    """Return each leaf's highest ancestor among the nodes below ``limit``."""
    top = parent[:limit].copy()
    top[top >= limit] = np.flatnonzero(top >= limit)
    # A parent's index is larger than its children's: jumping upwards ends after log2(depth) rounds.
    while (top[top] != top).any():
        top = top[top]
    return top[:n_leaves]


def _apply(
    edit: Edit, nodes: NDArray[np.int32], parent: NDArray[np.int32], tree: MergeTree
) -> NDArray[np.int32]:
    n_leaves = tree.n_leaves
    n_allowed = 2 * n_leaves - tree.min_regions
    if not n_leaves <= edit.node < n_allowed:
        expected = f"a merged node in [{n_leaves}, {n_allowed - 1}]"
        raise UsageError(out_of_range("edits", expected, edit.node))
    if edit.merge:
        below = _leaves_below(edit.node, parent, n_leaves)
        # Only what is inside the node may be joined to it.
        if (nodes[below] > edit.node).any():
            raise UsageError(out_of_range("edits", "a merge above the regions", edit.node))
        return np.where(below, np.int32(edit.node), nodes)
    if not (nodes == edit.node).any():
        raise UsageError(out_of_range("edits", "a split of a present region", edit.node))
    left, right = tree.merges[edit.node - n_leaves]
    in_left = _leaves_below(int(left), parent, n_leaves)
    halves = np.where(in_left, np.int32(left), np.int32(right))
    return np.where(nodes == edit.node, halves, nodes)


def _leaves_below(node: int, parent: NDArray[np.int32], n_leaves: int) -> NDArray[np.bool_]:
    if node < n_leaves:
        top = np.arange(n_leaves, dtype=np.int32)
    else:
        top = _ancestors_below(parent, n_leaves, node + 1)
    below: NDArray[np.bool_] = top == node
    return below


def label_map(tree: MergeTree, regions: LabelMap) -> LabelMap:
    """Give every pixel its leaf's region; 0 = no data."""
    table: LabelMap = np.concatenate((np.zeros(1, np.int32), regions))
    labels: LabelMap = table[tree.base]
    return labels


def node_colours(tree: MergeTree, n_colours: int) -> NDArray[np.uint8]:
    """Give every node a colour that stays while the number of regions changes.

    From the root down, the child of more leaves keeps its parent's colour and the other gets the
    next one: so a split changes one region's colour only, the first ``n_colours`` regions all
    differ, and so do always the two sides of a split.

    Returns
    -------
    ndarray of uint8, shape (2 n_leaves - 1,)
        Indices into the palette.
    """
    n_leaves = tree.n_leaves
    merges = tree.merges.tolist()
    size = [1] * n_leaves
    for left, right in merges:
        size.append(size[left] + size[right])
    colour = [0] * (2 * n_leaves - 1)
    following = 0
    for node in range(2 * n_leaves - 2, n_leaves - 1, -1):
        large, small = sorted(merges[node - n_leaves], key=size.__getitem__, reverse=True)
        following = (following + 1) % n_colours
        if following == colour[node]:
            following = (following + 1) % n_colours
        colour[large], colour[small] = colour[node], following
    return np.array(colour, np.uint8)
