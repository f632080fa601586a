"""Tasks that the tests of the executors send to worker processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from nuriwake.errors import OutputError


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    if number == 3:
        raise OutputError("disk full")
    return number


def die_once(task: tuple[Path, int]) -> int:
    """Kill the own worker by SIGKILL the first time that task 2 runs."""
    folder, number = task
    if number == 2:
        try:
            (folder / "died").touch(exist_ok=False)
        except FileExistsError:
            return number
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def trim_threshold(_: int) -> str | None:
    """Tell when the worker's allocator hands freed memory back."""
    return os.environ.get("MALLOC_TRIM_THRESHOLD_")


def waiting_policy(_: int) -> str | None:
    """Tell how the worker's threads wait for each other."""
    return os.environ.get("OMP_WAIT_POLICY")


def survive_an_interrupt(number: int) -> int:
    """Get what Ctrl-C sends to every process of a terminal."""
    os.kill(os.getpid(), signal.SIGINT)
    return number


def has_module(name: str) -> bool:
    """Tell whether the worker has imported a module."""
    return name in sys.modules


def die_a_little_later(number: int) -> int:
    """Kill the own worker while the others are busy, but for task 0."""
    if number:
        time.sleep(0.3 * number)
        os.kill(os.getpid(), signal.SIGKILL)
    return number
