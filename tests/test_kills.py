"""The benchmarks that kill leave nothing of theirs behind when they are told to end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from conftest import REPOSITORY, posix_only

TOLD_TO_END = """
import os, signal, subprocess, dask_kills
started = []
def sleeper(*words):
    started.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
    print(started[-1].pid, flush=True)
    return started[-1]
dask_kills._dask, dask_kills._wait_for = sleeper, lambda *_: None
dask_kills.end_in_order()
with dask_kills.cluster(2, "1GB"):
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
"""


@posix_only
def test_a_cluster_ends_with_its_benchmark():
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, "-c", TOLD_TO_END], cwd=REPOSITORY / "benchmarks", text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 143, done.stderr
    pids = [int(line) for line in done.stdout.split()]
    assert len(pids) == 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
