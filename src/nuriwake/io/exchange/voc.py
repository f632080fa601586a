"""Pascal VOC: a PNG of classes whose palette shows them."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.io.exchange.annotated import Annotated, as_labels

#: The value of pixels that count for nothing.
VOID = 255


def write_voc(picture: Annotated) -> bytes:
    """Write the class of every pixel: 1, 2, ... in the order of their names, 255 for no object.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        PNG with VOC's palette.

    Raises
    ------
    UsageError
        If there are more classes than a PNG of 8 bits holds.
    """
    from PIL import Image

    if len(picture.classes) >= VOID:
        hint = "Ask for fewer with --labels."
        raise UsageError(
            out_of_range("--save voc", "at most 254 classes", len(picture.classes), hint)
        )
    labels = as_labels(picture)
    classes = Image.fromarray(np.where(labels == 0, VOID, labels).astype(np.uint8), "P")
    classes.putpalette(voc_palette().tobytes())
    stream = io.BytesIO()
    classes.save(stream, "PNG")
    return stream.getvalue()


def voc_palette() -> NDArray[np.uint8]:
    """Return the 256 colours of Pascal VOC: the bits of a class, three by three, highest first.

    Examples
    --------
    >>> voc_palette()[[0, 1, 2, 15]].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128]]
    """
    classes = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = classes >> (3 * place + channel) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours
