"""What speaks for a border between two regions: colour and learned textons, inside and along it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import BoolMap

#: Variance of the kernel [1, 2, 1] / 4, which the Sobel operator smooths with.
_SOBEL_VARIANCE = 0.5


def edge_strength(values: NDArray[np.float32], valid: BoolMap, sigma: float) -> NDArray[np.float32]:
    """Gradient magnitude of a smoothed map of any number of channels.

    Parameters
    ----------
    values : ndarray of float32, shape (height, width, channels)
    valid : ndarray of bool, shape (height, width)
        Invalid pixels do not smear into their neighbours.
    sigma : float
        Standard deviation of the whole smoothing, in pixels; less than about 0.7 cannot be had.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Units of the values per pixel.

    References
    ----------
    Di Zenzo, "A note on the gradient of a multi-image", CVGIP 1986 (here: the trace of his tensor).

    Examples
    --------
    >>> ramp = np.tile(np.arange(9, dtype=np.float32), (9, 1))[..., np.newaxis]
    >>> float(edge_strength(ramp, np.ones((9, 9), bool), sigma=0.5)[4, 4].round(4))
    1.0
    """
    from scipy.ndimage import gaussian_filter, sobel

    # The difference kernel itself smooths: at small sizes it would do more than was asked for.
    sigma = float(np.sqrt(max(sigma**2 - _SOBEL_VARIANCE, 0.04)))
    is_whole = bool(valid.all())
    share = None if is_whole else gaussian_filter(valid.astype(np.float32), sigma)
    squares = np.zeros(valid.shape, np.float32)
    for k in range(values.shape[2]):
        channel = values[:, :, k] if is_whole else np.where(valid, values[:, :, k], 0.0)
        smooth = gaussian_filter(channel, sigma)
        if share is not None:
            smooth = smooth / np.maximum(share, np.float32(1e-3))
        for axis in (0, 1):
            squares += (sobel(smooth, axis) / 8) ** 2
    return np.sqrt(squares)


def texton_edges(textons: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """How fast the mixture of learned labels changes: the gradient of their Hellinger embedding.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q)
        Probability of each label in each cell.
    sigma : float
        Smoothing in cells.

    Returns
    -------
    ndarray of float32, shape (h, w)

    References
    ----------
    Arbeláez et al., "Contour detection and hierarchical image segmentation", TPAMI 2011,
    section 3.1 (texture gradients of textons, there from a fixed filter bank).

    Examples
    --------
    >>> textons = np.zeros((1, 6, 2), np.float32)
    >>> textons[:, :3, 0] = textons[:, 3:, 1] = 1
    >>> texton_edges(textons, sigma=0.0).round(2)
    array([[0.  , 0.  , 0.71, 0.71, 0.  , 0.  ]], dtype=float32)
    """
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(textons, (sigma, sigma, 0)) if sigma else textons
    padded = np.pad(np.sqrt(smooth), ((1, 1), (1, 1), (0, 0)), mode="edge")
    down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    squares = (down[:, 2:] - down[:, :-2]) ** 2 + (across[2:] - across[:-2]) ** 2
    strength: NDArray[np.float32] = np.sqrt(squares.sum(axis=2)) / np.float32(8)
    return strength
