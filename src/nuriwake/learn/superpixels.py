"""Spatial continuity by superpixels: a fine over-segmentation, and the vote inside its parts."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

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
        Three bands are taken as RGB and compared in CIE Lab, any other number as they are.
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

    height, width, n_bands = image.shape
    if height * width <= n_segments:
        raw = np.arange(height * width).reshape(height, width)
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


def majority_vote(labels: Tensor, superpixels: Tensor, n_labels: int) -> Tensor:
    """Give every pixel the label most frequent in its superpixel.

    Parameters
    ----------
    labels : Tensor of int64, shape (..., H, W), in [0, n_labels)
    superpixels : Tensor of int64, same shape
        Dense ids; pixels with a negative id keep their label.
    n_labels : int
        q.

    Returns
    -------
    Tensor of int64, same shape
        A tie goes to the smallest label.

    References
    ----------
    Kanezaki, ICASSP 2018, section 2.2.

    Examples
    --------
    >>> labels = torch.tensor([[2, 1, 1, 5]])
    >>> majority_vote(labels, torch.tensor([[0, 0, 0, 1]]), n_labels=6)
    tensor([[1, 1, 1, 5]])
    """
    if superpixels.numel() and int(superpixels.min()) < 0:
        # One more superpixel for the pixels that are in none; what it votes is not used.
        outside = superpixels < 0
        ids = torch.where(outside, superpixels.max() + 1, superpixels)
        return torch.where(outside, labels, majority_vote(labels, ids, n_labels))
    counts = torch.bincount((superpixels * n_labels + labels).flatten())
    table = functional.pad(counts, (0, -len(counts) % n_labels)).view(-1, n_labels)
    # numpy's argmax returns the first of equal maxima, torch's promises nothing.
    winners = torch.from_numpy(table.cpu().numpy().argmax(axis=1)).to(labels.device)
    return winners[superpixels]
