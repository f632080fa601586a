"""One network for several images of the recipe fast: pieces of views in a patchwork."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nuriwake.recipes.views import View, cut_piece, lay_out, learn_views, view_of
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings

SIDES = st.integers(1, 6)


def _numbered(shapes):
    """Pieces whose cells hold their number, from 1."""
    return [
        View(np.full((*shape, 2), k, np.float32), np.ones(shape, bool))
        for k, shape in enumerate(shapes, start=1)
    ]


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=9), st.integers(1, 3))
def test_pieces_keep_their_cells_and_their_distance(shapes, gap):
    patchwork = lay_out(_numbered(shapes), gap)
    counts = np.bincount(patchwork.cells[:, :, 0].astype(int).ravel(), minlength=len(shapes) + 1)
    assert counts[1:].tolist() == [height * width for height, width in shapes]
    np.testing.assert_array_equal(patchwork.valid, patchwork.cells[:, :, 0] > 0)
    rows, cols = np.nonzero(patchwork.valid)
    number = patchwork.cells[rows, cols, 0]
    apart = number[:, None] != number
    far = np.maximum(np.abs(rows[:, None] - rows), np.abs(cols[:, None] - cols))
    assert (far[apart] > gap).all()


@given(SIDES, SIDES, st.integers(1, 40), st.integers(0, 5))
def test_pieces_are_cut_out_where_there_is_data(height, width, n_cells, seed):
    rng = np.random.default_rng(seed)
    valid = np.zeros((height, width), bool)
    valid[rng.integers(height), rng.integers(width)] = True
    view = View(np.arange(height * width, dtype=np.float32).reshape(height, width, 1), valid)
    piece = cut_piece(view, n_cells, rng)
    assert piece.valid.any()
    assert piece.valid.size <= max(height * width if n_cells >= height * width else 0, 2 * n_cells)
    row, col = divmod(int(piece.cells[0, 0, 0]), width)
    part = np.s_[row : row + len(piece.valid), col : col + piece.valid.shape[1]]
    np.testing.assert_array_equal(piece.cells, view.cells[part])


def test_one_view_is_learned_like_an_image(blocks):
    """A patchwork of one piece is the view itself, and so is the network."""
    from nuriwake.recipes.fast import fast_steps

    settings = Settings(n_channels=8, max_labels=6, max_iter=3, threads=1)
    unit, valid = blocks / np.float32(255), np.ones(blocks.shape[:2], bool)
    alone = finish_steps(fast_steps(unit, valid, settings)).weights
    weights = finish_steps(learn_views([view_of(unit, valid, settings)], settings))
    for name, array in weights.arrays.items():
        np.testing.assert_array_equal(array, alone.arrays[name])
