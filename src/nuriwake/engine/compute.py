"""Where and how to compute: the device, the CPU threads, the arithmetic."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from nuriwake.engine.team import Team
from nuriwake.errors import UsageError, out_of_range
from nuriwake.machine import count_cores

Step = TypeVar("Step")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


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


def torch_team(n_threads: int) -> Team:
    """Return threads that compute with tensors, in operations of one thread each."""
    return Team(n_threads, lambda: cpu_threads(1), _begin)


def _begin() -> None:
    """Set up a thread: both belong to a thread of its own in PyTorch."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)


def steps_in_threads(
    steps: Generator[Step, Answer | None, Result], threads: int
) -> Generator[Step, Answer | None, Result]:
    """Compute each step of a generator with so many CPU threads; between steps they are as before.

    The number of threads belongs to the whole program: a generator that kept it while others run
    would take theirs, and leave its own behind when it is dropped.

    Parameters
    ----------
    steps : generator
    threads : int
        As in :func:`cpu_threads`.

    Yields
    ------
    Step
        What the generator yields; answers go back to it.

    Returns
    -------
    Result
        What the generator returns.
    """
    answer: Answer | None = None
    while True:
        with cpu_threads(threads):
            try:
                step = next(steps) if answer is None else steps.send(answer)
            except StopIteration as done:
                result: Result = done.value
                return result
        answer = yield step
