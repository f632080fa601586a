from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import pytest

import worker_tasks
from conftest import posix_only
from nuriwake.errors import InputError, OutputError, UsageError
from nuriwake.scale.executors import choose_executor, dask_executor

WAYS = [(1, None), (2, None), (2, "local")]


@pytest.mark.parametrize(("workers", "scheduler"), WAYS)
def test_every_task_is_done_once(workers, scheduler) -> None:
    with choose_executor(workers, scheduler) as executor:
        done = sorted(executor.run(worker_tasks.square, range(7)))
        assert done == [(i, i * i) for i in range(7)]
        assert executor.n_workers == workers
        assert list(executor.run(worker_tasks.square, [])) == []
        with pytest.raises(OutputError, match="disk full"):
            list(executor.run(worker_tasks.refuse, range(5)))


@posix_only
@pytest.mark.parametrize(("workers", "scheduler"), WAYS[1:])
def test_a_killed_worker_costs_a_retry(tmp_path: Path, workers, scheduler) -> None:
    with choose_executor(workers, scheduler) as executor:
        done = sorted(executor.run(worker_tasks.die_once, [(tmp_path, i) for i in range(6)]))
    assert done == [(i, i) for i in range(6)]
    assert (tmp_path / "died").exists()


def test_workers_of_dask_keep_freed_memory(monkeypatch) -> None:
    """Dask's own setting hands every page back, which makes networks slow."""
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    with choose_executor(1, "local") as executor:
        [(_, bytes_kept)] = executor.run(worker_tasks.trim_threshold, [0])
    assert int(bytes_kept) >= 1 << 20


@pytest.mark.parametrize(("workers", "scheduler"), WAYS[1:])
def test_waiting_threads_of_workers_sleep(monkeypatch, workers, scheduler) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with choose_executor(workers, scheduler) as executor:
        [(_, policy)] = executor.run(worker_tasks.waiting_policy, [0])
    assert policy == "passive"


def test_an_interrupt_is_for_the_first_process_alone() -> None:
    with choose_executor(2) as executor:
        done = list(executor.run(worker_tasks.survive_an_interrupt, [1, 2]))
    assert sorted(result for _, result in done) == [1, 2]


def test_workers_import_ahead_of_the_first_task() -> None:
    """A module that no task imports: the workers have it, this process does not."""
    with choose_executor(2, ahead=("this",)) as executor:
        assert sorted(executor.run(worker_tasks.has_module, ["this"] * 4)) == [
            (i, True) for i in range(4)
        ]
    assert "this" not in sys.modules


@posix_only
def test_workers_that_always_die_end_the_run() -> None:
    with (
        choose_executor(2) as executor,
        pytest.raises(InputError, match="workers died 4 times in a row"),
    ):
        list(executor.run(worker_tasks.die, [1, 2]))


@posix_only
def test_a_worker_that_dies_while_a_run_is_left_holds_nobody_up() -> None:
    """Python's pool, before 3.12, waits for ever where tasks were taken back before."""

    def leave_early() -> None:
        with choose_executor(2) as executor:
            run = executor.run(worker_tasks.die_a_little_later, range(20))
            next(run)
            run.close()

    leaving = threading.Thread(target=leave_early, daemon=True)
    leaving.start()
    leaving.join(60)
    assert not leaving.is_alive()


def test_a_scheduler_that_does_not_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with (
            pytest.raises(UsageError, match=r"`--scheduler` must be .* within 0.5 s; got 'tcp"),
            dask_executor(address, timeout=0.5),
        ):
            pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_an_address_without_scheduler(address: str) -> None:
    with (
        pytest.raises(UsageError, match="`--scheduler` must be"),
        dask_executor(address, timeout=1),
    ):
        pass


def test_no_workers() -> None:
    message = r"`--workers` must be an int of at least 1; got 0"
    with pytest.raises(UsageError, match=message), choose_executor(0):
        pass
