"""Connected components of one tile, and what its neighbours must know of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap
from nuriwake.scale.tiles import Seam, Shape, Tile

Ids = NDArray[np.int32]
Longs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TileComponents:
    """The 4-connected components of equal label in one core.

    Component i of the tile (numbered from 1 in raster order of its first pixel) is row i - 1 of the
    arrays.

    Parameters
    ----------
    first : ndarray of int64, shape (n,)
        Index of the first pixel in the whole raster, row by row; increasing.
    sizes : ndarray of int64, shape (n,)
        Pixels.
    labels : ndarray of int32, shape (n,)
        The label that the component's pixels share.
    top, bottom, left, right : ndarray of int32
        Component of each pixel on the four faces, 0 where there is no data.
    edges : ndarray of int32, shape (m, 2)
        Components that share a border inside the core and of which one is small; empty unless
        small ones are going to be sieved.
    lengths : ndarray of int64, shape (m,)
        Length of these borders in pixel edges.
    """

    first: Longs
    sizes: Longs
    labels: Ids
    top: Ids
    bottom: Ids
    left: Ids
    right: Ids
    edges: Ids
    lengths: Longs

    def __len__(self) -> int:
        return len(self.first)

    def face_before(self, seam: Seam) -> Ids:
        """Return the components along a seam of which this tile is the first."""
        return self.bottom if seam.is_horizontal else self.right

    def face_after(self, seam: Seam) -> Ids:
        """Return the components along a seam of which this tile is the second."""
        return self.top if seam.is_horizontal else self.left


def label_components(labels: LabelMap) -> Ids:
    """Give each 4-connected component of equal label a number.

    Parameters
    ----------
    labels : ndarray of int, shape (height, width)
        0 = no data.

    Returns
    -------
    ndarray of int32, shape (height, width)
        1..n in raster order of the components' first pixels; 0 = no data.

    Examples
    --------
    >>> label_components(np.array([[7, 2, 7], [7, 7, 0]]))
    array([[1, 2, 3],
           [1, 1, 0]], dtype=int32)
    """
    from skimage.measure import label

    ids: Ids = label(labels, background=0, connectivity=1).astype(np.int32)
    return ids


def describe_components(
    labels: LabelMap, tile: Tile, shape: Shape, min_pixels: int = 1
) -> TileComponents:
    """Find the components of a core and note what the merging over seams needs.

    Parameters
    ----------
    labels : ndarray of int, shape of ``tile.core``
    tile : Tile
    shape : tuple of int
        Height and width of the whole raster.
    min_pixels : int
        Borders are noted of components with fewer pixels; 1 notes none.

    Returns
    -------
    TileComponents
    """
    ids = label_components(labels)
    flat = ids.ravel()
    sizes = np.bincount(flat, minlength=1)[1:].astype(np.int64)
    # Ids are in raster order, so each first pixel is where the running maximum rises.
    seen = np.maximum.accumulate(flat)
    local = np.flatnonzero(np.diff(seen, prepend=0))
    row, col = np.divmod(local, tile.core.width)
    edges, lengths = _borders(ids, np.concatenate([[0], sizes]), min_pixels)
    return TileComponents(
        first=(row + tile.core.row) * np.int64(shape[1]) + col + tile.core.col,
        sizes=sizes,
        labels=labels.ravel()[local].astype(np.int32),
        top=ids[0].copy(),
        bottom=ids[-1].copy(),
        left=ids[:, 0].copy(),
        right=ids[:, -1].copy(),
        edges=edges,
        lengths=lengths,
    )


def _borders(ids: Ids, sizes: Longs, min_pixels: int) -> tuple[Ids, Longs]:
    """Pairs of neighbouring components of which one is small, and their borders' lengths."""
    if min_pixels <= 1:
        return np.zeros((0, 2), np.int32), np.zeros(0, np.int64)
    pairs = [
        count_pairs(one.ravel(), other.ravel(), keep=(sizes < min_pixels))
        for one, other in ((ids[:-1], ids[1:]), (ids[:, :-1], ids[:, 1:]))
    ]
    edges = np.concatenate([pair for pair, _ in pairs])
    lengths = np.concatenate([length for _, length in pairs])
    edges, lengths = sum_pairs(edges, lengths)
    return edges.astype(np.int32), lengths


def count_pairs(
    one: NDArray[np.integer], other: NDArray[np.integer], keep: NDArray[np.bool_]
) -> tuple[Longs, Longs]:
    """Count how often two different ids face each other, where ``keep`` marks one of them.

    Parameters
    ----------
    one, other : ndarray of int, shape (n,)
        Ids on the two sides; 0 = no data.
    keep : ndarray of bool
        For each id, whether its borders matter.

    Returns
    -------
    pairs : ndarray of int64, shape (m, 2)
        The smaller id first, sorted.
    counts : ndarray of int64, shape (m,)
    """
    differ = (one != other) & (one > 0) & (other > 0) & (keep[one] | keep[other])
    pairs = np.stack([one[differ], other[differ]], axis=1).astype(np.int64)
    return sum_pairs(pairs, np.ones(len(pairs), np.int64))


def sum_pairs(pairs: NDArray[np.integer], weights: Longs) -> tuple[Longs, Longs]:
    """Sort unordered pairs and add the weights of equal ones.

    Examples
    --------
    >>> sum_pairs(np.array([[2, 1], [1, 2], [1, 3]]), np.array([5, 1, 1]))
    (array([[1, 2],
           [1, 3]]), array([6, 1]))
    """
    from scipy.sparse import coo_array

    if not len(pairs):
        return np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    n_ids = int(pairs.max()) + 1
    if n_ids > 2 * pairs.size:
        # Few of very many ids: the table has a row for each.
        ids, compact = np.unique(pairs, return_inverse=True)
        few, sums = sum_pairs(compact.reshape(pairs.shape), weights)
        return ids[few].astype(np.int64), sums
    ends = pairs.min(axis=1).astype(np.int64), pairs.max(axis=1).astype(np.int64)
    # Rows of this form are sorted and hold each pair once.
    table = coo_array((weights, ends), shape=(n_ids, n_ids)).tocsr().tocoo()
    return np.stack(table.coords, axis=1).astype(np.int64), table.data
