"""Does the size of a photograph matter? The same pictures at half, at full and at double size.

    python benchmarks/scale.py DATA [--split val] [--limit 20]

DATA is the folder of BSDS500 with `images` and `groundTruth`. Partitions are compared at half size
by the adjusted Rand index; beside it stands what two seeds give at full size.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from skimage.transform import resize

from nuriwake.evaluate.contingency import Contingency
from nuriwake.evaluate.datasets import find_bsds500
from nuriwake.evaluate.metrics import adjusted_rand_index
from nuriwake.segmenter import segment


def partition(picture: np.ndarray, size: float, seed: int) -> np.ndarray:
    """Segment the picture at a size; return the regions of the automatic cut."""
    shape = tuple(round(side * size) for side in picture.shape[:2])
    image = resize(picture, shape, order=1, anti_aliasing=size < 1).astype(np.float32)
    return segment(image, seed=seed, threads=1).regions


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Compare two partitions of different sizes on the pixels of the smaller."""
    shape = tuple(np.minimum(one.shape, other.shape))
    small = [
        resize(x, shape, order=0, preserve_range=True, anti_aliasing=False).astype(np.int64)
        for x in (one, other)
    ]
    return adjusted_rand_index(Contingency.of(*small))


def main() -> None:
    """Print a line for each picture, and the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    rows = []
    for item in find_bsds500(options.data, options.split, options.limit):
        picture = item.image()
        full = partition(picture, 1.0, seed=0)
        row = {
            "two seeds": agreement(full, partition(picture, 1.0, seed=1)),
            "half size": agreement(full, partition(picture, 0.5, seed=0)),
            "double size": agreement(full, partition(picture, 2.0, seed=0)),
        }
        rows.append(row)
        print(json.dumps({"image": item.name, **row}), flush=True)
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        share = values.mean() / np.mean([row["two seeds"] for row in rows])
        print(f"{name}: {values.mean():.3f} ({share:.2f} of what two seeds give)")


if __name__ == "__main__":
    main()
