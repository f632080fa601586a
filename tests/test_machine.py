"""What a process may use: with the files of control groups as containers show them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nuriwake.machine as machine
from nuriwake.machine import count_cores, cpu_quota, free_memory, let_waiting_threads_sleep

GIB = 1 << 30
V2 = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "100000 100000"}


def fake(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


@pytest.mark.parametrize(
    ("files", "quota", "cores"),
    [
        ({}, math.inf, 2),
        (V2, 1.0, 1),
        ({**V2, "sys/fs/cgroup/cpu.max": "max 100000"}, math.inf, 2),
        ({**V2, "sys/fs/cgroup/cpu.max": "20000 100000"}, 0.2, 1),
        ({**V2, "sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5, 2),
        ({**V2, "sys/fs/cgroup/cpu.max": "800000 100000"}, 8.0, 2),
        # The group above is the stricter one.
        (
            {
                "proc/self/cgroup": "0::/user.slice/job.scope",
                "sys/fs/cgroup/user.slice/cpu.max": "50000 100000",
                "sys/fs/cgroup/user.slice/job.scope/cpu.max": "150000 100000",
            },
            0.5,
            1,
        ),
        # Version 1, with the host's name of the group, which the container does not see.
        (
            {
                "proc/self/cgroup": "3:memory:/docker/ab\n2:cpu,cpuacct:/docker/ab\n0::/x",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            },
            1.0,
            1,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            math.inf,
            2,
        ),
    ],
)
def test_a_container_s_quota_limits_the_threads(tmp_path, files, quota, cores):
    root = fake(tmp_path, files)
    assert cpu_quota(root) == quota
    assert count_cores(root) == cores


@pytest.mark.parametrize(
    ("text", "cores"), [("1", 1), ("1,4", 1), ("8", 2), ("", 2), ("0", 2), ("many", 2)]
)
def test_the_user_s_number_of_threads_is_the_default(tmp_path, monkeypatch, text, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert count_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, 7 * GIB),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": str(4 * GIB),
                "sys/fs/cgroup/memory.current": str(2 * GIB),
                "sys/fs/cgroup/memory.stat": f"anon {GIB}\ninactive_file {GIB}",
            },
            3 * GIB,
        ),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, 7 * GIB),
        (
            {
                "proc/self/cgroup": "4:memory:/pod",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2 * GIB),
                "sys/fs/cgroup/memory/memory.usage_in_bytes": str(GIB // 2),
                "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "9223372036854771712",
            },
            3 * GIB // 2,
        ),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": str(GIB),
                "sys/fs/cgroup/memory.current": str(GIB + 4096),
            },
            0,
        ),
    ],
)
def test_a_container_s_memory_is_what_can_be_taken(tmp_path, files, free):
    meminfo = f"MemTotal: {16 << 20} kB\nMemAvailable:  {7 << 20} kB"
    assert free_memory(fake(tmp_path, {"proc/meminfo": meminfo, **files})) == free


def test_systems_without_proc_still_have_an_amount(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sysconf_names", {"SC_PAGE_SIZE": 0, "SC_PHYS_PAGES": 1})
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1 << 20}.get)
    assert free_memory(tmp_path) == 4 * GIB
    monkeypatch.setattr(os, "sysconf_names", {})
    monkeypatch.delattr(os, "sysconf")
    assert free_memory(tmp_path) == machine._MODEST_MEMORY


def test_the_user_s_waiting_policy_wins():
    environ: dict[str, str] = {}
    let_waiting_threads_sleep(environ)
    assert environ["OMP_WAIT_POLICY"] == "passive"
    assert environ["KMP_BLOCKTIME"] == "0"
    theirs = {"KMP_BLOCKTIME": "50", "OPENBLAS_THREAD_TIMEOUT": "20"}
    let_waiting_threads_sleep(theirs)
    assert theirs == {**theirs, "KMP_BLOCKTIME": "50", "OPENBLAS_THREAD_TIMEOUT": "20"}


def test_the_command_line_decides_before_torch_is_loaded():
    code = (
        "import os, sys, typer\n"
        "import nuriwake.faces.cli as cli\n"
        "cli.run = lambda _: print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)\n"
        "cli.main()"
    )
    environ = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert shown.stdout == "passive False\n"


@pytest.mark.skipif(not os.access("/sys/fs/cgroup/cpu", os.W_OK), reason="no cgroup to make")
def test_a_real_quota_of_one_cpu_gives_one_thread(tmp_path):
    group = Path("/sys/fs/cgroup/cpu") / f"nuriwake-{os.getpid()}"
    code = (
        f"open('{group}/cgroup.procs', 'w').write('0')\n"
        "from nuriwake.machine import count_cores\nprint(count_cores())"
    )
    group.mkdir()
    try:
        (group / "cpu.cfs_quota_us").write_text("100000")
        command = [sys.executable, "-c", code]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        group.rmdir()
    assert shown.stdout == "1\n"
