"""Compile what the first picture would wait for: when an image is built, while a page loads."""

from __future__ import annotations

import numpy as np


def warm_up() -> None:
    """Load libraries and compile the loops by segmenting a tiny picture.

    What is compiled is kept on disk, so that later processes only load it.
    """
    from nuriwake.segmenter import segment

    squares = np.zeros((64, 64, 3), np.uint8)
    squares[16:48, 16:48] = np.arange(32, dtype=np.uint8)[:, np.newaxis]
    segment(squares, recipe="fast", max_iter=2)
