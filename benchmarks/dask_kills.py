"""Dask for real: a scheduler and two workers as programs of their own; one is killed in each stage.

    python benchmarks/dask_kills.py [--side 3500] [--memory 1600M] [--worker-memory 2GB]

A made scene is segmented by the recipe `fast` (--runs apply: labelled by a model of `icassp2018`),
first in two processes without Dask, then on the workers: undisturbed, with a worker killed (SIGKILL
of it and its nanny) as soon as each stage has kept its second file, with one worker that is stopped
four fifths of the time, and with a worker that joins late. A killed worker is replaced after two
seconds, as SLURM and Kubernetes do. Every file must have the bytes of the run without Dask.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from made_scene import write_scene

Disturb = Callable[["Cluster", subprocess.Popen[bytes], Path], str]
#: How many files of a stage are kept when a worker is killed in it.
FILES_BEFORE_KILL = 2


@dataclass
class Cluster:
    """A scheduler and its workers."""

    address: str
    memory: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> None:
        """Start a worker with one thread and a memory limit of its own."""
        words = ["worker", self.address, "--nthreads", "1", "--memory-limit", self.memory]
        self.workers.append(_dask(*words, "--no-dashboard"))

    def kill_worker(self) -> None:
        """Kill a worker as a machine that fails does; start another."""
        os.killpg(self.workers.pop(0).pid, signal.SIGKILL)
        time.sleep(2)
        self.add_worker()


def _dask(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *words], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def cluster(n_workers: int, memory: str) -> Iterator[Cluster]:
    """Start a scheduler with workers, and end them all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scheduler = _dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    started = Cluster(f"tcp://127.0.0.1:{port}", memory, scheduler)
    try:
        for _ in range(n_workers):
            started.add_worker()
        _wait_for(started, n_workers)
        yield started
    finally:
        for process in (*started.workers, scheduler):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def end_in_order() -> None:
    """On SIGTERM, end the scheduler and the workers too: they are in sessions of their own."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def _wait_for(started: Cluster, n_workers: int) -> None:
    from distributed import Client

    with Client(started.address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(n_workers, timeout=120)


def kept(out: Path) -> dict[str, int]:
    """Count the files of each kind that a run keeps while it works: a kind is a stage."""
    counts: dict[str, int] = {}
    for path in out.glob(".*.work/**/*"):
        if path.is_file() and not path.name.startswith((".", "plan")):
            kind = re.sub(r"\d+", "#", path.name)
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def leave_alone(_: Cluster, run: subprocess.Popen[bytes], __: Path) -> str:
    """Wait for the end."""
    run.wait()
    return "undisturbed"


def kill_in_each_stage(workers: Cluster, run: subprocess.Popen[bytes], out: Path) -> str:
    """Kill a worker in every stage."""
    done: list[str] = []
    while run.poll() is None:
        for kind, count in kept(out).items():
            if count >= FILES_BEFORE_KILL and kind not in done:
                done.append(kind)
                workers.kill_worker()
        time.sleep(0.02)
    return f"a worker killed in each of {len(done)} stages ({', '.join(done)})"


def slow_down(workers: Cluster, run: subprocess.Popen[bytes], _: Path) -> str:
    """Stop one worker for four fifths of the time."""
    slow = workers.workers[0].pid
    while run.poll() is None:
        os.killpg(slow, signal.SIGSTOP)
        time.sleep(0.8)
        os.killpg(slow, signal.SIGCONT)
        time.sleep(0.2)
    return "one worker at a fifth of its speed"


def join_late(workers: Cluster, run: subprocess.Popen[bytes], out: Path) -> str:
    """Add a third worker when the first file is kept."""
    while run.poll() is None and not kept(out):
        time.sleep(0.02)
    workers.add_worker()
    run.wait()
    return "a third worker that joins late"


def digests(out: Path) -> dict[str, str]:
    """Digest the maps and polygons; records hold seconds."""
    paths = [path for path in sorted(out.iterdir()) if path.suffix in (".tif", ".gpkg")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def command(what: str, folder: Path, out: Path, memory: str) -> list[str]:
    """Return the command line of a run."""
    scene, model = str(folder / "scene.tif"), str(folder / "model.safetensors")
    verb = ["apply", model, scene] if what == "apply" else ["segment", scene]
    maps = ["--save", "labels,regions", "--memory", memory, "--threads", "1", "--quiet"]
    return [sys.executable, "-m", "nuriwake", *verb, "-o", str(out), *maps]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=3500)
    parser.add_argument("--memory", default="1600M")
    parser.add_argument("--worker-memory", default="2GB")
    parser.add_argument("--runs", nargs="+", choices=("segment", "apply"), default=["segment"])
    options = parser.parse_args()
    end_in_order()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "scene.tif", folder / "truth.tif", options.side)
        if "apply" in options.runs:
            fit = ["fit", str(folder / "scene.tif"), "-m", str(folder / "model.safetensors")]
            quick = ["--max-iter", "5", "--memory", options.memory, "--quiet"]
            subprocess.run([sys.executable, "-m", "nuriwake", *fit, *quick], check=True)
        all_equal = [compare(what, folder, options) for what in options.runs]
    sys.exit(0 if all(all_equal) else 1)


def compare(what: str, folder: Path, options: argparse.Namespace) -> bool:
    """Run a command without Dask and, disturbed, with it; tell whether all files are equal."""
    alone = folder / f"{what}-alone"
    # Tiles are planned for the workers that share the memory: two, here too.
    subprocess.run([*command(what, folder, alone, options.memory), "--workers", "2"], check=True)
    disturbances: tuple[Disturb, ...] = (leave_alone, kill_in_each_stage, slow_down, join_late)
    all_equal = True
    for disturb in disturbances:
        out = folder / f"{what}-{disturb.__name__}"
        with cluster(2, options.worker_memory) as workers:
            words = [*command(what, folder, out, options.memory), "--scheduler", workers.address]
            started = time.perf_counter()
            with subprocess.Popen(words) as run:
                try:
                    said = disturb(workers, run, out)
                finally:
                    run.kill()
            seconds = time.perf_counter() - started
        equal = run.returncode == 0 and digests(out) == digests(alone)
        print(f"{what}, {said}: {seconds:.0f} s, equal byte for byte: {equal}", flush=True)
        all_equal &= equal
    return all_equal


if __name__ == "__main__":
    main()
