"""What the first picture of a process waits for: the interpreter, imports, the work itself.

python benchmarks/startup.py [--picture FILE] [--repeats 5] [--threads N] [--json FILE]

The second and later runs of `nuriwake segment PICTURE`, whose compiled code is loaded from disk.
Imports are the own times of all modules (`python -X importtime`), measured in runs of their own.
Then the stages of the recipe `fast` on the picture, each run in a process that has imported
everything and segmented a tiny picture before, as wall time and as time of the processor.
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
    from nuriwake.engine.precision import instruction_set

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="of the stages; 0: one a core")
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
    print_stages(args.picture, args.threads, args.repeats)
    if args.json:
        args.json.write_text(json.dumps([asdict(start) for start in starts], indent=1) + "\n")


def print_stages(picture: Path, threads: int, repeats: int) -> None:
    """Print the medians of the stages."""
    command = [sys.executable, __file__, "--stages", str(picture), str(threads)]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeats)
    ]
    print(f"fast, imported, {threads or count_cores()} threads    wall s   processor s")
    for stage in runs[0]:
        wall, processor = (statistics.median(run[stage][i] for run in runs) for i in (0, 1))
        print(f"  {stage:24}{wall:9.3f}{processor:14.3f}")


def stages(picture: Path, threads: int) -> dict[str, tuple[float, float]]:
    """Run the stages of `fast` once; return wall and processor seconds of each and of the whole."""
    from nuriwake.io.image import read_image
    from nuriwake.jobs.warm_up import warm_up
    from nuriwake.learn.normalise import band_statistics, normalise
    from nuriwake.learn.view import coarse_view, perceptual_colours
    from nuriwake.recipes.fast import fast_steps
    from nuriwake.recipes.many_bands import learn_view
    from nuriwake.settings import Settings

    warm_up()
    raster, settings = read_image(picture), Settings(threads=threads)
    valid = raster.valid
    image = normalise(raster.array, valid, band_statistics(raster.array, valid))
    taken = {}
    start = time.perf_counter(), time.process_time()
    view, view_valid = coarse_view(perceptual_colours(image), valid, settings.grid_cells)
    taken["view"] = time.perf_counter() - start[0], time.process_time() - start[1]
    start = time.perf_counter(), time.process_time()
    for _ in learn_view(view, view_valid, settings):
        pass
    taken["learning"] = time.perf_counter() - start[0], time.process_time() - start[1]
    start = last = time.perf_counter(), time.process_time()
    for _ in fast_steps(image, valid, settings):
        last = time.perf_counter(), time.process_time()
    taken["tree, after learning"] = time.perf_counter() - last[0], time.process_time() - last[1]
    taken["whole"] = time.perf_counter() - start[0], time.process_time() - start[1]
    return taken


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
    if sys.argv[1:2] == ["--stages"]:
        print(json.dumps(stages(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
