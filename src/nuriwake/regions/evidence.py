"""What speaks for a border between two regions: colour and learned textons, inside and along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.view import SCENE_PIXELS, pixel_scale
from nuriwake.raster import BoolMap
from nuriwake.regions.smoothing import smooth

#: Variance of the kernel [1, 2, 1] / 4, which the Sobel operator smooths with.
_SOBEL_VARIANCE = 0.5
#: The widest smoothing of edges, in pixels of the image: that of the default at 4.4 megapixels.
_MAX_SIGMA = 8.0
#: How far apart, in cells, two textons are still neighbours.
_NEIGHBOURS = 2
#: Power of the joint frequency: above 1, what is rare on the whole is no strong bond either.
_JOINT_POWER = 1.25
#: Added to frequencies of pairs and of single textons before the logarithm.
_RAREST_PAIR, _RAREST = 1e-7, 1e-4


def colour_edges(
    colours: NDArray[np.float32], valid: BoolMap, sigma: float, shape: Sequence[int] = ()
) -> NDArray[np.float32]:
    """Return the gradient of an image's colours, per pixel of the reference size.

    Parameters
    ----------
    colours : ndarray of float32, shape (height, width, bands)
    valid : ndarray of bool, shape (height, width)
    sigma : float
        Smoothing, in pixels of the reference size. In pixels of the image it grows with the
        image up to 8, and no further: more pixels show more things then, and the noise stays.
    shape : sequence of int, optional
        Height and width of the whole image, if this is a part of it.

    Returns
    -------
    ndarray of float32, shape (height, width)

    Examples
    --------
    >>> step = np.zeros((321, 481, 3), np.float32)
    >>> step[:, 240:] = 1
    >>> edges = colour_edges(step, np.ones((321, 481), bool), sigma=1.5)
    >>> int(edges[160].argmax()) in (239, 240), float(edges[160, 100])
    (True, 0.0)
    """
    largest = min(max(1.0, _MAX_SIGMA / sigma), pixel_scale((SCENE_PIXELS,)))
    scale = min(pixel_scale(shape or valid.shape), largest)
    return edge_strength(colours, valid, sigma * scale) * np.float32(scale)


def edge_strength(
    values: NDArray[np.float32], valid: BoolMap, sigma: float, steps: Sequence[float] = ()
) -> NDArray[np.float32]:
    """Gradient magnitude of a smoothed map of any number of channels.

    Parameters
    ----------
    values : ndarray of float32, shape (height, width, channels)
        With depth before height in a volume, as everywhere below.
    valid : ndarray of bool, shape (height, width)
        Invalid pixels do not smear into their neighbours.
    sigma : float
        Standard deviation of the whole smoothing; less than about 0.7 pixels cannot be had.
    steps : sequence of float, optional
        How far neighbours along each axis are apart, in the unit of sigma. Default: 1.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Units of the values per unit of length.

    References
    ----------
    Di Zenzo, "A note on the gradient of a multi-image", CVGIP 1986 (here: the trace of his tensor).

    Examples
    --------
    >>> ramp = np.tile(np.arange(9, dtype=np.float32), (9, 1))[..., np.newaxis]
    >>> float(edge_strength(ramp, np.ones((9, 9), bool), sigma=0.5)[4, 4].round(4))
    1.0
    """
    from scipy.ndimage import sobel

    # The difference kernel itself smooths: at small sizes it would do more than was asked for.
    steps = steps or (1.0,) * valid.ndim
    sigmas = [float(np.sqrt(max((sigma / n) ** 2 - _SOBEL_VARIANCE, 0.04))) for n in steps]
    is_whole = bool(valid.all())
    share = None if is_whole else smooth(valid.astype(np.float32), sigmas)
    squares = np.zeros(valid.shape, np.float32)
    for k in range(values.shape[-1]):
        channel = values[..., k] if is_whole else np.where(valid, values[..., k], 0.0)
        field = smooth(np.ascontiguousarray(channel), sigmas)
        if share is not None:
            field /= np.maximum(share, np.float32(1e-3))
        for axis, step in enumerate(steps):
            # In place: of a volume, each copy is large.
            slope = sobel(field, axis)
            slope /= np.float32(_sobel_weight(valid.ndim) * step)
            slope *= slope
            squares += slope
    strength: NDArray[np.float32] = np.sqrt(squares, out=squares)
    return strength


def texton_edges(textons: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """How fast the mixture of learned labels changes: the gradient of their Hellinger embedding.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q) or (d, h, w, q)
        Probability of each label in each cell.
    sigma : float
        Smoothing in cells.

    Returns
    -------
    ndarray of float32, shape (h, w) or (d, h, w)

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

    n_axes = textons.ndim - 1
    field = gaussian_filter(textons, (*(sigma,) * n_axes, 0)) if sigma else textons
    padded = np.pad(np.sqrt(field), (*((1, 1),) * n_axes, (0, 0)), mode="edge")
    squares = np.zeros(textons.shape, np.float32)
    for axis in reversed(range(n_axes)):
        field = padded
        for across in range(n_axes):
            if across != axis:
                before, here, after = (_shifted(field, across, start) for start in range(3))
                field = before + 2 * here + after
        squares += (_shifted(field, axis, 2) - _shifted(field, axis, 0)) ** 2
    strength: NDArray[np.float32] = np.sqrt(squares.sum(axis=-1)) / _sobel_weight(n_axes)
    return strength


def texton_surprises(
    textons: NDArray[np.float32], smooth: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How rarely what lies on either hand of a cell is met side by side in this image.

    Where two textons alternate all over a surface, the one is no surprise beside the other, however
    different they are.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q) or (d, h, w, q)
        Probability of each label in each cell.
    smooth : ndarray of float32, of the same shape
        The same, smoothed: what lies on the two hands.

    Returns
    -------
    ndarray of float32, shape (h, w) or (d, h, w)
        The pointwise mutual information of the two hands of a cell, as its negative softplus: near
        0 where they go together, and growing with the logarithm of how rarely they do. Root of
        the sum of squares over the axes.

    References
    ----------
    Isola, Zoran, Krishnan and Adelson, "Crisp boundary detection using pointwise mutual
    information", ECCV 2014 (there of colours, by a density estimate).

    Examples
    --------
    >>> stripes = np.eye(3, dtype=np.float32)[[[0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2]]]
    >>> found = texton_surprises(stripes, stripes)[0]
    >>> bool(found[4] < found[11])
    True
    """
    squares = np.zeros(textons.shape[:-1], np.float32)
    information = _mutual_information(textons)
    for axis in range(textons.ndim - 1):
        margins = [(int(k == axis),) * 2 for k in range(textons.ndim)]
        padded = np.pad(smooth, margins, mode="edge")
        before, after = (_shifted(padded, axis, start) for start in (0, 2))
        bond = np.einsum("...i,...i->...", before @ information, after)
        squares += np.logaddexp(np.float32(0), -bond) ** 2
    strength: NDArray[np.float32] = np.sqrt(squares)
    return strength


def _mutual_information(textons: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of how much more often each pair of textons are neighbours than by chance."""
    q = textons.shape[-1]
    joint = np.zeros((q, q))
    for one, other in _neighbours(textons):
        joint += one.reshape(-1, q).T @ other.reshape(-1, q)
    joint += joint.T
    # A grid of a single cell has no pair: then everything is as rare.
    joint /= max(joint.sum(), np.finfo(np.float64).tiny)
    own = np.log(joint.sum(axis=0) + _RAREST)
    bonds: NDArray[np.float32] = (
        _JOINT_POWER * np.log(joint + _RAREST_PAIR) - own - own[:, np.newaxis]
    ).astype(np.float32)
    return bonds


def _neighbours(
    field: NDArray[np.float32],
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield the field without an edge and without the opposite one, for each way to a neighbour."""
    shape = field.shape[:-1]
    for way in product(range(-_NEIGHBOURS, _NEIGHBOURS + 1), repeat=len(shape)):
        is_near = sum(step * step for step in way) <= _NEIGHBOURS**2
        # Each pair once: of two opposite ways, the one whose first step goes ahead.
        if is_near and way > (0,) * len(shape):
            ends = [(abs(step), size) for step, size in zip(way, shape, strict=True)]
            low = [slice(0, max(size - step, 0)) for step, size in ends]
            high = [slice(step, None) for step, _ in ends]
            turned = [step < 0 for step in way]
            one = [b if t else a for a, b, t in zip(low, high, turned, strict=True)]
            other = [a if t else b for a, b, t in zip(low, high, turned, strict=True)]
            yield field[tuple(one)], field[tuple(other)]


def _shifted(field: NDArray[np.float32], axis: int, start: int) -> NDArray[np.float32]:
    """Leave out two lines of a field along an axis, ``start`` of them before what is kept."""
    index = [slice(None)] * field.ndim
    index[axis] = slice(start, field.shape[axis] - 2 + start)
    return field[tuple(index)]


def _sobel_weight(n_axes: int) -> np.float32:
    """How many times the slope a Sobel operator gives: 2 along the axis, 4 across each other."""
    return np.float32(2 * 4 ** (n_axes - 1))
