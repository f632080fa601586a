"""What the network of the recipe ``fast`` sees: colour and texture on a coarse grid.

The grid has the same number of cells for every image, so that learning costs the same; lengths are
counted in units of the image's size, so that a photograph and its enlargement look the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.overview import overview, square_side
from nuriwake.learn.principal import MAX_VIEW_BANDS, principal_axes
from nuriwake.raster import BoolMap

#: Lengths in pixels are meant for an image of so many pixels (481 x 321).
REFERENCE_PIXELS = 154_401
#: A picture that is seen as one has so many pixels at most. A larger one shows more things, not the
#: same ones larger: it is cut as several of this size would be, side by side.
SCENE_PIXELS = 24_000_000
#: Those in a volume are meant for one of so many voxels (192 x 192 x 192).
REFERENCE_VOXELS = 7_077_888
#: Channels of a view of a picture that measure texture; they come after those of colour.
N_TEXTURES = 3
#: Half-axes of the CIE Lab values that photographs fill: they bring the channels to a like range.
_LAB_RANGE = np.array([25.0, 15.0, 15.0], np.float32)


def pixel_scale(shape: Sequence[int], steps: Sequence[float] = ()) -> float:
    """How many pixels of this image are one pixel of the reference size.

    Parameters
    ----------
    shape : sequence of int
        Of an image or a volume.
    steps : sequence of float, optional
        How far neighbours along each axis are apart; the scale is in the same unit. Default: 1.

    Examples
    --------
    >>> pixel_scale((962, 642)), pixel_scale((64, 384, 384), steps=(3, 1, 1))
    (2.0, 1.587...)
    """
    if len(shape) == 3:
        scale = np.cbrt(math.prod(shape) * math.prod(steps) / REFERENCE_VOXELS)
        # Small volumes have no voxels to spare for finer measures: noise would fill them.
        return max(1.0, float(scale))
    return float(np.sqrt(math.prod(shape) * math.prod(steps) / REFERENCE_PIXELS))


def perceptual_colours(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours whose distances mean something: CIE Lab of three bands, else the bands.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
        Three bands are taken as sRGB.

    Returns
    -------
    ndarray of float32, shape (height, width, bands)
        In units of Lab. Other bands are scaled so that a change of all of them by 0.01 counts as
        one unit, as a change of lightness does.

    Examples
    --------
    >>> perceptual_colours(np.ones((1, 1, 3), np.float32)).round(1)[0, 0, 0]
    np.float32(100.0)
    >>> perceptual_colours(np.ones((1, 1, 4), np.float32))[0, 0]
    array([50., 50., 50., 50.], dtype=float32)
    """
    n_bands = image.shape[-1]
    if n_bands == 3:
        from skimage.color import rgb2lab

        lab: NDArray[np.float32] = rgb2lab(image).astype(np.float32)
        return lab
    return image * np.float32(100.0 / np.sqrt(n_bands))


def coarse_view(
    colours: NDArray[np.float32], valid: BoolMap, n_cells: int, steps: Sequence[float] = ()
) -> tuple[NDArray[np.float32], BoolMap]:
    """Average colour and texture over the cells of a coarse grid.

    Parameters
    ----------
    colours : ndarray of float32, shape (height, width, bands)
        From :func:`perceptual_colours`.
    valid : ndarray of bool, shape (height, width)
    n_cells : int
        About how many cells; an image of fewer pixels keeps its size, and one of more than
        :data:`.overview.VIEW_PIXELS` is reduced first.
    steps : sequence of float, optional
        How far neighbours along each axis are apart: cells are as long as wide. Default: 1.

    Returns
    -------
    view : ndarray of float32, shape (h, w, bands + 3)
        The colours; the standard deviation of the lightness around; how fast it changes along
        rows and along columns, and in a volume, whose view has one channel more, in depth.
    valid : ndarray of bool, shape (h, w)
        Which cells hold a valid pixel.

    Examples
    --------
    >>> view, valid = coarse_view(np.zeros((40, 60, 3), np.float32), np.ones((40, 60), bool), 600)
    >>> view.shape, bool(valid.all())
    ((20, 30, 6), True)
    """
    if valid.ndim == 2 and (side := square_side(valid.shape)) > 1:
        seen = overview(colours, valid, side)
        colours, valid = seen.image.astype(np.float32, copy=False), seen.valid
    shape, n_bands = cell_counts(valid.shape, n_cells, steps), colours.shape[-1]
    ranges = _LAB_RANGE if n_bands == 3 else _LAB_RANGE[:1]
    layers = [colours / ranges, _texture(lightness(colours, valid), valid, steps) / _LAB_RANGE[0]]
    return cell_means(np.concatenate(layers, axis=-1), valid, shape)


def cell_counts(shape: Sequence[int], n_cells: int, steps: Sequence[float] = ()) -> tuple[int, ...]:
    """Divide each axis so that there are about so many cells, as long as wide.

    Examples
    --------
    >>> cell_counts((40, 60), 600), cell_counts((20, 60, 60), 1000, steps=(3, 1, 1))
    ((20, 30), (10, 10, 10))
    """
    steps = steps or (1.0,) * len(shape)
    density = n_cells / (math.prod(shape) * math.prod(steps))
    shrink = np.sqrt(density) if len(shape) == 2 else np.cbrt(density)
    return tuple(
        max(1, round(n * min(1.0, shrink * step))) for n, step in zip(shape, steps, strict=True)
    )


def cell_means(
    values: NDArray[np.float32], valid: BoolMap, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], BoolMap]:
    """Average the valid pixels of each cell of a grid.

    Parameters
    ----------
    values : ndarray of float32, shape (height, width, channels)
    valid : ndarray of bool, shape (height, width)
    shape : tuple of int
        Of the grid.

    Returns
    -------
    means : ndarray of float32, shape (*shape, channels)
    valid : ndarray of bool, of that shape
        Which cells hold a valid pixel.
    """
    if valid.all():
        return _area_mean(values, shape), np.ones(shape, bool)
    counts = valid[..., np.newaxis]
    share = _area_mean(counts.astype(np.float32), shape)
    means = _area_mean(values * counts, shape)
    means /= np.maximum(share, np.float32(1e-6))
    return means, share[..., 0] > 0


def texture_of(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the channels of a view that measure texture: the spread, steps along each axis."""
    return view[..., -view.ndim :]


def fill_cells(values: NDArray[np.float32], valid: BoolMap) -> NDArray[np.float32]:
    """Give cells without data the values of the nearest cell with data.

    So whatever is interpolated at the rim of the data comes from the data.

    Examples
    --------
    >>> fill_cells(np.array([[[3.0], [0.0]]], np.float32), np.array([[True, False]])).ravel()
    array([3., 3.], dtype=float32)
    """
    if valid.all():
        return values
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    filled: NDArray[np.float32] = values[tuple(nearest)]
    return filled


def lightness(colours: NDArray[np.float32], valid: BoolMap) -> NDArray[np.float32]:
    """One channel that shows the most: L of Lab, else the first principal component.

    Examples
    --------
    >>> lightness(np.array([[[0.0, 1.0], [0.0, 3.0]]], np.float32), np.ones((1, 2), bool))
    array([[1., 3.]], dtype=float32)
    """
    if colours.shape[-1] == 3:
        return colours[..., 0]
    samples = colours[valid]
    if colours.shape[-1] > MAX_VIEW_BANDS:
        return colours @ principal_axes(samples, 1)[:, 0]
    axis = np.linalg.svd(np.atleast_2d(np.cov(samples.T, bias=True)))[0][:, 0]
    axis *= np.sign(axis[np.abs(axis).argmax()])
    component: NDArray[np.float32] = colours @ axis.astype(np.float32)
    return component


def _texture(
    light: NDArray[np.float32], valid: BoolMap, steps: Sequence[float] = ()
) -> NDArray[np.float32]:
    """Measure the spread in 7 x 7 and the mean steps in 5 x 5 reference pixels, on a like range."""
    from scipy.ndimage import uniform_filter

    scale, steps = pixel_scale(light.shape, steps), steps or (1.0,) * light.ndim
    wide, narrow = ([2 * int(size * scale / n / 2) + 1 for n in steps] for size in (7, 5))
    mean = np.float32(light[valid].mean())
    light = np.where(valid, light - mean, np.float32(0.0))
    local = uniform_filter(light, wide)
    variance = uniform_filter(light * light, wide) - local * local
    changes = [
        uniform_filter(np.abs(np.gradient(light, axis=axis)), narrow)
        if light.shape[axis] > 1
        else np.zeros_like(light)
        for axis in reversed(range(light.ndim))
    ]
    spread = 2.0 * np.sqrt(np.maximum(variance, 0.0))
    scales = [3.0 * scale / n for n in reversed(steps)]
    slopes = [scale * change for scale, change in zip(scales, changes, strict=True)]
    return np.stack([spread, *slopes], axis=-1).astype(np.float32)


def _area_mean(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Average over cells that overlap by a pixel where their sides are no whole numbers."""
    for axis, n_cells in enumerate(shape):
        n_pixels, cells = values.shape[axis], np.arange(n_cells)
        starts, stops = cells * n_pixels // n_cells, -(-(cells + 1) * n_pixels // n_cells)
        # Every second sum is of what lies between one cell and the next.
        bounds = np.stack([starts, stops], axis=1).ravel()[:-1]
        sums = np.add.reduceat(values, bounds, axis)
        every_second = (slice(None),) * axis + (slice(None, None, 2),)
        sizes = (stops - starts).astype(np.float32)
        values = sums[every_second] / sizes.reshape(-1, *(1,) * (values.ndim - axis - 1))
    return values
