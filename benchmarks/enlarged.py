"""The recipe `fast` on a photograph and on its enlargements: seconds and peak memory.

    python benchmarks/enlarged.py PICTURE [--mpix 0.154,1,4] [--repeats 3]

Each size is a process of its own, so that its peak memory is its own; the first run in it, which
loads and compiles, is not counted. Processor seconds are those of all threads: they hardly depend
on what else the machine does.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from skimage.transform import resize

from nuriwake.io.image import read_image
from nuriwake.segmenter import segment


def measure(path: Path, mpix: float, repeats: int) -> str:
    """Segment one enlargement; return a row of the table."""
    array = read_image(path).array
    scale = (mpix * 1e6 / (array.shape[0] * array.shape[1])) ** 0.5
    shape = [round(side * scale) for side in array.shape[:2]]
    image = (resize(array, shape, order=3).clip(0, 1) * 255).astype(np.uint8)
    segment(image[:64, :64], max_iter=2)
    seconds, processor = [], []
    for _ in range(repeats):
        started, before = time.perf_counter(), time.process_time()
        result = segment(image)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - before)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    times = f"{statistics.median(seconds):.2f} | {statistics.median(processor):.2f}"
    return f"| {mpix:g} | {times} | {peak} | {result.tree.n_leaves} |"


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--mpix", default="0.154,1,4")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(measure(arguments.picture, arguments.one, arguments.repeats))
        return
    print("| megapixels | seconds | processor seconds | peak memory, MB | leaves |")
    print("|---|---|---|---|---|", flush=True)
    for mpix in arguments.mpix.split(","):
        options = ["--repeats", str(arguments.repeats), "--one", mpix]
        command = [sys.executable, __file__, str(arguments.picture), *options]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
