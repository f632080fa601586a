"""What one `nuriwake segment` costs beside busy processes, against what it costs alone.

python benchmarks/contention.py [--picture FILE] [--busy 4] [--repeats 5] [--json FILE]

Alone and beside are measured in turns, each run in a process of its own; medians count. Compare
only on a machine that does nothing else: the load is printed. On two cores with four busy loops, a
third is a fair share, so that three times the wall time is fair.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from nuriwake.engine.precision import instruction_set
from nuriwake.machine import count_cores

PICTURE = Path(__file__).resolve().parents[1] / "examples" / "coffee.png"


@dataclass(frozen=True)
class Cost:
    """Seconds of one run."""

    wall: float
    cpu: float


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--busy", type=int, default=4, help="processes that only count")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the costs here")
    args = parser.parse_args()
    print(f"{instruction_set()}, {count_cores()} cores, load before: {os.getloadavg()[0]:.1f}")
    segment_once(args.picture)  # compiles, and fills the cache of files
    alone, beside = [], []
    for _ in range(args.repeats):
        alone.append(segment_once(args.picture))
        with busy_loops(args.busy):
            beside.append(segment_once(args.picture))
    report(alone, beside, args.busy)
    if args.json:
        record = {
            "instruction_set": instruction_set(),
            "cores": count_cores(),
            "alone": [asdict(cost) for cost in alone],
            "beside": [asdict(cost) for cost in beside],
        }
        args.json.write_text(json.dumps(record, indent=1) + "\n")


def segment_once(picture: Path) -> Cost:
    """Run the command line once."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nuriwake", "segment", str(picture), "-o", folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run([*command, "--quiet"], check=True)
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Cost(wall, user + system)


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep so many processes busy inside the block."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            # Waited for here, their time is no part of the next run's: it is read before and after.
            loop.wait()


def report(alone: list[Cost], beside: list[Cost], n_busy: int) -> None:
    """Print medians and ratios."""
    print(f"{'seconds':10}{'alone':>8}{f'beside {n_busy}':>12}{'ratio':>8}")
    for clock in ("wall", "cpu"):
        one, two = (
            statistics.median(getattr(c, clock) for c in costs) for costs in (alone, beside)
        )
        print(f"{clock:10}{one:8.2f}{two:12.2f}{two / one:8.2f}")


if __name__ == "__main__":
    main()
