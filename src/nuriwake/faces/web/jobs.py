"""Jobs: a bounded queue before one worker, and results that are dropped after a time."""

from __future__ import annotations

import logging
import math
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

from nuriwake.errors import NuriwakeError, RunCancelled
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.preview import paint_preview
from nuriwake.faces.web.work import Grown, JobProgress, Runner, Task

State = Literal["queued", "running", "done", "failed", "cancelled"]
_LOG = logging.getLogger(__name__)
_FAULT = "something went wrong in the server; its log says what."


class Busy(NuriwakeError):  # noqa: N818 - an answer, not a fault
    """The queue is full; try again in a moment."""


@dataclass(frozen=True)
class Status:
    """A job as its watchers see it.

    Parameters
    ----------
    state : str
    iteration, max_iter, n_labels : int
    loss : float
    seconds_left : float or None
        An estimate of the training's end.
    preview : bytes
        The live picture as a PNG; empty before the first.
    preview_number : int
        Counts the live pictures.
    message : str
        Why a job failed.
    """

    state: State = "queued"
    iteration: int = 0
    max_iter: int = 0
    n_labels: int = 0
    loss: float = 0.0
    seconds_left: float | None = None
    preview: bytes = b""
    preview_number: int = 0
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


class Job:
    """One task on its way through the queue. Its status is replaced, never changed."""

    def __init__(self, task: Task, limits: Limits) -> None:
        self.id = secrets.token_urlsafe(18)
        self.task = task
        self.grown: Grown | None = None
        self.over_since = 0.0
        self._limits = limits
        self._status = Status()
        self._started = 0.0
        self._painted = 0.0
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []
        self._left = math.inf  # when the last watcher went

    @property
    def status(self) -> Status:
        """How the job stands."""
        return self._status

    @property
    def n_pixels(self) -> int:
        """Size of the picture."""
        return self.task.raster.valid.size

    def watch(self, notice: Callable[[], None]) -> Callable[[], None]:
        """Call ``notice`` after each change, from the worker's thread; return the undoing."""
        with self._lock:
            self._watchers.append(notice)

        def unwatch() -> None:
            with self._lock:
                self._watchers.remove(notice)
            self._left = time.monotonic()

        return unwatch

    def is_abandoned(self, now: float) -> bool:
        """Whether who watched it is gone, for longer than a page takes to load again."""
        is_left = not self._watchers and now - self._left > self._limits.abandoned_seconds
        return is_left and not self.status.is_over

    def stop(self) -> None:
        """Make the next report end the run."""
        self._cancelled.set()

    def run(self, runner: Runner) -> Grown:
        """Do the work; called by the worker."""
        self._report_cancelled()
        self._started = time.monotonic()
        self._update(replace(self._status, state="running"))
        grown = runner(self.task, self._report)
        self._report_cancelled()
        return grown

    def finish(self, status: Status, grown: Grown | None = None) -> None:
        """Record how it ended."""
        self.grown = grown
        self.over_since = time.monotonic()
        self._update(status)

    def _report_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise RunCancelled("cancelled.")

    def _report(self, progress: JobProgress) -> None:
        self._report_cancelled()
        now = time.monotonic()
        pace = (now - self._started) / progress.iteration
        status = replace(
            self._status,
            iteration=progress.iteration,
            max_iter=progress.max_iter,
            n_labels=progress.n_labels,
            loss=progress.loss,
            seconds_left=pace * (progress.max_iter - progress.iteration),
        )
        if now - self._painted >= self._limits.preview_seconds:
            self._painted = now
            status = replace(
                status,
                preview=paint_preview(progress.labels(), self._limits.preview_side),
                preview_number=status.preview_number + 1,
            )
        self._update(status)

    def _update(self, status: Status) -> None:
        self._status = status
        self.notify()

    def notify(self) -> None:
        """Tell the watchers that something changed."""
        with self._lock:
            watchers = list(self._watchers)
        for notice in watchers:
            notice()


class JobQueue:
    """The queue, its one worker, and the results that are still kept.

    Parameters
    ----------
    runner : Runner
        Does the work, in the worker's thread.
    limits : Limits
    """

    def __init__(self, runner: Runner, limits: Limits) -> None:
        self._runner = runner
        self._limits = limits
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nuriwake-job")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._futures: dict[str, Future[Grown]] = {}

    @property
    def is_full(self) -> bool:
        """Whether the next job would be refused."""
        return len(self._futures) > self._limits.waiting

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._futures

    def submit(self, task: Task) -> Job:
        """Queue a task.

        Raises
        ------
        Busy
            If enough are waiting already.
        """
        self.sweep()
        job = Job(task, self._limits)
        with self._lock:
            if self.is_full:
                raise Busy("the server is busy; try again in a moment.")
            self._jobs[job.id] = job
            future = self._worker.submit(job.run, self._runner)
            self._futures[job.id] = future
        future.add_done_callback(lambda done: self._finish(job, done))
        return job

    def adopt(self, task: Task, grown: Grown) -> Job:
        """Take a result that was made before, as a job that is done."""
        job = Job(task, self._limits)
        job.finish(Status("done"), grown)
        with self._lock:
            self._jobs[job.id] = job
        self.sweep()
        return job

    def warm_up(self, load: Callable[[], None]) -> None:
        """Have the worker do something before its first job; a fault of it is logged only."""
        self._worker.submit(load).add_done_callback(_log_fault)

    def find(self, job_id: str) -> Job | None:
        """Return a job, or None where there is none of this id (any more)."""
        return self._jobs.get(job_id)

    def n_before(self, job: Job) -> int:
        """How many jobs are served before this one."""
        waiting = list(self._futures)
        return waiting.index(job.id) if job.id in waiting else 0

    def cancel(self, job: Job) -> None:
        """Stop a job, waiting or running; forget a finished one."""
        job.stop()
        future = self._futures.get(job.id)
        if future is not None:
            future.cancel()
        else:
            self._jobs.pop(job.id, None)

    def sweep(self) -> None:
        """Drop what is over: after its time, or the oldest where all take too much room.

        Give up a closed page's job where others wait for it.
        """
        now = time.monotonic()
        if len(self._futures) > 1:
            for job in [job for job in list(self._jobs.values()) if job.is_abandoned(now)]:
                self.cancel(job)
        with self._lock:
            over = [job for job in self._jobs.values() if job.status.is_over]
            over.sort(key=lambda job: job.over_since, reverse=True)
            kept_pixels = 0
            for rank, job in enumerate(over):
                kept_pixels += job.n_pixels
                # The newest result stays, whatever its size.
                crowded = rank > 0 and kept_pixels > self._limits.keep_pixels
                crowded |= rank >= self._limits.keep_results
                if crowded or now - job.over_since > self._limits.keep_seconds:
                    del self._jobs[job.id]

    def close(self) -> None:
        """Cancel everything and wait for the worker's end."""
        for job in list(self._jobs.values()):
            job.stop()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _finish(self, job: Job, future: Future[Grown]) -> None:
        with self._lock:
            self._futures.pop(job.id, None)
            waiting = [self._jobs[job_id] for job_id in self._futures]
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or isinstance(error, RunCancelled):
            job.finish(replace(job.status, state="cancelled", preview=b""))
        elif error is None:
            job.finish(replace(job.status, state="done"), future.result())
        else:
            job.finish(replace(job.status, state="failed", message=_explain(error)))
        for other in waiting:  # they moved up
            other.notify()


def _log_fault(future: Future[None]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        _LOG.error("the warm-up failed", exc_info=error)


def _explain(error: BaseException) -> str:
    if isinstance(error, NuriwakeError):
        return str(error)
    _LOG.error("a job failed", exc_info=error)
    return _FAULT
