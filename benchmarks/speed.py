"""How fast: one training step, inference, start-up; ours beside the published code and PyTorch.

    python benchmarks/speed.py [--sizes 0.15,1,4,16] [--repeats 5] [--threads 2] [--json FILE]

On a machine that others use too, `--threads 1 --clock cpu` counts only the time that the process
itself was running; what two threads gain is then not measured.

Every row of the table is a process of its own, so that its peak memory is its own. The rate of a
plain matrix product is measured in the same process, between the steps: the share of it that a step
reaches says how near it is to the machine's limit, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
METHODS = ("published", "plain", "fused-fp32", "fused-bf16")
RECIPES = ("icassp2018", "tip2020")
P, Q, M, BANDS = 100, 100, 2, 3
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


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


# --- what runs inside a process of its own -------------------------------------------------------


def photograph(megapixels: float) -> object:
    """Enlarge the example picture; float32 (H, W, 3) in [0, 1]."""
    import numpy as np
    from skimage.io import imread
    from skimage.transform import resize

    height = round(math.sqrt(megapixels * 1e6 * 321 / 481))
    shape = (height, round(height * 481 / 321))
    picture = imread(REPOSITORY / "examples" / "coffee.png")[..., :3] / np.float32(255)
    return resize(picture, shape, order=1, anti_aliasing=False).astype(np.float32)


def squares(shape: tuple[int, int], count: int) -> object:
    """About `count` square superpixels: their shape does not change how long a vote takes."""
    import numpy as np

    side = math.sqrt(shape[0] * shape[1] / count)
    row, column = (np.arange(length) // side for length in shape)
    ids = (row[:, None] * (column[-1] + 1) + column[None]).astype(np.int64)
    return np.unique(ids, return_inverse=True)[1].reshape(shape)


def gemm_timer(clock: Callable[[], float]) -> Callable[[], float]:
    """Return a function that measures the rate of a bfloat16 matrix product, in GFLOP/s."""
    import torch

    # The product that most of a step consists of: pixels of a strip x neighbourhoods x channels.
    a, b = torch.randn(4096, 9 * P).bfloat16(), torch.randn(9 * P, P).bfloat16()

    def measure() -> float:
        seconds = []
        for _ in range(7):
            start = clock()
            a @ b
            seconds.append(clock() - start)
        return 2 * 4096 * 9 * P * P / statistics.median(seconds) / 1e9

    return measure


def published_step(image: object, superpixels: object, recipe: str) -> Callable[[], None]:
    """One iteration as the published programs do it, NCHW, float32, with their Python loops."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    import numpy as np
    import torch
    from torch.nn import functional

    from oracles import PublishedNetwork

    network = PublishedNetwork(BANDS, P, Q, M)
    x = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    order = np.argsort(superpixels.ravel(), kind="stable")
    bounds = np.cumsum(np.bincount(superpixels.ravel()))[:-1]
    members = np.split(order, bounds)  # found once, before the loop

    def step() -> None:
        optimiser.zero_grad()
        output = network(x)[0].permute(1, 2, 0)
        rows = output.contiguous().view(-1, Q)
        labels = rows.max(1)[1]
        np.unique(labels.numpy())
        loss = rows.new_zeros(())
        if recipe == "icassp2018":
            target = labels.numpy().copy()
            for inside in members:
                found = target[inside]
                names = np.unique(found)
                counts = [len(np.where(found == name)[0]) for name in names]
                target[inside] = names[int(np.argmax(counts))]
            labels = torch.from_numpy(target)
        else:
            loss = functional.l1_loss(output[1:], output[:-1])
            loss = 5 * (loss + functional.l1_loss(output[:, 1:], output[:, :-1]))
        (loss + functional.cross_entropy(rows, labels)).backward()
        optimiser.step()

    return step


def engine_step(image: object, superpixels: object, recipe: str, method: str) -> Callable[[], None]:
    """One iteration of one of our engines, vote included."""
    import torch

    from nuriwake.learn.engine import Objective, PlainEngine, Schedule
    from nuriwake.learn.fused import FusedEngine
    from nuriwake.learn.losses import pixel_weights
    from nuriwake.learn.network import build_network
    from nuriwake.learn.published import as_tensor
    from nuriwake.learn.superpixels import MajorityVote
    from nuriwake.learn.training import count_labels

    ids = torch.from_numpy(superpixels)[None]
    valid = torch.ones(ids.shape, dtype=torch.bool)
    objective = Objective(pixel_weights(valid, None, 0.5), 5.0 if recipe == "tip2020" else 0.0)
    network, schedule = build_network(BANDS, P, Q, M, seed=0), Schedule(max_iter=1, min_labels=1)
    arguments = (network, as_tensor(image), valid, objective, schedule)
    engine = (
        PlainEngine(*arguments)
        if method == "plain"
        else FusedEngine(*arguments, precision=method.removeprefix("fused-"))
    )

    vote = MajorityVote(ids, Q)

    def step() -> None:
        labels = engine.label()
        count_labels(labels, valid)
        refined = vote(labels) if recipe == "icassp2018" else labels
        engine.update(refined)

    return step


def predict_step(image: object, method: str) -> Callable[[], None]:
    """Inference on the whole image."""
    import torch

    from nuriwake.learn.network import build_network
    from nuriwake.learn.predict import Predictor
    from nuriwake.learn.published import as_tensor

    network = build_network(BANDS, P, Q, M, seed=0)
    network.freeze(as_tensor(image[:200, :200]))
    if method == "plain":
        x = as_tensor(image)

        @torch.no_grad()
        def step() -> None:
            network.eval()(x).argmax(dim=1)

        return step
    predictor = Predictor(network, precision=method.removeprefix("fused-"))

    def ours() -> None:
        predictor.labels(image)

    return ours


def peak_mib() -> float:
    """Return the largest resident memory of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(
    what: str, recipe: str, method: str, megapixels: float, repeats: int, threads: int, clock: str
) -> Row:
    """Run one row of the table in this process."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    now = CLOCKS[clock]
    image = photograph(megapixels)
    height, width, _ = image.shape
    gemm = gemm_timer(now)
    before = peak_mib()
    if what == "predict":
        step = predict_step(image, method)
    elif method == "published":
        step = published_step(image, squares((height, width), 10_000), recipe)
    else:
        step = engine_step(image, squares((height, width), 10_000), recipe, method)
    step()
    seconds, rates = [], [gemm()]
    for _ in range(repeats):
        start = now()
        step()
        seconds.append(now() - start)
        rates.append(gemm())
    work = work_per_pixel(backward=what == "step") * height * width / 1e9
    rate, limit = work / statistics.median(seconds), statistics.median(rates)
    times = statistics.median(seconds) * 1e3, min(seconds) * 1e3
    size = height * width / 1e6
    share = rate / limit
    return Row(what, recipe, method, size, *times, rate, limit, share, peak_mib() - before)


# --- the table -----------------------------------------------------------------------------------


def needed_gib(method: str, megapixels: float) -> float:
    """About how much memory a step needs."""
    maps = {"published": 14, "plain": 13, "fused-fp32": 4.5, "fused-bf16": 2.5}[method]
    return maps * megapixels * 1e6 * P * 4 / 2**30


def free_gib() -> float:
    """Memory that is free now."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30


def in_a_process(*arguments: object) -> Row | str:
    """Measure one row in a new process; what went wrong where it failed."""
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return f"ended with {done.returncode}: {lines[-1] if lines else 'killed'}"
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def collect(
    sizes: list[float], methods: list[str], recipes: list[str], how: tuple[int, int, str]
) -> list[Row]:
    """Measure all rows, smallest first, printing each; `how`: repeats, threads, clock."""
    jobs = [
        ("step", recipe, method, size) for size in sizes for recipe in recipes for method in methods
    ]
    jobs += [("predict", "", m, size) for size in sizes for m in methods if m != "published"]
    print(f"{'':8} {'recipe':10} {'method':11} {'MPix':>6} {'ms':>9} {'best':>9} "
          f"{'GFLOP/s':>8} {'of GEMM':>8} {'peak MiB':>9} {'MPix/s':>7}")  # fmt: skip
    rows = []
    for job in jobs:
        what, recipe, method, size = job
        if what == "step" and needed_gib(method, size) > free_gib():
            limit = f"does not fit in {free_gib():.0f} GiB"
            print(f"{what:8} {recipe:10} {method:11} {size:6.2f} {limit}")
            continue
        row = in_a_process(*job, *how)
        if isinstance(row, str):
            print(f"{what:8} {recipe:10} {method:11} {size:6.2f} {row}")
            continue
        rows.append(row)
        speed = row.megapixels / row.milliseconds * 1e3
        print(f"{what:8} {recipe:10} {method:11} {row.megapixels:6.2f} {row.milliseconds:9.1f} "
              f"{row.best_milliseconds:9.1f} {row.gflops:8.0f} {row.share_of_gemm:8.2f} "
              f"{row.peak_mib:9.0f} {speed:7.2f}", flush=True)  # fmt: skip
    return rows


def compare(rows: list[Row]) -> None:
    """Print how ours stands to the others, and how cost grows with size."""
    table = {(r.what, r.recipe, r.method, round(r.megapixels, 1)): r for r in rows}
    for (what, recipe, method, size), row in table.items():
        if what != "step" or method != "fused-bf16":
            continue
        for other in ("published", "plain"):
            peer = table.get((what, recipe, other, size))
            if peer:
                print(f"{recipe} {size} MPix: {peer.milliseconds / row.milliseconds:.1f} x as fast "
                      f"as {other}, {row.peak_mib / peer.peak_mib:.0%} of its memory")  # fmt: skip
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
    if sys.argv[1:2] == ["--one"]:
        what, recipe, method, size, repeats, threads, clock = sys.argv[2:]
        row = measure(what, recipe, method, float(size), int(repeats), int(threads), clock)
        print(json.dumps(asdict(row)))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="0.15,1,4,16", help="megapixels")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--clock", choices=sorted(CLOCKS), default="wall")
    parser.add_argument("--no-start-up", action="store_true")
    parser.add_argument("--json", type=Path, help="write the rows here")
    args = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sizes = [float(size) for size in args.sizes.split(",")]
    how = (args.repeats, args.threads, args.clock)
    rows = collect(sizes, args.methods.split(","), args.recipes.split(","), how)
    compare(rows)
    seconds = {} if args.no_start_up else start_up(args.repeats)
    print(f"load after: {os.getloadavg()[0]:.1f}")
    if args.json:
        record = {"rows": [asdict(row) for row in rows], "start_up_seconds": seconds}
        args.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
