"""How large a tile may be, so that a run stays within the memory it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from nuriwake.errors import UsageError, out_of_range
from nuriwake.machine import free_memory
from nuriwake.settings import Settings

#: Bytes that the interpreter, PyTorch and GDAL need before the first pixel, for each process.
PROCESS_BYTES = 450 << 20
#: What a worker on tiles of a scene needs of them: it loads no PyTorch.
SCENE_WORKER_BYTES = 220 << 20
#: Bytes that labelling needs whatever the tile: a strip's activations and GDAL's cache.
FIXED_BYTES = 150 << 20
#: Larger tiles save nothing: their halo is already a small share.
MAX_TILE_PIXELS = 2048 * 2048
#: Smaller ones would mostly read halo.
MIN_TILE_PIXELS = 128 * 128
#: Windows that are read of a large image to learn from, and their side in pixels.
MAX_WINDOWS, WINDOW_SIDE = 16, 256
#: Smaller crops would be mostly border.
MIN_CROP = 32
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_bytes(text: str) -> int:
    """Read an amount of memory such as ``2G`` or ``800M``.

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> parse_bytes("1.5G") == 3 * 2**29
    True
    """
    match = re.fullmatch(
        r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE
    )
    if match is None:
        raise UsageError(out_of_range("--memory", "an amount such as 800M or 2G", text))
    return int(float(match[1]) * _UNITS[match[2].upper()])


def default_memory() -> int:
    """Return half of the memory that this process could take now, in bytes."""
    return free_memory() // 2


def bytes_per_pixel(n_bands: int, itemsize: int) -> int:
    """Return what a pixel of a tile costs while it is labelled, apart from the network.

    Parameters
    ----------
    n_bands : int
    itemsize : int
        Bytes of a value in the file.

    Returns
    -------
    int
        The values as read and transposed, their masks, the same as float32 three times
        (normalised, contiguous, transposed), and 40 bytes of labels, components and their encoding.

    Examples
    --------
    >>> bytes_per_pixel(n_bands=4, itemsize=2)
    108
    """
    return n_bands * (2 * itemsize + 1 + 3 * 4) + 40


def plan_tile_pixels(memory: int, n_bands: int, itemsize: int, n_workers: int = 1) -> int:
    """Choose how many pixels a tile may have.

    Parameters
    ----------
    memory : int
        Bytes for the whole run, all its processes together.
    n_bands, itemsize : int
        As in :func:`bytes_per_pixel`.
    n_workers : int
        Processes that label tiles at once.

    Returns
    -------
    int

    Raises
    ------
    UsageError
        If the memory is too small for the smallest tile; the message names what would do.

    Examples
    --------
    >>> plan_tile_pixels(1 << 30, n_bands=4, itemsize=2) > 1_000_000
    True
    """
    # Worker processes come on top of this one, which then labels nothing itself.
    n_processes = n_workers + (n_workers > 1)
    fixed = n_processes * PROCESS_BYTES + n_workers * FIXED_BYTES
    each = n_workers * bytes_per_pixel(n_bands, itemsize)
    return min(_afford(memory, fixed, each, MIN_TILE_PIXELS, n_workers), MAX_TILE_PIXELS)


def _afford(memory: int, fixed: int, each: int, least: int, n_workers: int) -> int:
    """Return how many pixels there is memory for, beside what is fixed; refuse too few."""
    pixels = (memory - fixed) // each
    if pixels < least:
        needed = -(-(fixed + each * least) >> 20)
        expected = f"at least {needed}M for {n_workers} worker(s)"
        raise UsageError(out_of_range("--memory", expected, f"{memory >> 20}M"))
    return pixels


def tree_bytes(n_bands: int) -> int:
    """Return what a pixel costs while the recipe ``fast`` grows the tree of an image.

    Examples
    --------
    >>> tree_bytes(4)
    280
    """
    return 40 * n_bands + 120


def plan_scene_pixels(memory: int, n_bands: int, halo: int, n_workers: int = 1) -> int:
    """Choose how many pixels a tile may have of which the recipe ``fast`` grows a tree.

    Parameters
    ----------
    memory : int
        Bytes for the whole run, all its processes together.
    n_bands : int
    halo : int
        Pixels that are read around each tile.
    n_workers : int
        Processes that work on tiles at once.

    Raises
    ------
    UsageError
        If the memory is too small for the smallest tile; the message names what would do.

    Examples
    --------
    >>> plan_scene_pixels(1 << 30, n_bands=4, halo=128) > 1_000_000
    True
    """
    each = n_workers * tree_bytes(n_bands)
    least = (isqrt(MIN_TILE_PIXELS) + 2 * halo) ** 2
    read = _afford(memory, _scene_bytes(n_workers), each, least, n_workers)
    return min((isqrt(read) - 2 * halo) ** 2, MAX_TILE_PIXELS)


def _scene_bytes(n_workers: int) -> int:
    """Return what the processes of a scene need before the first pixel."""
    return PROCESS_BYTES + (n_workers * SCENE_WORKER_BYTES if n_workers > 1 else 0)


def plan_reduced_pixels(memory: int, n_bands: int, n_workers: int = 1) -> int:
    """Choose at how many pixels a scene may be looked at as a whole, reduced.

    Parameters
    ----------
    memory : int
        Bytes.
    n_bands : int
    n_workers : int
        Processes that work on tiles at once.

    Examples
    --------
    >>> plan_reduced_pixels(700 << 20, n_bands=4)
    1927529
    """
    # The reduced bands, normalised, as colours and weighted: measured 26 bytes a band.
    return max(MIN_TILE_PIXELS, (memory - _scene_bytes(n_workers)) // (30 * n_bands + 16))


def reference_bytes(n_bands: int) -> int:
    """Return what a pixel of an image costs that is kept to cut crops from.

    Examples
    --------
    >>> reference_bytes(4)
    72
    """
    return 16 * n_bands + 8


def training_bytes(n_bands: int, settings: Settings, value_bytes: int) -> int:
    """Return what a pixel costs while a published recipe trains on it.

    Parameters
    ----------
    n_bands : int
    settings : Settings
    value_bytes : int
        Bytes of a value in the feature maps: 2 (bfloat16) or 4 (float32).

    Examples
    --------
    >>> training_bytes(3, Settings(recipe="tip2020"), value_bytes=2)
    1703
    >>> training_bytes(3, Settings(recipe="tip2020"), value_bytes=4)
    3303
    """
    values = 3 * settings.n_channels * settings.n_layers + 2 * settings.max_labels
    return value_bytes * values + bytes_per_pixel(n_bands, 4)


def fits_in_memory(memory: int, n_pixels: int, n_bands: int, settings: Settings | None) -> bool:
    """Tell whether a raster can be segmented in one piece.

    Parameters
    ----------
    memory : int
        Bytes.
    n_pixels, n_bands : int
        Of the raster.
    settings : Settings or None
        Of the training; None where a trained model is applied.

    Examples
    --------
    >>> fits_in_memory(2 << 30, 320 * 480, 3, Settings(recipe="tip2020"))
    True
    >>> fits_in_memory(2 << 30, 20_000 * 20_000, 4, Settings(recipe="tip2020"))
    False
    """
    room = memory - PROCESS_BYTES
    if settings is None or not settings.method.is_local:
        return n_pixels * tree_bytes(n_bands) <= room

    def fits(value_bytes: int) -> bool:
        return n_pixels * training_bytes(n_bands, settings, value_bytes) <= room

    # Only PyTorch knows the number format, and takes seconds to load: asked where that decides.
    return fits(4) or (fits(2) and fits(_value_bytes(settings)))


@dataclass(frozen=True)
class WindowPlan:
    """What is learned from where whole images would not fit.

    Parameters
    ----------
    n_windows : int
        Windows of 256 pixels a side that are read of each image, at most.
    crop_size : int
        Side of the crops in a batch; not larger than the setting.
    """

    n_windows: int
    crop_size: int

    def describe(self, memory: int) -> str:
        """Say it in one line."""
        return (
            f"larger than --memory {memory >> 20}M allows: learned from up to {self.n_windows} "
            f"windows of each image, in crops of {self.crop_size} pixels."
        )


def references_fit(memory: int, sizes: Sequence[int], n_bands: int, settings: Settings) -> bool:
    """Tell whether a model can be trained on whole images.

    Parameters
    ----------
    memory : int
        Bytes.
    sizes : sequence of int
        Pixels of each image.
    n_bands : int
    settings : Settings
    """
    if not settings.method.is_local:
        return PROCESS_BYTES + sum(sizes) * tree_bytes(n_bands) <= memory
    each = _training_bytes(n_bands, settings)
    if len(sizes) < 2:
        return PROCESS_BYTES + sum(sizes) * each <= memory
    kept = sum(sizes) * reference_bytes(n_bands)
    at_once = max(settings.batch_size * settings.crop_size**2 * each, max(sizes) * each)
    return PROCESS_BYTES + kept + at_once <= memory


def plan_windows(
    memory: int, n_images: int, n_bands: int, settings: Settings, n_processes: int = 1
) -> WindowPlan:
    """Plan to learn from windows of images: as many, and as large crops, as fit.

    Parameters
    ----------
    memory : int
        Bytes.
    n_images, n_bands : int
    settings : Settings
    n_processes : int
        That share the memory.

    Raises
    ------
    UsageError
        If not even small crops fit; the message names what would do.
    """
    each = settings.batch_size * _training_bytes(n_bands, settings)
    window = WINDOW_SIDE**2 * reference_bytes(n_bands)
    labelled = WINDOW_SIDE**2 * _training_bytes(n_bands, settings)
    room = memory - n_processes * PROCESS_BYTES - n_images * window
    least = max(MIN_CROP**2 * each, labelled)
    if room < least:
        needed = -(-(memory - room + least) >> 20)
        expected = f"at least {needed}M to learn from {n_images} image(s)"
        raise UsageError(out_of_range("--memory", expected, f"{memory >> 20}M"))
    # A quarter is for more windows: a few of them show little of an image.
    crop_size = min(settings.crop_size, max(MIN_CROP, isqrt(3 * room // 4 // each)))
    left = room - max(crop_size**2 * each, labelled)
    return WindowPlan(min(MAX_WINDOWS, 1 + left // (n_images * window)), crop_size)


def _training_bytes(n_bands: int, settings: Settings) -> int:
    if not settings.method.is_local:
        return tree_bytes(n_bands)
    return training_bytes(n_bands, settings, _value_bytes(settings))


def _value_bytes(settings: Settings) -> int:
    """Return the bytes of a value in the maps that this machine will train with."""
    from nuriwake.engine.compute import choose_device
    from nuriwake.engine.precision import compute_dtype

    return compute_dtype(settings.precision, choose_device(settings.device)).itemsize
