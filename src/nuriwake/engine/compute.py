"""Where and how to compute: the device, the CPU threads, the arithmetic."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nuriwake.errors import UsageError, out_of_range


def choose_device(name: str) -> torch.device:
    """Turn the setting ``device`` into a device; ``auto`` takes a GPU where there is one.

    Raises
    ------
    UsageError
        If the device is not there.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[-1])
    if name.partition(":")[0] not in available or not _has_index(name):
        expected = "one of " + ", ".join(["auto", *available])
        raise UsageError(
            out_of_range("device", expected, name, "The others are not on this machine.")
        )
    return torch.device(name)


def available_devices() -> list[str]:
    """List the kinds of device on this machine, the fastest last.

    Examples
    --------
    >>> available_devices()[0]
    'cpu'
    """
    mps = ["mps"] if torch.backends.mps.is_available() else []
    cuda = ["cuda"] if torch.cuda.is_available() else []
    return ["cpu", *mps, *cuda]


def _has_index(name: str) -> bool:
    kind, _, index = name.partition(":")
    return kind != "cuda" or int(index or 0) < torch.cuda.device_count()


def count_cores() -> int:
    """Count the CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def cpu_threads(threads: int) -> Iterator[int]:
    """Compute with so many CPU threads inside the block; 0 takes one for each core.

    Yields
    ------
    int
        The number in force.

    Examples
    --------
    >>> with cpu_threads(1) as n:
    ...     n
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or count_cores())
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
