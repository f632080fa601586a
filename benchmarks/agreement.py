"""Does bfloat16 change the segmentations? Mean IoU of both precisions, image by image.

    python benchmarks/agreement.py DATA [--images 20] [--iterations 100] [--reference plain]
                                   [--seeds 1] [--shrink 1]

DATA is the folder of BSDS500 with `images` and `groundTruth`. One JSON line per image and seed goes
to standard output as soon as it is done; the mean comes at the end. `--rows FILE...` prints that of
earlier outputs.

The training is chaotic: one rounding makes another segmentation, so that the two differ by about
.05 on a single picture, and in the mean by what the standard error says. More seeds make it
smaller, and `--shrink 2` (every second row and column) makes them cheap.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from nuriwake.engine.fused import FusedEngine
from nuriwake.engine.plain import Objective, PlainEngine
from nuriwake.engine.schedule import Schedule
from nuriwake.evaluate.datasets import AnnotatedImage, find_bsds500
from nuriwake.evaluate.summaries import score_labels
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import build_network
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.voting import MajorityVote
from nuriwake.recipes.published import as_labels, as_tensor, judge_of
from nuriwake.recipes.training import Engine, train

KINDS = ("bf16", "fp32")


@dataclass(frozen=True)
class Row:
    """Sums of best IoUs over the segments of one image's annotators."""

    image: str
    seed: int
    n_segments: int
    iou_bf16: float
    iou_fp32: float
    n_labels_bf16: int
    n_labels_fp32: int


def segment(
    picture: np.ndarray,
    engine_of: Callable[..., Engine[torch.Tensor]],
    iterations: int,
    seed: int,
    shrink: int,
) -> np.ndarray:
    """Run the recipe `icassp2018` with an engine; return the labels."""
    image = picture[::shrink, ::shrink].astype(np.float32) / 255
    n_superpixels = 10_000 // shrink**2
    superpixels = torch.from_numpy(slic_superpixels(image, n_superpixels, 100.0)).long()[None]
    valid = torch.ones(superpixels.shape, dtype=torch.bool)
    schedule = Schedule(max_iter=iterations, min_labels=3)
    network = build_network(3, 100, 100, 2, seed=seed)
    objective = Objective(pixel_weights(valid, None, 0.5))
    engine = engine_of(network, as_tensor(image), valid, objective, schedule)
    refine = MajorityVote(superpixels, n_labels=100)
    for _ in train(engine, judge_of(refine, valid), schedule, as_labels):
        pass
    labels = engine.label()[0].numpy() + 1
    whole = labels.repeat(shrink, axis=0).repeat(shrink, axis=1)
    return whole[: picture.shape[0], : picture.shape[1]]


def compare(item: AnnotatedImage, seed: int, args: argparse.Namespace) -> Row:
    """Segment one image in both precisions."""
    fused = {kind: partial(FusedEngine, precision=kind) for kind in KINDS}
    engines = fused | ({"fp32": PlainEngine} if args.reference == "plain" else {})
    truths = item.truths()
    ious, n_labels = {}, {}
    for name, engine_of in engines.items():
        labels = segment(item.image(), engine_of, args.iterations, seed, args.shrink)
        scores = score_labels(labels, truths)
        ious[name], n_labels[name] = sum(scores.iou_sums), len(np.unique(labels))
    n_segments = sum(scores.n_segments)
    return Row(
        item.name, seed, n_segments, ious["bf16"], ious["fp32"], n_labels["bf16"], n_labels["fp32"]
    )


def report(rows: list[Row]) -> str:
    """Mean IoU over all segments of all images, and the difference with its standard error."""
    n = sum(row.n_segments for row in rows)
    bf16, fp32 = sum(r.iou_bf16 for r in rows) / n, sum(r.iou_fp32 for r in rows) / n
    rest = [r.iou_bf16 - r.iou_fp32 - (bf16 - fp32) * r.n_segments for r in rows]
    error = math.sqrt(len(rows) / max(1, len(rows) - 1) * sum(d**2 for d in rest)) / n
    q16, q32 = (sum(getattr(r, f"n_labels_{k}") for r in rows) / len(rows) for k in KINDS)
    return (
        f"{len(rows)} runs: mean IoU (all) bf16 {bf16:.4f}, fp32 {fp32:.4f}, difference "
        f"{bf16 - fp32:+.4f} +- {error:.4f}; labels left {q16:.2f} and {q32:.2f}"
    )


def main() -> None:
    """Read the arguments, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="skip this many images")
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--reference", choices=("plain", "fused"), default="plain")
    parser.add_argument("--seeds", type=int, default=1, help="train each image so many times")
    parser.add_argument(
        "--shrink", type=int, default=1, help="take every so many-th row and column"
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rows", type=Path, nargs="+", help="print the mean of earlier outputs")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.rows:
        lines = [line for path in args.rows for line in path.read_text().splitlines()]
        print(report([Row(**json.loads(line)) for line in lines if line.startswith("{")]))
        return
    if args.data is None:
        parser.error("give the folder of BSDS500, or --rows")
    rows = []
    chosen = find_bsds500(args.data, limit=args.first + args.images)[args.first :]
    for item, seed in itertools.product(chosen, range(args.seeds)):
        rows.append(compare(item, seed, args))
        print(json.dumps(asdict(rows[-1])), flush=True)
    print(report(rows))


if __name__ == "__main__":
    main()
