"""What the first picture of a process waits for: the interpreter, imports, the work itself.

python benchmarks/startup.py [--picture FILE] [--repeats 5] [--json FILE]

The second and later runs of `nuriwake segment PICTURE`, whose compiled code is loaded from disk.
Imports are the own times of all modules (`python -X importtime`), measured in runs of their own.
The machine should do nothing else: the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from nuriwake.engine.precision import instruction_set
from nuriwake.machine import count_cores

PICTURE = Path(__file__).resolve().parents[1] / "examples" / "coffee.png"
_IMPORT = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """Seconds of one run."""

    total: float
    imports: float

    @property
    def after_imports(self) -> float:
        """Everything else: the interpreter, reading, learning, merging, writing, the exit."""
        return self.total - self.imports


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the seconds here")
    args = parser.parse_args()
    print(f"{instruction_set()}, {count_cores()} cores, load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        command = ["segment", str(args.picture), "-o", folder, "--overwrite"]
        run_once(command)  # compiles, and fills the cache of files
        helps = [run_once(["--help"])[0] for _ in range(args.repeats)]
        totals = [run_once(command)[0] for _ in range(args.repeats)]
        traced = [run_once(command, "-X", "importtime") for _ in range(args.repeats)]
    imports = statistics.median(import_seconds(text) for _, text in traced)
    starts = [Start(total, imports) for total in totals]
    print(f"nuriwake --help          {statistics.median(helps):6.2f} s")
    print(f"nuriwake segment PICTURE {statistics.median(totals):6.2f} s, of which")
    print(f"  imports                {imports:6.2f} s")
    print(f"  everything else        {statistics.median(s.after_imports for s in starts):6.2f} s")
    for name, seconds in largest_imports(traced[-1][1]):
        print(f"    {name:22}{seconds:6.2f} s")
    if args.json:
        args.json.write_text(json.dumps([asdict(start) for start in starts], indent=1) + "\n")


def run_once(arguments: list[str], *options: str) -> tuple[float, str]:
    """Run the command line; return its seconds and what it wrote to standard error."""
    command = [sys.executable, *options, "-m", "nuriwake", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, done.stderr


def import_seconds(text: str) -> float:
    """Add the own times of all modules up."""
    return sum(int(own) for own, *_ in _IMPORT.findall(text)) / 1e6


def largest_imports(text: str, count: int = 8) -> list[tuple[str, float]]:
    """Sum the own times by distribution; return the largest."""
    sums: dict[str, float] = {}
    for own, _, _, name in _IMPORT.findall(text):
        package = name.split(".")[0]
        sums[package] = sums.get(package, 0.0) + int(own) / 1e6
    return sorted(sums.items(), key=lambda item: -item[1])[:count]


if __name__ == "__main__":
    main()
