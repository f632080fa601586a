"""One piece of work at a time, in one of napari's threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QEvent, QObject, Qt

from nuriwake.errors import NuriwakeError
from nuriwake.faces.napari.work import Done, Look, Work
from nuriwake.jobs.warm_up import warm_up


@dataclass(frozen=True, eq=False)
class Listener:
    """Who hears of the work; called in the window's thread.

    Parameters
    ----------
    look : callable
        For every look.
    done : callable
        With what the work leaves.
    failed : callable
        With one line, where the work cannot be done.
    """

    look: Callable[[Look], None]
    done: Callable[[Done], None]
    failed: Callable[[str], None]


class Job:
    """The work that is going on, if any. Work that was cancelled is not heard of any more."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._worker: Any = None

    @property
    def is_running(self) -> bool:
        """Whether there is work that is waited for."""
        return self._worker is not None

    def start(self, work: Callable[..., Work], *values: object) -> None:
        """Begin work; what is still going on is cancelled."""
        self.cancel()
        steps = work(*values)

        def go_on() -> Work:
            return (yield from steps)

        worker = create_worker(go_on, _ignore_errors=True)
        # napari keeps its workers for good; what was cancelled must not keep memory and threads.
        worker.finished.connect(steps.close)
        worker.yielded.connect(lambda look: self._hear(worker, self._listener.look, look))
        worker.returned.connect(lambda done: self._end(worker, self._listener.done, done))
        worker.errored.connect(lambda error: self._fail(worker, error))
        self._worker = worker
        worker.start()

    def stop(self) -> None:
        """End the training and keep what it reached."""
        if self._worker is not None:
            self._worker.send(True)

    def cancel(self) -> None:
        """End the work before its next step, and forget it."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.quit()

    def _hear(self, worker: object, hear: Callable[[Any], None], what: object) -> None:
        if worker is self._worker:
            hear(what)

    def _end(self, worker: object, hear: Callable[[Any], None], what: object) -> None:
        if worker is self._worker:
            self._worker = None
            hear(what)

    def _fail(self, worker: object, error: Exception) -> None:
        if isinstance(error, NuriwakeError):
            self._end(worker, self._listener.failed, str(error))
            return
        self._end(worker, self._listener.failed, f"an error of nuriwake: {error!r}")
        raise error  # napari shows where it comes from


def load_ahead() -> None:
    """Load what the first work would wait for, in a thread, while people choose what to segment.

    Loading PyTorch keeps the interpreter to itself for moments, in which the window stands still:
    they come when the widget opens, and not when somebody has pressed a button and waits.
    """
    if "nuriwake.segmenter" not in sys.modules:
        # What cannot be loaded is told when it is needed.
        create_worker(warm_up, _start_thread=True, _ignore_errors=True)


def window_of(container: Any, owner: Any) -> Any:
    """Make of a scrollable container a window that goes with its owner; hidden at first.

    magicgui does not let a container scroll inside another one.

    Returns
    -------
    qtpy.QtWidgets.QWidget
    """
    window = container.root_native_widget
    window.setParent(owner, Qt.WindowType.Tool)
    window.setWindowTitle("Settings of nuriwake")
    window.resize(340, 560)
    return window


class CancelWhenGone(QObject):  # type: ignore[misc]
    """Cancels a job when its widget leaves the window.

    napari takes the widget out of a dock that is closed, and does not destroy it.
    """

    def __init__(self, widget: Any, job: Job, leave: Callable[[], None]) -> None:
        super().__init__(widget)
        self._leave = leave
        widget.installEventFilter(self)
        widget.destroyed.connect(job.cancel)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Look at the widget's events; let all of them pass."""
        if event.type() == QEvent.Type.ParentChange and watched.parent() is None:
            self._leave()
        return False
