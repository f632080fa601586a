"""YOLO segmentation: a line of corners for each piece."""

from __future__ import annotations

import numpy as np

from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.exchange.bridges import bridged


def write_yolo(picture: Annotated) -> bytes:
    r"""Write each piece of each object as a polygon; a hole is joined to the ring around it.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        Lines of a class, from 0 in the order of :attr:`Annotated.classes`, and x y of each corner
        in [0, 1].

    Examples
    --------
    >>> write_yolo(Annotated("a.png", np.array([[0, 1]], np.int32)))
    b'0 0.5 0 1 0 1 1 0.5 1\n'
    """
    unit = np.array([1 / picture.width, 1 / picture.height])
    lines = []
    for each, pieces in picture.outlines.items():
        number = picture.classes.index(picture.class_name(each))
        for piece in pieces:
            corners = (bridged(piece)[:-1, ::-1] * unit).ravel()
            lines.append(" ".join([str(number), *(f"{value:.8g}" for value in corners)]) + "\n")
    return "".join(lines).encode()
