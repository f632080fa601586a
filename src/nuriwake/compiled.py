"""The decorator of the loops over pixels and edges that numpy cannot express."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

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
    return cast(Loop, numba.njit(cache=True, nogil=True, fastmath=True)(loop))
