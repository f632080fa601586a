"""What the network of the recipe ``fast`` sees: colour and texture on a coarse grid.

The grid has the same number of cells for every image, so that learning costs the same; lengths are
counted in units of the image's size, so that a photograph and its enlargement look the same.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from nuriwake.learn.principal import MAX_VIEW_BANDS, principal_axes
from nuriwake.raster import BoolMap

#: Lengths in pixels are meant for an image of so many pixels (481 x 321).
REFERENCE_PIXELS = 154_401
#: Channels of a view that measure texture; they come after those of colour.
N_TEXTURES = 3
#: Half-axes of the CIE Lab values that photographs fill: they bring the channels to a like range.
_LAB_RANGE = np.array([25.0, 15.0, 15.0], np.float32)


def pixel_scale(shape: tuple[int, int]) -> float:
    """How many pixels of this image are one pixel of the reference size.

    Examples
    --------
    >>> pixel_scale((962, 642))
    2.0
    """
    return float(np.sqrt(shape[0] * shape[1] / REFERENCE_PIXELS))


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
    from skimage.color import rgb2lab

    n_bands = image.shape[2]
    if n_bands == 3:
        lab: NDArray[np.float32] = rgb2lab(image).astype(np.float32)
        return lab
    return image * np.float32(100.0 / np.sqrt(n_bands))


def coarse_view(
    colours: NDArray[np.float32], valid: BoolMap, n_cells: int
) -> tuple[NDArray[np.float32], BoolMap]:
    """Average colour and texture over the cells of a coarse grid.

    Parameters
    ----------
    colours : ndarray of float32, shape (height, width, bands)
        From :func:`perceptual_colours`.
    valid : ndarray of bool, shape (height, width)
    n_cells : int
        About how many cells; an image of fewer pixels keeps its size.

    Returns
    -------
    view : ndarray of float32, shape (h, w, bands + 3)
        The colours; the standard deviation of the lightness around; how fast it changes along
        rows and along columns.
    valid : ndarray of bool, shape (h, w)
        Which cells hold a valid pixel.

    Examples
    --------
    >>> view, valid = coarse_view(np.zeros((40, 60, 3), np.float32), np.ones((40, 60), bool), 600)
    >>> view.shape, bool(valid.all())
    ((20, 30, 6), True)
    """
    height, width, n_bands = colours.shape
    shrink = min(1.0, np.sqrt(n_cells / (height * width)))
    shape = max(1, round(height * shrink)), max(1, round(width * shrink))
    ranges = _LAB_RANGE if n_bands == 3 else _LAB_RANGE[:1]
    layers = [colours / ranges, _texture(lightness(colours, valid), valid) / _LAB_RANGE[0]]
    share = _area_mean(valid[:, :, np.newaxis].astype(np.float32), shape)
    view = _area_mean(np.concatenate(layers, axis=2) * valid[:, :, np.newaxis], shape)
    view /= np.maximum(share, np.float32(1e-6))
    return view, share[:, :, 0] > 0


def texture_of(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the channels of a view that measure texture, shape (h, w, 3)."""
    return view[:, :, -N_TEXTURES:]


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
    if colours.shape[2] == 3:
        return colours[:, :, 0]
    samples = colours[valid]
    if colours.shape[2] > MAX_VIEW_BANDS:
        return colours @ principal_axes(samples, 1)[:, 0]
    axis = np.linalg.svd(np.atleast_2d(np.cov(samples, rowvar=False, bias=True)))[0][:, 0]
    axis *= np.sign(axis[np.abs(axis).argmax()])
    component: NDArray[np.float32] = colours @ axis.astype(np.float32)
    return component


def _texture(light: NDArray[np.float32], valid: BoolMap) -> NDArray[np.float32]:
    """Measure the spread in 7 x 7 and the mean steps in 5 x 5 reference pixels, on a like range."""
    from scipy.ndimage import uniform_filter

    scale = pixel_scale(light.shape)
    wide, narrow = (2 * int(size * scale / 2) + 1 for size in (7, 5))
    mean = np.float32(light[valid].mean())
    light = np.where(valid, light - mean, np.float32(0.0))
    local = uniform_filter(light, wide)
    variance = uniform_filter(light * light, wide) - local * local
    steps = [
        uniform_filter(np.abs(np.gradient(light, axis=axis)), narrow)
        if light.shape[axis] > 1
        else np.zeros_like(light)
        for axis in (1, 0)
    ]
    spread = 2.0 * np.sqrt(np.maximum(variance, 0.0))
    return np.stack([spread, *(3.0 * scale * step for step in steps)], axis=2).astype(np.float32)


def _area_mean(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    tensor = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))[None]
    means = torch.nn.functional.interpolate(tensor, size=shape, mode="area")[0]
    result: NDArray[np.float32] = means.permute(1, 2, 0).numpy()
    return result
