"""Threads that share a compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch


class Team:
    """As many threads as PyTorch computes with; they sleep when there is nothing to do.

    Not the threads of PyTorch or numba: theirs either burn time waiting or may not be shared.

    Examples
    --------
    >>> done = []
    >>> Team().share(3, lambda first, last: done.extend(range(first, last)))
    >>> sorted(done)
    [0, 1, 2]
    """

    def __init__(self) -> None:
        self._n_threads = torch.get_num_threads()
        self._others = ThreadPoolExecutor(max(1, self._n_threads - 1), "nuriwake-team")

    def share(self, n_items: int, work: Callable[[int, int], None]) -> None:
        """Call ``work(first, last)`` for equal parts of ``range(n_items)``, at the same time.

        ``work`` must let other threads run, as compiled loops do.
        """
        n_parts = min(self._n_threads, n_items)
        bounds = [n_items * part // n_parts for part in range(n_parts + 1)]
        waiting = [
            self._others.submit(work, bounds[part], bounds[part + 1]) for part in range(1, n_parts)
        ]
        work(bounds[0], bounds[1])
        for future in waiting:
            future.result()
