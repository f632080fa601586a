"""Runs the program as a child process: its lines, its progress, its end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from .faults import CancelledError, PluginError

#: Seconds between two looks at the button "Cancel".
_PATIENCE = 0.2
#: Seconds for the child to remove what is half done.
_FAREWELL = 20.0


@dataclass(frozen=True)
class Progress:
    """One step of the child.

    Parameters
    ----------
    title : str
        What is being done.
    done, total : int
    note : str
        A few words.
    """

    title: str
    done: int
    total: int
    note: str

    @property
    def percent(self) -> float:
        """How much is done, in [0, 100]."""
        return min(100.0, 100.0 * self.done / max(self.total, 1))


def parse_line(line: str) -> Progress | str:
    """Tell a step, as ``--progress json`` writes it, from a line for people.

    Examples
    --------
    >>> parse_line('{"progress": "a.tif", "done": 1, "total": 4, "note": ""}').percent
    25.0
    >>> parse_line("a.tif: 12 regions")
    'a.tif: 12 regions'
    """
    text = line.rstrip()
    if not text.startswith('{"progress"'):
        return text
    try:
        step = json.loads(text)
        return Progress(
            str(step["progress"]), int(step["done"]), int(step["total"]), str(step["note"])
        )
    except (ValueError, KeyError, TypeError):
        return text


def shown(command: Sequence[str], windows: bool = os.name == "nt") -> str:
    """Write a command as it may be pasted into a terminal.

    Examples
    --------
    >>> shown(["nuriwake", "segment", "my scene.tif"], windows=False)
    "nuriwake segment 'my scene.tif'"
    """
    return subprocess.list2cmdline(command) if windows else shlex.join(command)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    hear: Callable[[Progress | str], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
    environment : Mapping
        The child's variables.
    hear : callable
        Called with each step and each line, in this thread.
    is_cancelled : callable
        Asked a few times a second.

    Raises
    ------
    CancelledError
        If the user has ended it; the child has ended.
    PluginError
        If the program cannot be started or fails; the text is its own line.
    """
    child = _start(command, environment, errors_to=subprocess.STDOUT)
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    complaint = ""
    try:
        while True:
            try:
                line = lines.get(timeout=_PATIENCE)
            except queue.Empty:
                line = ""
            if is_cancelled():
                raise CancelledError
            if line is None:
                break
            heard = parse_line(line)
            if heard:
                hear(heard)
            if isinstance(heard, str) and heard:
                complaint = (
                    heard if _is_complaint(heard) or not _is_complaint(complaint) else complaint
                )
        code = child.wait()
    finally:
        _end(child)
    if code:
        raise PluginError(
            complaint.removeprefix("nuriwake: ") or f"{command[0]} ended with {code}."
        )


def ask(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command that ends at once, and return what it writes.

    Raises
    ------
    PluginError
        If it cannot be started, fails, or takes more than a minute.
    """
    child = _start(command, environment, errors_to=subprocess.PIPE)
    try:
        out, errors = child.communicate(timeout=60)
    except subprocess.TimeoutExpired as error:
        raise PluginError(f"{command[0]} does not answer.") from error
    finally:
        _end(child)
    if child.returncode:
        raise PluginError(errors.strip() or f"{command[0]} ended with {child.returncode}.")
    return out


def _is_complaint(line: str) -> bool:
    return line.startswith(("nuriwake: ", "ERROR: "))


def _start(
    command: Sequence[str], environment: Mapping[str, str], errors_to: int
) -> subprocess.Popen[str]:
    """Start a child that asks nothing and opens no window."""
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors_to,
            encoding="utf-8",
            errors="replace",
            env=dict(environment),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if os.name == "nt" else 0,
        )
    except OSError as error:
        raise PluginError(f"{command[0]} cannot be started ({error.strerror}).") from error


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    with contextlib.suppress(ValueError):  # the stream is closed where the user has ended the run
        for line in stream:
            lines.put(line)
    lines.put(None)


def _end(child: subprocess.Popen[str]) -> None:
    """Ask the child to end, and wait; what it has half done, it removes."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
