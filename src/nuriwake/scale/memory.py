"""How large a tile may be, so that a run stays within the memory it was given."""

from __future__ import annotations

import re

from nuriwake.errors import UsageError, out_of_range
from nuriwake.machine import free_memory

#: Bytes that the interpreter, PyTorch and GDAL need before the first pixel, for each process.
PROCESS_BYTES = 450 << 20
#: Bytes that labelling needs whatever the tile: a strip's activations and GDAL's cache.
FIXED_BYTES = 150 << 20
#: Larger tiles save nothing: their halo is already a small share.
MAX_TILE_PIXELS = 2048 * 2048
#: Smaller ones would mostly read halo.
MIN_TILE_PIXELS = 128 * 128
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
    pixels = (memory - fixed) // each
    if pixels < MIN_TILE_PIXELS:
        least = -(-(fixed + each * MIN_TILE_PIXELS) >> 20)
        expected = f"at least {least}M for {n_workers} worker(s)"
        raise UsageError(out_of_range("--memory", expected, f"{memory >> 20}M"))
    return min(pixels, MAX_TILE_PIXELS)


def fits_in_memory(
    memory: int, n_pixels: int, n_bands: int, n_channels: int, n_labels: int
) -> bool:
    """Tell whether a raster can be trained on and labelled in one piece.

    Training keeps, for each pixel, the activations of every layer and their gradients.

    Parameters
    ----------
    memory : int
        Bytes.
    n_pixels, n_bands : int
        Of the raster.
    n_channels, n_labels : int
        Of the network.

    Examples
    --------
    >>> fits_in_memory(2 << 30, 320 * 480, 3, 100, 100)
    True
    >>> fits_in_memory(2 << 30, 20_000 * 20_000, 4, 100, 100)
    False
    """
    per_pixel = 4 * (8 * n_channels + 4 * n_labels) + bytes_per_pixel(n_bands, 4)
    return PROCESS_BYTES + n_pixels * per_pixel <= memory
