"""A second thread for what need not wait: work is started, and asked for its result later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Start(Protocol):
    """Starts work; returns how to get its result, which waits for it and raises what it raised."""

    def __call__(
        self,
        work: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Callable[[], Result]:
        """Start to call ``work`` with these arguments."""


def later(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Callable[[], Result]:
    """Start nothing: the work is done where its result is asked for.

    Examples
    --------
    >>> later(sum, [1, 2])()
    3
    """
    return lambda: work(*args, **kwargs)


@contextmanager
def second_thread(is_wanted: bool) -> Iterator[Start]:
    """Start work beside this thread, one piece after the other.

    It gains what compiled loops and libraries do while they let other threads run. Whoever leaves
    the block early, waits for what has begun; what has not is dropped.

    Parameters
    ----------
    is_wanted : bool
        False: :func:`later`, in this thread.

    Yields
    ------
    callable
        A :class:`Start`.

    Examples
    --------
    >>> with second_thread(is_wanted=True) as start:
    ...     total = start(sum, [1, 2])
    ...     total()
    3
    """
    if not is_wanted:
        yield later
        return
    pool = ThreadPoolExecutor(1, "nuriwake-beside")

    def start(
        work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Callable[[], Result]:
        return pool.submit(work, *args, **kwargs).result

    try:
        yield start
    finally:
        pool.shutdown(cancel_futures=True)
