"""Where the time of a large scene goes: seconds of the clock and of the processors, by stage.

    python benchmarks/scene_stages.py [--side 5000] [--workers 1 2] [--memory 2400M] [--apart]

The scene is that of `scenes.py`, with its settings for `fast`. Each run is one `segment_tiled`
in this process, whose stages are timed from outside: seconds of the clock, seconds of this
process, seconds of its workers. What only this process does bounds what workers can gain.

With --apart, one run with one worker, and then two such runs at once that know nothing of each
other: what the machine's cores gain on the same work when nothing is shared but the hardware.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from made_scene import write_scene
from memory import children
from scenes import ONE_THREAD, SETTINGS

#: What is timed: the module in which it is called, its name there, and what to call it.
STAGES = (
    ("nuriwake.scale.trees", "read_reduced", "overview"),
    ("nuriwake.recipes.many_bands", "learn_view", "learning"),
    ("nuriwake.scale.scene", "run_tiles", "tiles"),
    ("nuriwake.scale.scene", "join_leaves", "joining"),
    ("nuriwake.scale.scene_tree", "add_up", "sums"),
    ("nuriwake.scale.scene", "grow_scene_tree", "tree with sums"),
    ("nuriwake.scale.scene", "_tables", "cut"),
    ("nuriwake.scale.scene", "write_products", "writing and publishing"),
    ("nuriwake.io.geotiff", "_write_blocks", "  blocks"),
    ("nuriwake.io.geotiff", "_copy_as_cog", "  cloud-optimised copy"),
)
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Clock:
    """What was spent, by stage: of the clock, here, in workers."""

    spent: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add what the block takes to a stage."""
        before = now()
        yield
        kept = self.spent.setdefault(name, [0.0, 0.0, 0.0])
        for place, (start, end) in enumerate(zip(before, now(), strict=True)):
            kept[place] += end - start

    def timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        """Time a function, or a generator that is gone through."""

        def run(*args: Any, **kwargs: Any) -> Any:
            # Both of the stages on tiles are calls of one function.
            with self.stage(args[0].__name__.replace("_", " ") if name == "tiles" else name):
                return call(*args, **kwargs)

        def steps(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return (yield from call(*args, **kwargs))

        return steps if call.__name__.startswith("learn") else run


def now() -> tuple[float, float, float]:
    """Return the clock, the seconds of this process, and those of the ones it started."""
    workers = 0.0
    for pid in list(children(os.getpid()))[1:]:
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        workers += (int(words[11]) + int(words[12])) / TICK
    return time.perf_counter(), time.process_time(), workers


def run_once(scene: Path, out: Path, workers: int, memory: str) -> None:
    """Run the command in this process and print its stages."""
    from nuriwake.faces.cli import run

    clock = Clock()
    given = [word for name, value in SETTINGS["fast"].items() for word in (f"--{name}", str(value))]
    words = ["segment", str(scene), "-o", str(out), "--save", "regions", "--memory", memory]
    words += ["--threads", "1", "--overwrite", "--quiet", "--workers", str(workers), *given]
    from nuriwake.jobs import tiled

    segment_on = tiled._segment_on

    def segment_timed(*args: Any) -> Any:
        """Put the clocks in place where the run imports what it learns with: workers have begun."""
        with clock.stage("imports"):
            modules = {module: import_module(module) for module, _, _ in STAGES}
        with ExitStack() as stack:
            for module, name, shown in STAGES:
                call = clock.timed(getattr(modules[module], name), shown)
                stack.enter_context(patch(f"{module}.{name}", call))
            return segment_on(*args)

    with clock.stage("all"), patch.object(tiled, "_segment_on", segment_timed):
        if code := run(words):
            raise SystemExit(code)
    out.unlink()
    # What workers had used when they ended is known only now.
    used = os.times()
    clock.spent["all"][2] = used.children_user + used.children_system
    for name, spent in clock.spent.items():
        print(f"| {workers} | {name} | {' | '.join(f'{seconds:.2f}' for seconds in spent)} |")


def main() -> None:
    """Read the arguments; run each number of workers in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=5000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", default="2400M")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/nuriwake-scenes"))
    parser.add_argument("--apart", action="store_true", help="runs beside each other")
    parser.add_argument("--here", action="store_true", help="in this process")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    scene, truth = (options.folder / f"{what}-{options.side}-0.tif" for what in ("scene", "truth"))
    if not truth.exists():
        write_scene(scene, truth, options.side, 0)
    if options.here:
        out = options.folder / f"stages-{os.getppid()}-{os.getpid()}.tif"
        run_once(scene, out, options.workers[0], options.memory)
        return
    if options.apart:
        alone, both = (run_beside(n, options) for n in (1, 2))
        print(f"{alone:.1f} s alone, {both:.1f} s beside another: {2 * alone / both:.2f} times")
        return
    print(
        "| workers | stage | s | CPU s here | CPU s of workers |\n" + 5 * "|---" + "|", flush=True
    )
    for workers in options.workers:
        subprocess.run(words_of(workers, options), check=True, env={**os.environ, **ONE_THREAD})


def words_of(workers: int, options: argparse.Namespace) -> list[str]:
    """Return the command of one run in a process of its own."""
    words = ["--side", str(options.side), "--workers", str(workers), "--here"]
    words += ["--memory", options.memory, "--folder", str(options.folder)]
    return [sys.executable, __file__, *words]


def run_beside(n_runs: int, options: argparse.Namespace) -> float:
    """Run so many runs with one worker at once; return the seconds until the last one ends."""
    started, words = time.perf_counter(), words_of(1, options)
    runs = [
        subprocess.Popen(words, stdout=subprocess.DEVNULL, env={**os.environ, **ONE_THREAD})
        for _ in range(n_runs)
    ]
    codes = [run.wait() for run in runs]
    if any(codes):
        raise SystemExit("a run failed")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
