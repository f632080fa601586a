"""Superpixels: the fine over-segmentation whose parts vote for their labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import BoolMap, LabelMap


def slic_superpixels(
    image: NDArray[np.float32],
    n_segments: int,
    compactness: float,
    valid: BoolMap | None = None,
) -> LabelMap:
    """SLIC superpixels with dense ids.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
        Or a volume, with depth before height, here and below. Three bands are taken as RGB and
        compared in CIE Lab, any other number as they are.
    n_segments : int
        K, about how many superpixels; an image with no more pixels than that gets one each.
    compactness : float
        Weight of distance in space against distance in colour.
    valid : ndarray of bool, shape (height, width), optional
        Invalid pixels belong to no superpixel.

    Returns
    -------
    ndarray of int32, shape (height, width)
        Ids 0, 1, 2, ... without a gap; -1 where invalid.

    References
    ----------
    Achanta et al., "SLIC superpixels", TPAMI 2012; Kanezaki, ICASSP 2018, section 2.2.

    Examples
    --------
    >>> slic_superpixels(np.zeros((2, 2, 3), np.float32), n_segments=10, compactness=100.0)
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    from skimage.segmentation import slic

    *shape, n_bands = image.shape
    n_pixels = math.prod(shape)
    if n_pixels <= n_segments:
        raw = np.arange(n_pixels).reshape(shape)
    else:
        raw = slic(
            image,
            n_segments=n_segments,
            compactness=compactness,
            start_label=0,
            convert2lab=n_bands == 3,
            channel_axis=-1,
        )
    if valid is not None:
        raw = np.where(valid, raw, -1)
    return _dense(raw)


def _dense(ids: NDArray[np.integer]) -> LabelMap:
    """Renumber ids to 0, 1, 2, ... in their order; negative ids become -1."""
    used = np.bincount(ids[ids >= 0].ravel()) > 0
    renumber = np.append(np.cumsum(used) - 1, -1)
    dense: LabelMap = renumber[ids].astype(np.int32)
    return dense
