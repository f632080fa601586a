"""How fast: one training step, inference, start-up; ours beside the published code and PyTorch.

    python benchmarks/speed.py [--sizes 0.15,1,4,16] [--repeats 5] [--threads 2] [--device cpu]

The first line names the instruction set. A larger processor does as one with AVX2 only after

    export ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 NUMBA_CPU_NAME=haswell
    export NUMBA_CPU_FEATURES=+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt
    export OPENBLAS_CORETYPE=Haswell
    python benchmarks/speed.py

On a machine that others use too, `--threads 1 --clock cpu` counts only the time that the process
itself was running; what two threads gain is then not measured.

With `--device cuda` all methods compute on the GPU, and the memory is what they allocate there; how
many fit side by side is still judged by the memory of the machine.

Every row of the table is a process of its own (`speed_steps.py`), so that its peak memory is its
own. The methods take turns of a second, or of one step, as far as they fit into memory together.
The rate of a plain matrix product is measured after every turn: the share of it that a step reaches
says how near it is to the machine's limit, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from nuriwake.engine.precision import instruction_set

REPOSITORY = Path(__file__).resolve().parents[1]
METHODS = ("published", "plain", "fused-fp32", "fused-bf16")
RECIPES = ("icassp2018", "tip2020")
STEPS = Path(__file__).with_name("speed_steps.py")
P, Q, M, BANDS = 100, 100, 2, 3
#: What, recipe, method and megapixels.
Job = tuple[str, str, str, float]


@dataclass(frozen=True)
class Row:
    """One measurement. Times are medians in milliseconds, memory is the peak in MiB."""

    what: str
    recipe: str
    method: str
    megapixels: float
    milliseconds: float
    best_milliseconds: float
    gflops: float
    gemm_gflops: float
    share_of_gemm: float
    peak_mib: float


def work_per_pixel(backward: bool) -> int:
    """Arithmetic of one iteration, in operations per pixel; nothing counts that helps no result."""
    first, inner, last = 2 * 9 * BANDS * P, 2 * 9 * P * P * (M - 1), 2 * P * Q
    forward = first + inner + last
    # Backwards each product is done twice, but the image needs no gradient.
    return forward + (first + 2 * inner + 2 * last if backward else 0)


# --- the table -----------------------------------------------------------------------------------


def needed_gib(job: Job) -> float:
    """About how much memory a step needs."""
    what, _, method, megapixels = job
    if what == "predict":
        return 0.5 + megapixels * (2.0 if method == "plain" else 0.1)
    maps = {"published": 14, "plain": 13, "fused-fp32": 6.5, "fused-bf16": 3.2}[method]
    return 0.4 + maps * megapixels * 1e6 * P * 4 / 2**30


def free_gib() -> float:
    """Memory that is free now."""
    meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(meminfo.split("MemAvailable:")[1].split()[0]) / 2**20


class Runner:
    """A process that runs one step of a method whenever it is asked to."""

    def __init__(self, job: Job, threads: int, clock: str, device: str) -> None:
        self.job = job
        self._seconds: list[float] = []
        self._rates: list[float] = []
        command = [sys.executable, str(STEPS), *map(str, job), str(threads), clock, device]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read()

    def _read(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, self.job))}: ended with {self._process.wait()}")
        return line

    def step(self) -> None:
        """Run and time a burst of steps."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        seconds, rate = json.loads(self._read())
        self._seconds.append(seconds)
        self._rates.append(rate)

    def finish(self) -> Row:
        """End the process; return what it measured."""
        self._process.stdin.close()
        n_pixels, peak = json.loads(self._read())
        self._process.wait()
        work = work_per_pixel(backward=self.job[0] == "step") * n_pixels / 1e9
        rate, limit = work / statistics.median(self._seconds), statistics.median(self._rates)
        times = statistics.median(self._seconds) * 1e3, min(self._seconds) * 1e3
        return Row(*self.job[:3], n_pixels / 1e6, *times, rate, limit, rate / limit, peak)


def together(jobs: list[Job]) -> list[list[Job]]:
    """Put jobs that fit into memory at the same time into one group; leave out what never fits."""
    groups: list[list[Job]] = []
    free = free_gib() - 1
    for job in jobs:
        if needed_gib(job) > free:
            print(
                f"{job[0]:8} {job[1]:10} {job[2]:11} {job[3]:6.2f} does not fit in {free:.0f} GiB"
            )
        elif groups and sum(map(needed_gib, [*groups[-1], job])) <= free:
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups


def take_turns(jobs: list[Job], repeats: int, threads: int, clock: str, device: str) -> list[Row]:
    """Measure jobs step by step in turn: what else the machine does then falls on all alike."""
    runners = [Runner(job, threads, clock, device) for job in jobs]
    for _ in range(repeats):
        for runner in runners:
            runner.step()
    return [runner.finish() for runner in runners]


def collect(
    sizes: list[float], methods: list[str], recipes: list[str], how: tuple[int, int, str, str]
) -> list[Row]:
    """Measure all rows, smallest first, printing each; `how`: repeats, threads, clock, device."""
    print(f"{'':8} {'recipe':10} {'method':11} {'MPix':>6} {'ms':>9} {'best':>9} "
          f"{'GFLOP/s':>8} {'of GEMM':>8} {'peak MiB':>9} {'MPix/s':>7}")  # fmt: skip
    tasks = [("step", recipe) for recipe in recipes] + [("predict", "-")]
    rows = []
    for size, (what, recipe) in itertools.product(sizes, tasks):
        jobs = [
            (what, recipe, method, size)
            for method in methods
            if what == "step" or method != "published"
        ]
        for group in together(jobs):
            for row in take_turns(group, *how):
                rows.append(row)
                print_row(row)
    return rows


def print_row(row: Row) -> None:
    """Print a line of the table."""
    speed = row.megapixels / row.milliseconds * 1e3
    print(f"{row.what:8} {row.recipe:10} {row.method:11} {row.megapixels:6.2f} "
          f"{row.milliseconds:9.1f} {row.best_milliseconds:9.1f} {row.gflops:8.0f} "
          f"{row.share_of_gemm:8.2f} {row.peak_mib:9.0f} {speed:7.2f}", flush=True)  # fmt: skip


def compare(rows: list[Row]) -> None:
    """Print how ours stands to the others, and how cost grows with size."""
    table = {(r.what, r.recipe, r.method, round(r.megapixels, 1)): r for r in rows}
    for (what, recipe, method, size), row in table.items():
        if what != "step" or not method.startswith("fused"):
            continue
        for other in ("published", "plain"):
            peer = table.get((what, recipe, other, size))
            if peer:
                faster, memory = peer.milliseconds / row.milliseconds, row.peak_mib / peer.peak_mib
                print(f"{recipe} {size} MPix: {method} {faster:.1f} x as fast as {other}, "
                      f"{memory:.0%} of its memory")  # fmt: skip
    for what, recipe in sorted({(r.what, r.recipe) for r in rows}):
        ours = [r for r in rows if (r.what, r.recipe, r.method) == (what, recipe, "fused-bf16")]
        if len(ours) > 1:
            one, last = ours[0], ours[-1]
            growth = math.log(last.milliseconds / one.milliseconds)
            exponent = growth / math.log(last.megapixels / one.megapixels)
            print(f"{what} {recipe}: time grows as pixels to the power {exponent:.2f}")


def start_up(repeats: int) -> dict[str, float]:
    """Seconds of the commands that people wait for, interpreter start included."""
    picture = REPOSITORY / "examples" / "coffee.png"
    module = [sys.executable, "-m", "nuriwake"]
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "python -c 'import nuriwake'": [sys.executable, "-c", "import nuriwake"],
            "nuriwake --help": [*module, "--help"],
            "nuriwake segment coffee.png": [
                *module, "segment", str(picture), "-o", folder, "--overwrite", "--quiet",
            ],
        }  # fmt: skip
        seconds = {}
        for name, command in commands.items():
            times = []
            for _ in range(repeats):
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                times.append(time.perf_counter() - start)
            seconds[name] = statistics.median(times)
            print(f"{name:30} {seconds[name]:6.2f} s", flush=True)
    return seconds


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="0.15,1,4,16", help="megapixels")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps")
    parser.add_argument("--no-start-up", action="store_true")
    parser.add_argument("--json", type=Path, help="write the rows here")
    args = parser.parse_args()
    instructions = instruction_set()
    print(f"{instructions}, {args.threads} threads of {os.cpu_count()} cores; "
          f"load before: {os.getloadavg()[0]:.1f}")  # fmt: skip
    sizes = [float(size) for size in args.sizes.split(",")]
    how = (args.repeats, args.threads, args.clock, args.device)
    rows = collect(sizes, args.methods.split(","), args.recipes.split(","), how)
    compare(rows)
    seconds = {} if args.no_start_up else start_up(args.repeats)
    print(f"load after: {os.getloadavg()[0]:.1f}")
    if args.json:
        record = {
            "instruction_set": instructions,
            "rows": [asdict(row) for row in rows],
            "start_up_seconds": seconds,
        }
        args.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
