"""Who hears of a job: a terminal, a page, a plugin, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nuriwake.segmenter import StepReader

#: Called with the tiles (pages, inputs) done and with all of them.
TileReader = Callable[[int, int], None]


class Listener(Protocol):
    """What a job tells while it works."""

    def say(self, text: str) -> None:
        """Hear one line for people."""

    def say_once(self, text: str) -> None:
        """Hear a line that is of use at this moment, and the first time only."""

    def training(self, title: str, max_iter: int) -> AbstractContextManager[StepReader]:
        """Follow one training: what is given is called with every step; True ends it there."""

    def tiles(self, title: str) -> AbstractContextManager[TileReader]:
        """Follow work in parts: what is given is called with the parts done and all parts."""


class Collected:
    """Keeps the lines and follows nothing: the listener of workers, whose lines travel back.

    Attributes
    ----------
    lines : list of str
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Keep a line."""
        self.lines.append(text)

    def say_once(self, text: str) -> None:
        """Keep nothing: it would be told too late, and by each worker."""

    @contextmanager
    def training(self, title: str, max_iter: int) -> Iterator[StepReader]:  # noqa: ARG002
        """Follow nothing."""
        yield lambda _step: None

    @contextmanager
    def tiles(self, title: str) -> Iterator[TileReader]:  # noqa: ARG002
        """Follow nothing."""
        yield lambda _done, _all: None
