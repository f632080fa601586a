"""Compile what the first picture would wait for: when an image is built, while a page loads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nuriwake.jobs.listener import Listener

_COMPILING = "compiling the merging of regions for this machine, once: it takes some 25 seconds ..."
_ANEW = (
    "compiling the merging of regions, some 25 seconds each time: neither the program's folder nor "
    "that of caches can be written. NUMBA_CACHE_DIR names another."
)


@contextmanager
def compiling_is_told(listener: Listener) -> Iterator[None]:
    """Tell people why they wait where loops are compiled inside the block."""
    from nuriwake.compiled import when_compiling

    with when_compiling(lambda is_kept: listener.say_once(_COMPILING if is_kept else _ANEW)):
        yield


def warm_up() -> None:
    """Load libraries and compile the loops by segmenting a tiny picture.

    What is compiled is kept on disk, so that later processes only load it.
    """
    from nuriwake.segmenter import segment

    squares = np.zeros((64, 64, 3), np.uint8)
    squares[16:48, 16:48] = np.arange(32, dtype=np.uint8)[:, np.newaxis]
    segment(squares, recipe="fast", max_iter=2)
