"""Labels to colours: a fixed palette that colour-blind people can read, outlines, the overlay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.raster import BoolMap, LabelMap

Picture = NDArray[np.uint8]

#: Okabe and Ito's seven colours, and Tol's muted ones where they add something, as RGB.
BASE_COLOURS = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167), (51, 34, 136), (136, 204, 238), (153, 153, 51), (136, 34, 85), (68, 170, 153),
)  # fmt: skip
#: Every further round through the colours is mixed with white or black by such a share.
_ROUND_SHADES = (0.0, 0.45, -0.45, 0.7, -0.65, 0.25, -0.25)
#: After so many labels the colours come again.
N_COLOURS = len(BASE_COLOURS) * len(_ROUND_SHADES)


def palette(n_colours: int) -> Picture:
    """Return the colours of labels 0 to n_colours - 1; label 0, no data, is black.

    The colour of a label never depends on how many there are, so that it means the same in every
    picture.

    Parameters
    ----------
    n_colours : int

    Returns
    -------
    ndarray of uint8, shape (n_colours, 3)

    References
    ----------
    Okabe and Ito, "Color universal design", 2008. Tol, "Colour schemes", SRON/EPS/TN/09-002, 2021.

    Examples
    --------
    >>> palette(2).tolist()
    [[0, 0, 0], [230, 159, 0]]
    """
    index = np.arange(max(n_colours - 1, 0))
    base = np.array(BASE_COLOURS, np.float64)[index % len(BASE_COLOURS)]
    shade = np.array(_ROUND_SHADES)[(index // len(BASE_COLOURS)) % len(_ROUND_SHADES), np.newaxis]
    towards = np.where(shade > 0, 255.0, 0.0)
    mixed = base + (towards - base) * np.abs(shade)
    return np.vstack([np.zeros((1, 3)), mixed])[:n_colours].round().astype(np.uint8)


def paint(labels: LabelMap) -> Picture:
    """Paint each label in its own colour.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Examples
    --------
    >>> paint(np.array([[0, 1]], np.int32)).tolist()
    [[[0, 0, 0], [230, 159, 0]]]
    """
    return palette(int(labels.max(initial=0)) + 1)[labels]


def outlines(labels: LabelMap) -> BoolMap:
    """Mark the pixels whose right or lower neighbour has another label.

    Examples
    --------
    >>> outlines(np.array([[1, 1, 2]], np.int32))
    array([[False,  True, False]])
    """
    edges = np.zeros(labels.shape, bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def as_picture(image: NDArray[np.float32]) -> Picture:
    """Show a normalised image of any number of bands: its first three, or its only one, as RGB.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Examples
    --------
    >>> as_picture(np.ones((1, 1, 7), np.float32)).tolist()
    [[[255, 255, 255]]]
    """
    shown = image[:, :, :3] if image.shape[2] >= 3 else image[:, :, [0, 0, 0]]
    return (shown * 255.0 + 0.5).astype(np.uint8)


def overlay(picture: Picture, labels: LabelMap, opacity: float = 0.5) -> Picture:
    """Lay the labels' colours over a picture, with white outlines.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
    labels : ndarray of int32, shape (height, width)
    opacity : float
        Of the colours, in [0, 1].

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    UsageError
        If the opacity is out of its range.
    InputError
        If the labels are of another size, or no labels.

    Examples
    --------
    >>> overlay(np.zeros((1, 2, 3), np.uint8), np.array([[1, 1]], np.int32), 0.5)[0, 0].tolist()
    [115, 80, 0]
    """
    if not 0.0 <= opacity <= 1.0:
        raise UsageError(out_of_range("opacity", "a number in [0, 1]", opacity))
    if labels.shape != picture.shape[:2] or labels.dtype.kind not in "iu" or labels.min() < 0:
        got = f"{labels.dtype} of shape {labels.shape}"
        expected = f"integers of 0 or more of shape {picture.shape[:2]}"
        raise InputError(f"`labels` must be {expected}; got {got}.")
    mixed = (1.0 - opacity) * picture + opacity * paint(labels)
    mixed[labels == 0] = 0.0
    mixed[outlines(labels)] = 255.0
    return (mixed + 0.5).astype(np.uint8)
