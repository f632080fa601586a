"""The decorator of the loops over pixels and edges that numpy cannot express."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import numba
from numba.core import event

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """Compile a loop to machine code at its first call; the code is cached on disk.

    Sums may be taken in another order than written (so that they fill the vector unit), the same
    in every run. Numbers that are not finite must not occur.

    Parameters
    ----------
    loop : callable
        Of arrays and numbers.

    Returns
    -------
    callable
        Does the same, and lets other threads run meanwhile.
    """
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True, fastmath=True)(loop))
    except RuntimeError:
        # Neither beside this file, nor in the user's cache folder, nor in NUMBA_CACHE_DIR can
        # anything be kept: every process compiles anew.
        return cast(Loop, numba.njit(nogil=True, fastmath=True)(loop))


def inlined(part: Loop) -> Loop:
    """Write a part of compiled loops out wherever it is called from one.

    A call would count the references to every array that it is given, which takes longer than a
    short loop.
    """
    return cast(Loop, numba.njit(inline="always", fastmath=True)(part))


@contextmanager
def when_compiling(hear: Callable[[bool], None]) -> Iterator[None]:
    """Tell, inside the block, when the first loop has to be compiled, which takes a while.

    Parameters
    ----------
    hear : callable
        Called once, before it begins, in whichever thread compiles: numba does so in one at a
        time. Never where all loops are loaded from disk. Told whether what is compiled is kept.
    """

    class FirstOnly(event.Listener):  # type: ignore[misc]
        told = False

        def on_start(self, event: event.Event) -> None:
            if not self.told:
                self.told = True
                hear(event.data["dispatcher"].stats.cache_path is not None)

        def on_end(self, event: object) -> None:
            """Say nothing: the next loop follows."""

    with event.install_listener("numba:compile", FirstOnly()):
        yield
