"""Scribbles and reference images on the paper's own pictures.

Scribbles: the share of scribbled pixels that get their label, and the accuracy on every second
scribbled pixel when the network has seen the others only. Frames: how often two consecutive frames
have the same label at the same place, with frozen statistics and with those of each image.

    python benchmarks/guidance.py DATA/tip --pictures out/ --json out/guidance.json
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from nuriwake.io.image import read_image, write_picture
from nuriwake.io.scribbles import read_scribbles
from nuriwake.learn.guidance import Scribbles
from nuriwake.learn.normalise import normalise
from nuriwake.model import Model
from nuriwake.painting import paint
from nuriwake.raster import LabelMap, Raster
from nuriwake.recipes.published import as_tensor
from nuriwake.segmentation import Segmentation
from nuriwake.segmenter import finish_steps, segment_steps
from nuriwake.settings import Settings


@dataclass(frozen=True)
class ScribbleRow:
    """One photograph."""

    picture: str
    followed: float
    held_out: float
    iterations: int
    seconds: float


@dataclass(frozen=True)
class FrameRow:
    """All test frames."""

    frozen: float
    per_image: float
    ratio: float
    n_labels: int
    iterations: int


def _segment(image: Raster, scribbles: LabelMap, settings: Settings) -> Segmentation:
    return finish_steps(segment_steps(image, settings, scribbles=Scribbles(scribbles)))


def measure_scribbles(folder: Path, settings: Settings, pictures: Path | None) -> list[ScribbleRow]:
    """Segment each photograph with all of its scribbles, and with every second pixel of them."""
    rows = []
    for path in sorted(folder.glob("*.jpg")):
        image = read_image(path)
        drawn = read_scribbles(path.with_name(f"{path.stem}_scribble.png")).labels
        result = _segment(image, drawn, settings)
        is_drawn = drawn > 0
        followed = float((result.labels == drawn)[is_drawn].mean())
        kept = drawn.copy()
        kept.ravel()[np.flatnonzero(drawn)[1::2]] = 0
        hidden = is_drawn & (kept == 0)
        halved = _segment(image, kept, settings)
        held_out = float((halved.labels == drawn)[hidden].mean())
        n_iterations = len(result.history)
        seconds = result.seconds["total"]
        rows.append(ScribbleRow(path.stem, followed, held_out, n_iterations, seconds))
        print(f"{path.stem}: followed {followed:.4f}, held out {held_out:.4f}", flush=True)
        if pictures:
            shown = np.where(is_drawn[..., None], paint(drawn), result.picture)
            row = [shown, result.overlay()]
            write_picture(pictures / f"{path.stem}.png", np.concatenate(row, axis=1))
    return rows


def label_per_image(model: Model, image: Raster) -> LabelMap:
    """Label as the published program does: the statistics are those of the image at hand."""
    unit = normalise(image.array, image.valid, model.statistics)
    model.network.train()
    with torch.no_grad():
        responses = model.network(as_tensor(unit))
    model.network.eval()
    return responses[0].argmax(dim=0).numpy().astype(np.int32) + 1


def agreement(maps: list[LabelMap]) -> float:
    """Share of pixels with the same label in consecutive maps, over all pairs."""
    return float(np.mean([(one == two).mean() for one, two in pairwise(maps)]))


def measure_frames(folder: Path, settings: Settings, pictures: Path | None) -> FrameRow:
    """Train on the reference frame, label the test frames both ways."""
    reference = read_image(next((folder / "ref").glob("*.jpg")))
    result = finish_steps(segment_steps(reference, settings))
    frames = [read_image(path) for path in sorted((folder / "test").glob("*.jpg"))]
    frozen = [result.model.predict(frame) for frame in frames]
    per_image = [label_per_image(result.model, frame) for frame in frames]
    if pictures:
        for index, (one, two) in enumerate(zip(frozen, per_image, strict=True)):
            both = np.concatenate([paint(one), paint(two)], axis=1)[::2, ::2]
            write_picture(pictures / f"frame{index}.png", both)
    same = agreement(frozen), agreement(per_image)
    n_iterations = len(result.history)
    return FrameRow(*same, same[0] / same[1], result.n_labels, n_iterations)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="folder with scribbles/ and frames/")
    parser.add_argument("--max-iter", type=int, help="for the scribbles; default: the recipe's")
    parser.add_argument("--frame-iter", type=int, default=100)
    parser.add_argument("--recipe", default="tip2020")
    parser.add_argument("--pictures", type=Path, help="write pictures to this folder")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    limit = {"max_iter": arguments.max_iter} if arguments.max_iter else {}
    settings = Settings(recipe=arguments.recipe, **limit)
    scribbles = measure_scribbles(arguments.data / "scribbles", settings, arguments.pictures)
    # Frames are labelled one by one with statistics of their own, which fast has no use for.
    frame_recipe = "tip2020" if arguments.recipe == "fast" else arguments.recipe
    settings = Settings(recipe=frame_recipe, max_iter=arguments.frame_iter)
    frames = measure_frames(arguments.data / "frames", settings, arguments.pictures)
    print(f"{'picture':<14}{'followed':>10}{'held out':>10}{'iterations':>12}{'seconds':>9}")
    for row in scribbles:
        print(
            f"{row.picture:<14}{row.followed:>10.4f}{row.held_out:>10.4f}"
            f"{row.iterations:>12}{row.seconds:>9.1f}"
        )
    print(
        f"frames: the same label at the same place in consecutive frames: frozen "
        f"{frames.frozen:.4f}, per image {frames.per_image:.4f}, ratio {frames.ratio:.2f}"
    )
    if arguments.json:
        record = {"scribbles": [asdict(row) for row in scribbles], "frames": asdict(frames)}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
