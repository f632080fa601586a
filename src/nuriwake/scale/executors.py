"""One way to run many tasks: in this process, in local processes, or on Dask workers.

A task is a call of one picklable function with one picklable argument. Results come back as they
get done. A worker that dies costs a retry of what it was doing; an error that the function itself
raises ends the run, because it would come again.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from nuriwake.errors import UsageError, WorkersLost, out_of_range, require
from nuriwake.machine import let_waiting_threads_sleep

if TYPE_CHECKING:
    from distributed import Client

Task = TypeVar("Task")
Result = TypeVar("Result")

#: How often in a row workers may die before the run gives up.
MAX_DEATHS = 3
#: Seconds that a scheduler has to answer.
CONNECT_SECONDS = 10.0
#: Dask tells its workers' allocator to hand every freed page back at once; a network, which asks
#: for the same megabytes a hundred times a second, then runs much slower.
_ALLOCATOR = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 128 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 64 << 20,
}


class Executor(Protocol):
    """Runs a function on many tasks."""

    @property
    def n_workers(self) -> int:
        """How many tasks run at once on this machine, for the planning of memory and threads."""

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index and the result of each task, in the order in which they get done."""


@dataclass(frozen=True)
class SerialExecutor:
    """Run one task after the other in this process.

    Examples
    --------
    >>> list(SerialExecutor().run(abs, [-3, 4]))
    [(0, 3), (1, 4)]
    """

    @property
    def n_workers(self) -> int:
        """One."""
        return 1

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index and the result of each task, in order."""
        for index, task in enumerate(tasks):
            yield index, function(task)


class ProcessExecutor:
    """Run tasks in processes on this machine, which stay until :meth:`close`.

    Parameters
    ----------
    n_workers : int
        How many, at least 1.
    ahead : sequence of str, optional
        Modules that the tasks need. The workers then start at once, and import them while this
        process does something else.
    """

    def __init__(self, n_workers: int, ahead: Sequence[str] = ()) -> None:
        self.n_workers = n_workers
        self._ahead = tuple(ahead)
        self._pool: ProcessPoolExecutor | None = None
        if ahead:
            self._start()

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index and the result of each task, in the order in which they get done.

        Raises
        ------
        WorkersLost
            If workers die again and again.
        """
        left = dict(enumerate(tasks))
        deaths = 0
        while left:
            try:
                for index, result in self._run_in_pool(function, left):
                    del left[index]
                    deaths = 0
                    yield index, result
            except BrokenProcessPool as error:
                self.close()
                deaths += 1
                if deaths > MAX_DEATHS:
                    raise WorkersLost(_all_died(deaths)) from error

    def close(self) -> None:
        """End the processes; what was given to them ends first."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _run_in_pool(
        self, function: Callable[[Task], Result], tasks: dict[int, Task]
    ) -> Iterator[tuple[int, Result]]:
        pool, waiting = self._start(), iter(list(tasks.items()))
        running: dict[Future[Result], int] = {}
        try:
            while True:
                # So few that none need be taken back in the end: Python's pool, before 3.12, waits
                # for ever when a worker dies after that.
                for index, task in islice(waiting, 2 * self.n_workers - len(running)):
                    running[pool.submit(function, task)] = index
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            wait(running)

    def _start(self) -> ProcessPoolExecutor:
        from multiprocessing import get_context

        if self._pool is None:
            # Forking a process whose libraries run threads can deadlock; spawning cannot.
            self._pool = ProcessPoolExecutor(
                self.n_workers, get_context("spawn"), _begin_worker, (self._ahead,)
            )
            with _interrupts_held_back():
                self._pool.submit(bool)  # a pool starts its processes with its first task
        return self._pool


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Hold back Ctrl-C here, and in processes that start meanwhile until they ask for it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(ahead: Sequence[str]) -> None:
    """Prepare a worker, then import what the tasks need."""
    # Ctrl-C reaches all processes of a terminal. What it means is for the first one to say: it may
    # end the training alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    let_waiting_threads_sleep(os.environ)
    _die_with_parent()
    for module in ahead:
        import_module(module)


def _die_with_parent() -> None:
    """End this worker when the process that started it is gone, even by SIGKILL."""
    import multiprocessing

    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _all_died(deaths: int) -> str:
    return (
        f"the workers died {deaths} times in a row. They may run out of memory: give a smaller "
        "--memory or fewer --workers. What is done is kept for --resume."
    )


@dataclass(frozen=True)
class DaskExecutor:
    """Run tasks on Dask workers; made by :func:`dask_executor`.

    Parameters
    ----------
    client : distributed.Client
    n_workers : int
        Workers on one machine, for the planning of memory and threads.
    """

    client: Client
    n_workers: int

    def run(
        self, function: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the index and the result of each task, in the order in which they get done.

        Raises
        ------
        WorkersLost
            If workers die again and again, or the scheduler is gone.
        """
        if not tasks:
            return
        from distributed import as_completed as dask_completed
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        # Dask itself runs again what a dead worker was doing. pure=False: two runs in one process
        # must not get each other's results.
        futures = self.client.map(function, tasks, pure=False, batch_size=64)
        with self.client.as_current():
            completed = dask_completed(futures)
        indices = {future.key: index for index, future in enumerate(futures)}
        try:
            for future in completed:
                yield indices[future.key], future.result()
                future.release()
        except KilledWorker as error:
            raise WorkersLost(_all_died(MAX_DEATHS)) from error
        except (FutureCancelledError, OSError) as error:
            if isinstance(error, OSError) and type(error).__module__.startswith("nuriwake"):
                raise
            raise WorkersLost(
                f"the Dask scheduler is gone ({error}). What is done is kept for --resume."
            ) from error
        finally:
            self.client.cancel(futures)


@contextmanager
def dask_executor(
    scheduler: str | None = None, n_workers: int = 1, timeout: float = CONNECT_SECONDS
) -> Iterator[DaskExecutor]:
    """Connect to a Dask scheduler, or start one with local workers.

    Parameters
    ----------
    scheduler : str, optional
        Address such as ``tcp://10.0.0.5:8786``. Default: a scheduler of our own on this machine.
    n_workers : int
        Workers to start; with ``scheduler`` given, its own workers are used.
    timeout : float
        Seconds that the scheduler has to answer.

    Yields
    ------
    DaskExecutor

    Raises
    ------
    UsageError
        If the scheduler does not answer or has no worker.
    MissingDependencyError
        If Dask is not installed.
    """
    distributed = require("distributed", extra="cluster")
    if scheduler is None:
        dask = require("dask", extra="cluster")
        with (
            dask.config.set(_ALLOCATOR),
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                # A free port of this machine: without an address Dask takes 8787, on all networks.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=0,
                silence_logs=50,
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            _prepare_workers(client)
            yield DaskExecutor(client, n_workers)
        return
    with _connect(scheduler, timeout) as client:
        workers = list(client.scheduler_info(n_workers=-1)["workers"].values())
        if not workers:
            hint = "Start one with: dask worker " + scheduler
            raise UsageError(
                out_of_range("--scheduler", "a scheduler with workers", scheduler, hint)
            )
        _prepare_workers(client)
        hosts = [worker["host"] for worker in workers]
        yield DaskExecutor(client, max(hosts.count(host) for host in hosts))


def _prepare_workers(client: Client) -> None:
    """Let the threads of all workers, also of those that come later, sleep while they wait."""
    from distributed import WorkerPlugin

    class Sleep(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: object) -> None:  # noqa: ARG002
            let_waiting_threads_sleep(os.environ)

    client.register_plugin(Sleep(), name="nuriwake")


def _connect(scheduler: str, timeout: float) -> Client:
    import distributed

    try:
        _hear(scheduler, timeout)
        return distributed.Client(scheduler, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        expected = f"the address of a Dask scheduler that answers within {timeout:g} s"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(out_of_range("--scheduler", expected, scheduler, f"({reason})")) from error


def _hear(scheduler: str, timeout: float) -> None:
    """Wait for the greeting that a scheduler sends to who connects.

    The client of Dask would wait for ever for one that accepts the connection and says nothing.
    """
    scheme, _, place = scheduler.rpartition("://")
    host, _, port = place.rpartition(":")
    if scheme not in ("", "tcp") or not port.isdecimal():
        return
    with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
        connection.recv(1)


@contextmanager
def choose_executor(
    workers: int = 1, scheduler: str | None = None, ahead: Sequence[str] = ()
) -> Iterator[Executor]:
    """Choose where to run from what the user asked for.

    Parameters
    ----------
    workers : int
        1 runs in this process, more run in so many processes.
    scheduler : str, optional
        Address of a Dask scheduler; ``local`` starts one with ``workers`` workers.
    ahead : sequence of str, optional
        Modules that processes of our own import while this one goes on.

    Yields
    ------
    Executor

    Raises
    ------
    UsageError
        If ``workers`` is below 1 or the scheduler does not answer.

    Examples
    --------
    >>> with choose_executor(workers=1) as executor:
    ...     executor
    SerialExecutor()
    """
    if workers < 1:
        raise UsageError(out_of_range("--workers", "an int of at least 1", workers))
    if scheduler is not None:
        with dask_executor(None if scheduler == "local" else scheduler, workers) as executor:
            yield executor
    elif workers == 1:
        yield SerialExecutor()
    else:
        with closing(ProcessExecutor(workers, ahead)) as processes:
            yield processes
