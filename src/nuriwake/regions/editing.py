"""Cuts of a tree that people have edited: merges and splits by hand, and colours that stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import LabelMap
from nuriwake.regions.tree import Detail, MergeTree, RegionTree


@dataclass(frozen=True)
class Edit:
    """One step by hand: make ``node`` one region (merge), or take its two children (split)."""

    merge: bool
    node: int


@dataclass(frozen=True)
class EditedCut:
    """A cut of the tree, then steps by hand.

    Parameters
    ----------
    n_regions : int or None
        So many parts; None for the automatic cut, or that of a detail.
    detail : str or None
        ``fine``, ``medium`` or ``coarse``.
    edits : tuple of Edit
    """

    n_regions: int | None = None
    detail: Detail | None = None
    edits: tuple[Edit, ...] = ()


def nodes_of_leaves(tree: MergeTree, cut: EditedCut) -> NDArray[np.int32]:
    """Say which node of the tree, as a region, each leaf belongs to.

    Returns
    -------
    ndarray of int32, shape (n_leaves,)

    Raises
    ------
    UsageError
        If the number is out of range, there is no such detail, or an edit does not fit the
        partition that it meets.
    """
    if isinstance(tree, RegionTree):
        nodes = tree.nodes(cut.n_regions, detail=cut.detail)
    elif cut.detail is not None:
        raise UsageError("`detail` is for regions; this result shows labels.")
    else:
        nodes = tree.nodes(cut.n_regions)
    for edit in cut.edits:
        nodes = _apply(edit, nodes, tree)
    return nodes


def _apply(edit: Edit, nodes: NDArray[np.int32], tree: MergeTree) -> NDArray[np.int32]:
    n_leaves = tree.n_leaves
    n_allowed = 2 * n_leaves - tree.min_regions
    if not n_leaves <= edit.node < n_allowed:
        expected = f"a merged node in [{n_leaves}, {n_allowed - 1}]"
        raise UsageError(out_of_range("edits", expected, edit.node))
    if edit.merge:
        below = _leaves_below(edit.node, tree)
        # Only what is inside the node may be joined to it.
        if (nodes[below] > edit.node).any():
            raise UsageError(out_of_range("edits", "a merge above the regions", edit.node))
        return np.where(below, np.int32(edit.node), nodes)
    if not (nodes == edit.node).any():
        raise UsageError(out_of_range("edits", "a split of a present region", edit.node))
    left, right = tree.merges[edit.node - n_leaves]
    in_left = _leaves_below(int(left), tree)
    halves = np.where(in_left, np.int32(left), np.int32(right))
    return np.where(nodes == edit.node, halves, nodes)


def _leaves_below(node: int, tree: MergeTree) -> NDArray[np.bool_]:
    top = tree.tops(max(node + 1, tree.n_leaves))[: tree.n_leaves]
    below: NDArray[np.bool_] = top == node
    return below


def node_colours(
    tree: MergeTree, n_colours: int, drawn: LabelMap | None = None
) -> NDArray[np.uint8]:
    """Give every node a colour that stays while the number of regions changes.

    From the root down, the child of more leaves keeps its parent's colour and the other gets the
    next one: so a split changes one region's colour only, the first ``n_colours`` regions all
    differ, and so do always the two sides of a split. What was scribbled has its brush's colour,
    and nothing else has.

    Parameters
    ----------
    tree : MergeTree
    n_colours : int
    drawn : ndarray of int32, shape (height, width), optional
        Scribbles: brush k has colour k - 1; 0 = not scribbled.

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
    brush = _brushes(tree, drawn)
    reserved = max(brush) % n_colours
    following = max(reserved - 1, 0)
    colour = [0] * (2 * n_leaves - 1)
    colour[-1] = brush[-1] - 1 if brush[-1] else reserved

    def after(index: int) -> int:
        return index + 1 if index + 1 < n_colours else reserved

    for node in range(2 * n_leaves - 2, n_leaves - 1, -1):
        large, small = sorted(merges[node - n_leaves], key=size.__getitem__, reverse=True)
        inherits = not brush[node]
        for child in (large, small):
            if brush[child]:
                colour[child] = brush[child] - 1
            elif inherits and child == large:
                colour[child] = colour[node]
            else:
                following = after(following)
                if following == colour[node]:
                    following = after(following)
                colour[child] = following
    return np.array(colour, np.uint8)


def _brushes(tree: MergeTree, drawn: LabelMap | None) -> list[int]:
    """For every node the brush that most of its scribbled pixels have; 0 where none has."""
    n_leaves = tree.n_leaves
    if drawn is None or not drawn.any():
        return [0] * (2 * n_leaves - 1)
    n_brushes = int(drawn.max()) + 1
    pairs = tree.base.astype(np.int64).ravel() * n_brushes + drawn.ravel()
    counts = np.zeros((2 * n_leaves - 1, n_brushes), np.int64)
    counts[:n_leaves] = np.bincount(pairs, minlength=(n_leaves + 1) * n_brushes).reshape(
        n_leaves + 1, n_brushes
    )[1:]
    counts[:, 0] = 0
    for step, (left, right) in enumerate(tree.merges.tolist()):
        counts[n_leaves + step] = counts[left] + counts[right]
    brush: list[int] = counts.argmax(axis=1).tolist()  # 0 where all are 0
    return brush
