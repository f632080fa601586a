"""Threads that share the strips of an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Mergeable(Protocol):
    """What is summed up over strips, part by part."""

    def merge(self, other: Self) -> None:
        """Take in what another part found, below this one."""


Part = TypeVar("Part", bound=Mergeable)


class Team:
    """Threads that do whole strips each, with products of one thread; they sleep between passes.

    The threads of PyTorch or of a BLAS share every single operation, and those on a strip are so
    short that the threads wait for each other as long as they compute.

    Parameters
    ----------
    n_threads : int
    alone : callable
        Returns a context manager that keeps those threads out of the operations in its block. They
        would be woken up even for matrices so small that one thread is done before.
    begin : callable, optional
        Sets up each thread.

    Examples
    --------
    >>> Team(2).share(range(5), sum)
    [1, 9]
    """

    def __init__(
        self,
        n_threads: int,
        alone: Callable[[], AbstractContextManager[object]] = nullcontext,
        begin: Callable[[], None] | None = None,
    ) -> None:
        self.n_threads = n_threads
        self.alone = alone
        self._others = ThreadPoolExecutor(max(1, n_threads - 1), "nuriwake-team", begin)

    def share(
        self, items: Sequence[Item], work: Callable[[Sequence[Item]], Result]
    ) -> list[Result]:
        """Call ``work`` on equal runs of the items, one for each thread, at the same time.

        Which item is in which run, and the order of the results, depend on nothing but numbers:
        sums over them are the same in every run.
        """
        n_parts = max(1, min(self.n_threads, len(items)))
        if n_parts == 1:
            return [work(items)]
        bounds = [len(items) * part // n_parts for part in range(n_parts + 1)]
        runs = [items[bounds[part] : bounds[part + 1]] for part in range(n_parts)]
        with self.alone():
            waiting = [self._others.submit(work, run) for run in runs[1:]]
            return [work(runs[0]), *(future.result() for future in waiting)]


def merged(parts: Sequence[Part]) -> Part:
    """Merge the parts into the first of them, in order."""
    whole, *others = parts
    for other in others:
        whole.merge(other)
    return whole
