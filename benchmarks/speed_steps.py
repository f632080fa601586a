"""The steps that `speed.py` times, each in a process of its own that runs one when asked.

    python benchmarks/speed_steps.py step icassp2018 plain 0.154 2 wall cpu

A line on standard input asks for a burst of steps, a second long; the answer is their median
seconds and the rate of a matrix product right after them. At the end of the input come the size of
the image and the peak memory.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
P, Q, M, BANDS = 100, 100, 2, 3
BURST_SECONDS = 1.0
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


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


def gemm_timer(clock: Callable[[], float], device: str) -> Callable[[], float]:
    """Return a function that measures the rate of this machine's fastest product, in GFLOP/s."""
    import torch

    from nuriwake.engine.precision import compute_dtype

    # The product that most of a step consists of: pixels of a strip x neighbourhoods x channels.
    dtype = compute_dtype("auto", torch.device(device))
    a, b = (torch.randn(shape).to(device, dtype) for shape in ((4096, 9 * P), (9 * P, P)))

    def measure() -> float:
        seconds = []
        for _ in range(7):
            start = clock()
            a @ b
            wait_for(device)
            seconds.append(clock() - start)
        return 2 * 4096 * 9 * P * P / statistics.median(seconds) / 1e9

    return measure


def wait_for(device: str) -> None:
    """Wait until a GPU has done what it was given: it answers before."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def published_step(
    image: object, superpixels: object, recipe: str, device: str
) -> Callable[[], None]:
    """One iteration as the published programs do it, NCHW, float32, with their Python loops."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    import numpy as np
    import torch
    from torch.nn import functional

    from oracles import PublishedNetwork

    network = PublishedNetwork(BANDS, P, Q, M).to(device)
    x = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].to(device)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    order = np.argsort(superpixels.ravel(), kind="stable")
    bounds = np.cumsum(np.bincount(superpixels.ravel()))[:-1]
    members = np.split(order, bounds)  # found once, before the loop

    def step() -> None:
        optimiser.zero_grad()
        output = network(x)[0].permute(1, 2, 0)
        rows = output.contiguous().view(-1, Q)
        labels = rows.max(1)[1]
        np.unique(labels.cpu().numpy())
        loss = rows.new_zeros(())
        if recipe == "icassp2018":
            target = labels.cpu().numpy().copy()
            for inside in members:
                found = target[inside]
                names = np.unique(found)
                counts = [len(np.where(found == name)[0]) for name in names]
                target[inside] = names[int(np.argmax(counts))]
            labels = torch.from_numpy(target).to(device)
        else:
            loss = functional.l1_loss(output[1:], output[:-1])
            loss = 5 * (loss + functional.l1_loss(output[:, 1:], output[:, :-1]))
        (loss + functional.cross_entropy(rows, labels)).backward()
        optimiser.step()

    return step


def engine_step(
    image: object, superpixels: object, recipe: str, method: str, device: str
) -> Callable[[], None]:
    """One iteration of one of our engines, vote included."""
    import torch

    from nuriwake.engine.fused import FusedEngine
    from nuriwake.engine.plain import Objective, PlainEngine
    from nuriwake.engine.schedule import Schedule
    from nuriwake.learn.losses import pixel_weights
    from nuriwake.learn.network import build_network
    from nuriwake.learn.voting import MajorityVote, count_labels
    from nuriwake.recipes.published import as_tensor

    ids = torch.from_numpy(superpixels)[None].to(device)
    valid = torch.ones(ids.shape, dtype=torch.bool, device=device)
    objective = Objective(pixel_weights(valid, None, 0.5), 5.0 if recipe == "tip2020" else 0.0)
    network = build_network(BANDS, P, Q, M, seed=0).to(device)
    schedule = Schedule(max_iter=1, min_labels=1)
    arguments = (network, as_tensor(image).to(device), valid, objective, schedule)
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


def predict_step(image: object, method: str, device: str) -> Callable[[], None]:
    """Inference on the whole image."""
    import torch

    from nuriwake.engine.predict import Predictor
    from nuriwake.learn.network import build_network
    from nuriwake.recipes.published import as_tensor

    network = build_network(BANDS, P, Q, M, seed=0).to(device)
    network.freeze(as_tensor(image[:200, :200]).to(device))
    if method == "plain":
        x = as_tensor(image).to(device)

        @torch.no_grad()
        def step() -> None:
            network.eval()(x).argmax(dim=1)

        return step
    predictor = Predictor(network, precision=method.removeprefix("fused-"))

    def ours() -> None:
        predictor.labels(image)

    return ours


def peak_mib(device: str) -> float:
    """Return the most memory so far: resident of this process, or allocated on the GPU."""
    import resource

    import torch

    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def burst(step: Callable[[], None], now: Callable[[], float], device: str) -> float:
    """Run steps for a second, as a training does, but at least one; return their median seconds."""
    seconds: list[float] = []
    while sum(seconds) < BURST_SECONDS:
        start = now()
        step()
        wait_for(device)
        seconds.append(now() - start)
    return statistics.median(seconds)


def serve(
    what: str, recipe: str, method: str, megapixels: float, threads: int, clock: str, device: str
) -> None:
    """Time steps until the input ends."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(threads)
    now = CLOCKS[clock]
    image = photograph(megapixels)
    height, width, _ = image.shape
    gemm = gemm_timer(now, device)
    gemm()
    before = peak_mib(device)
    if what == "predict":
        step = predict_step(image, method, device)
    elif method == "published":
        step = published_step(image, squares((height, width), 10_000), recipe, device)
    else:
        step = engine_step(image, squares((height, width), 10_000), recipe, method, device)
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps([burst(step, now, device), gemm()]), flush=True)
    print(json.dumps([height * width, peak_mib(device) - before]), flush=True)


if __name__ == "__main__":
    what, recipe, method, size, n_threads, clock_name, where = sys.argv[1:]
    serve(what, recipe, method, float(size), int(n_threads), clock_name, where)
