"""What this process may use of the machine: cores, memory, and how its threads wait.

A container sees all cores and all memory of its host; what it was granted stands in the files of
its control groups (https://docs.kernel.org/admin-guide/cgroup-v2.html and the older cgroup-v1).
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

_ROOT = Path("/")
#: Assumed where the system tells nothing about its memory.
_MODEST_MEMORY = 4 << 30


def let_waiting_threads_sleep(environ: MutableMapping[str, str]) -> None:
    """Make threads that wait for each other sleep instead of spin, so that others can run.

    OpenMP reads these variables once, when PyTorch is loaded; call this before. What the user has
    set is left as it is.

    Parameters
    ----------
    environ : mapping
        ``os.environ``.

    Examples
    --------
    >>> environ = {"OMP_WAIT_POLICY": "active"}
    >>> let_waiting_threads_sleep(environ)
    >>> environ["OMP_WAIT_POLICY"], "KMP_BLOCKTIME" in environ
    ('active', False)
    """
    if "OMP_WAIT_POLICY" not in environ:
        environ["OMP_WAIT_POLICY"] = "passive"
        # The OpenMP of Intel and LLVM (macOS, Windows, conda) spins 200 ms even then.
        environ.setdefault("KMP_BLOCKTIME", "0")
    # OpenBLAS, beneath numpy and scipy, has threads of its own: 2**4 cycles, its least.
    environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")


def count_cores(root: Path = _ROOT) -> int:
    """Count the CPU cores that this process may keep busy.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    int
        At least 1: the cores that it may run on, those that its control groups' quota pays for
        (begun ones count), and ``OMP_NUM_THREADS``, whichever is least.
    """
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    limits = [cores, math.inf if wanted == "" else _first_number(wanted), cpu_quota(root)]
    return max(1, math.ceil(min(limits)))


def _first_number(text: str) -> float:
    """Read ``OMP_NUM_THREADS``, a list with one number for each level of nesting."""
    match = re.match(r"\s*(\d+)", text)
    return int(match[1]) if match and int(match[1]) else math.inf


def cpu_quota(root: Path = _ROOT) -> float:
    """Return the CPU time that the control groups grant, in seconds per second.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    float
        Infinite where nothing limits it.
    """
    least = math.inf
    for group in _control_groups(root, "cpu"):
        quota, period = (*_read(group / "cpu.max").split(), "", "")[:2]
        quota = quota or _read(group / "cpu.cfs_quota_us")
        period = period or _read(group / "cpu.cfs_period_us")
        # Without a limit the quota is "max" or -1.
        if quota.isdecimal() and period.isdecimal():
            least = min(least, int(quota) / int(period))
    return least


def free_memory(root: Path = _ROOT) -> int:
    """Return the bytes that this process can still take: of the machine and of its control groups.

    Parameters
    ----------
    root : pathlib.Path
        Where ``proc`` and ``sys`` are.

    Returns
    -------
    int
        Where the system does not tell what is free, all of its memory; where it tells nothing,
        4 GiB.
    """
    match = re.search(r"MemAvailable:\s+(\d+) kB", _read(root / "proc/meminfo"))
    least = int(match[1]) * 1024 if match else _all_memory()
    for group in _control_groups(root, "memory"):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            granted = _read(group / limit)
            if granted.isdecimal():
                taken = int(_read(group / used) or 0) - _statistic(group, cache)
                least = min(least, max(0, int(granted) - taken))
    return least


def _statistic(group: Path, name: str) -> int:
    """Read a number of a group's statistics: cached files that nobody reads count as free."""
    match = re.search(rf"^{name} (\d+)$", _read(group / "memory.stat"), re.MULTILINE)
    return int(match[1]) if match else 0


def _all_memory() -> int:
    """Return the memory of a machine without ``/proc``."""
    if sys.platform == "win32":
        return _windows_memory()
    if {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= os.sysconf_names.keys():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return _MODEST_MEMORY


def _windows_memory() -> int:
    """Ask Windows how much memory is free: the third number of its MEMORYSTATUSEX."""
    import ctypes

    status = (ctypes.c_uint64 * 8)(64)  # the structure's size, in its first four bytes
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - only there on Windows
    return int(status[2]) if kernel.GlobalMemoryStatusEx(status) else _MODEST_MEMORY


def _control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders that may limit this process: its group and all groups that hold it."""
    mounted = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        names = controllers.split(",")
        if controllers and controller not in names:
            continue
        # Version 2 has one tree, named by nobody, beside those of version 1 if need be.
        for mount in (controllers, controller) if controllers else (".", "unified"):
            parts = path.strip("/").split("/")
            # A container sees its own group as the mount itself, whatever the path says.
            yield from (mounted.joinpath(mount, *parts[:n]) for n in range(len(parts), -1, -1))


def _read(path: Path) -> str:
    """Read a file of the system; empty where there is none, as on other systems."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
