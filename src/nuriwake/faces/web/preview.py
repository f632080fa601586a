"""Small pictures of labels while they form."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from nuriwake.painting import palette

N_COLOURS = 60  # the page's colours: the palette's first, without the black of "no data"


def page_palette() -> NDArray[np.uint8]:
    """Return the page's colours, uint8 of shape (N_COLOURS, 3)."""
    return palette(N_COLOURS + 1)[1:]


def paint_preview(labels: NDArray[np.integer], side: int) -> bytes:
    """Paint a label map in the page's colours, no larger than ``side``, as a PNG.

    Parameters
    ----------
    labels : ndarray of int, shape (height, width)
    side : int
        The picture's longer side at most; larger maps are thinned out.

    Returns
    -------
    bytes
    """
    from PIL import Image

    step = -(-max(labels.shape) // side)
    indices = (labels[::step, ::step] % N_COLOURS).astype(np.uint8)
    picture = Image.fromarray(indices, mode="L")
    picture.putpalette(page_palette().tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
