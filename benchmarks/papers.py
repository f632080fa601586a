"""Where a published recipe stands after T iterations: the mean IoU along its training.

    python benchmarks/papers.py DATA [--recipe tip2020] [--continuity 5] [--max-iter 1000]
                                [--limit 25] [--rows FILE]
    python benchmarks/papers.py --table FILE...

DATA is the folder of BSDS500 with `images` and `groundTruth`. One JSON line a picture is appended
to the rows' file (`papers.jsonl`) as soon as it is done; pictures that stand in it are not done
again. At the end, and with `--table`, the means over the pictures are printed: the IoU that each
annotated segment finds, averaged over all segments (`all`) and over the means of the drawings
(`by drawing`), with standard errors over pictures, and how many labels are in use.

What is scored is the argmax before the next update, by the published protocol: its connected
regions. The last row is the recipe's result, as `nuriwake bench` scores it.
"""

from __future__ import annotations

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.evaluate.datasets import AnnotatedImage, find_bsds500
from nuriwake.evaluate.summaries import score_labels
from nuriwake.segmenter import finish_steps, segment_steps
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.recipes.training import Step

#: Iterations before which the labels are scored.
CHECKPOINTS = (20, 50, 100, 200, 500)


@dataclass(frozen=True)
class Point:
    """Scores after so many updates: IoU sums and numbers of segments of each drawing."""

    updates: int
    n_labels: int
    n_regions: int
    iou_sums: tuple[float, ...]
    n_segments: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """The training on one picture."""

    image: str
    recipe: str
    continuity: float
    points: tuple[Point, ...]


def main() -> None:
    """Read the arguments, train, print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--recipe", choices=["icassp2018", "tip2020"], default="tip2020")
    parser.add_argument("--continuity", type=float, default=5.0, help="mu (tip2020)")
    parser.add_argument("--max-iter", type=int, default=1000, help="T; shorter runs, other rows")
    parser.add_argument("--limit", type=int, default=25, help="pictures, the first by name")
    parser.add_argument("--rows", type=Path, default=Path("papers.jsonl"))
    parser.add_argument("--table", type=Path, nargs="+", help="print the means of these rows")
    args = parser.parse_args()
    if args.table:
        print_table([row for path in args.table for row in read_rows(path)])
        return
    if args.data is None:
        parser.error("DATA, the folder of BSDS500, is missing")
    settings = Settings(
        recipe=args.recipe, continuity=args.continuity, max_iter=args.max_iter, threads=1
    )
    done = {(row.image, row.recipe, row.continuity) for row in read_rows(args.rows)}
    for image in find_bsds500(args.data, "val", args.limit):
        if (image.name, args.recipe, args.continuity) not in done:
            row = measure(image, settings)
            with args.rows.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
    print_table(read_rows(args.rows))


def measure(image: AnnotatedImage, settings: Settings) -> Row:
    """Train on one picture; score its labels on the way and at the end."""
    picture, truths = image.image(), image.truths()
    points: list[Point] = []

    def score(updates: int, labels: np.ndarray) -> None:
        scores = score_labels(labels, truths)
        n_labels = np.unique(labels).size
        points.append(
            Point(updates, n_labels, scores.n_regions, scores.iou_sums, scores.n_segments)
        )

    iterations = 0

    def look(step: Step) -> None:
        nonlocal iterations
        iterations = step.iteration
        if step.iteration - 1 in CHECKPOINTS:
            score(step.iteration - 1, np.asarray(step.labels())[0])

    result = finish_steps(segment_steps(picture, settings), look)
    score(iterations, result.labels)
    return Row(image.name, settings.recipe, settings.continuity, tuple(points))


def read_rows(path: Path) -> list[Row]:
    """Read the rows of an earlier run; none where there is no file."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        Row(
            row["image"], row["recipe"], row["continuity"], tuple(Point(**p) for p in row["points"])
        )
        for row in rows
    ]


def print_table(rows: Sequence[Row]) -> None:
    """Print a table for each recipe and weight of the continuity."""
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.recipe, row.continuity].append(row)
    for (recipe, continuity), members in sorted(groups.items()):
        print(f"{recipe}, mu {continuity:g}, {len(members)} pictures")
        print("updates  all (s.e.)     by drawing  labels  regions")
        for updates in CHECKPOINTS:
            print_means(f"{updates:7}", [_at(row, updates) for row in members])
        print_means("    end", [row.points[-1] for row in members])


def _at(row: Row, updates: int) -> Point:
    """Where the training stood; where it had ended before, its end."""
    return next((point for point in row.points if point.updates == updates), row.points[-1])


def print_means(name: str, points: Sequence[Point]) -> None:
    """Print one line of a table."""
    n = len(points)
    total = pooled(points)
    left_out = [pooled([*points[:i], *points[i + 1 :]]) for i in range(n)] if n > 1 else [total]
    error = math.sqrt((n - 1) / n * sum((x - np.mean(left_out)) ** 2 for x in left_out))
    drawings = [s / k for p in points for s, k in zip(p.iou_sums, p.n_segments, strict=True)]
    labels = np.mean([point.n_labels for point in points])
    regions = np.mean([point.n_regions for point in points])
    mean = np.mean(drawings)
    print(f"{name}  {total:.4f} ({error:.4f})  {mean:.4f}      {labels:6.1f}  {regions:7.1f}")


def pooled(points: Sequence[Point]) -> float:
    """Average over all segments of all drawings."""
    return sum(sum(p.iou_sums) for p in points) / sum(sum(p.n_segments) for p in points)


if __name__ == "__main__":
    main()
