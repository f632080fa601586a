"""Small pictures of labels while they form."""

from __future__ import annotations

import colorsys
import io

import numpy as np
from numpy.typing import NDArray

# Okabe and Ito's colours first: told apart with every kind of colour vision. The others repeat
# their hues lighter and darker, as lightness is seen by everyone.
_BASE = ("e69f00", "56b4e9", "009e73", "f0e442", "0072b2", "d55e00", "cc79a7", "8c8c8c")
_LIGHTNESS = (0.0, 0.32, -0.3)


def palette() -> NDArray[np.uint8]:
    """Return the page's colours, shape (n, 3): neighbours in the list are easy to tell apart."""
    rows = []
    for shift in _LIGHTNESS:
        for text in _BASE:
            red, green, blue = bytes.fromhex(text)
            hue, light, saturation = colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)
            light += shift * ((1 - light) if shift > 0 else light)
            rows.append(colorsys.hls_to_rgb(hue, light, saturation))
    return np.round(np.array(rows) * 255).astype(np.uint8)


def paint_preview(labels: NDArray[np.integer], side: int) -> bytes:
    """Paint a label map in the palette's colours, no larger than ``side``, as a PNG.

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
    colours = palette()
    picture = Image.fromarray((labels[::step, ::step] % len(colours)).astype(np.uint8), mode="P")
    picture.putpalette(colours.tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
