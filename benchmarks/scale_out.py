"""What does labelling cost as rasters grow? Seconds, peak memory and exponent; one and two workers.

    python benchmarks/scale_out.py [--sides 2000,5000,10000,20000] [--memory 1G] [--workers 1,2]
                                   [--dask] [--threads 1] [--folder /tmp/scale] [--regions]

Writes synthetic 4-band uint16 rasters into the folder, trains a model (p = q = 100) on windows of
the first, and labels each raster in a process of its own, whose peak resident memory is taken from
the operating system. One JSON line for each run goes to standard output; the table comes last.
What more workers gain shows where each has as many threads: --dask --workers 1,2 --threads 1.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

BLOCK = 512
N_BANDS = 4


@dataclass(frozen=True)
class Row:
    """One run."""

    side: int
    workers: int
    seconds: float
    mpix_per_s: float
    share_of_predict: float
    peak_rss_mb: int
    tile_side: int


def write_raster(path: Path, side: int) -> None:
    """Write fields of different colour with noise, block by block, the same in every run."""
    import rasterio

    profile = {"driver": "GTiff", "dtype": "uint16", "count": N_BANDS, "nodata": 0}
    size = {"height": side, "width": side}
    blocks = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "bigtiff": "IF_SAFER"}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 4e5, 0, -10, 5e6)}
    rng = np.random.default_rng(0)
    with rasterio.open(path, "w", **profile, **size, **blocks, **place) as file:
        for row in range(0, side, BLOCK):
            for col in range(0, side, BLOCK):
                height, width = min(BLOCK, side - row), min(BLOCK, side - col)
                file.write(
                    _block(row, col, height, width, rng), window=_window(row, col, height, width)
                )


def _window(row: int, col: int, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (row, row + height), (col, col + width)


def _block(row: int, col: int, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    y = np.arange(row, row + height)[:, None] / 90
    x = np.arange(col, col + width)[None, :] / 70
    fields = np.sign(np.sin(x) + np.sin(0.7 * y)) + np.sign(np.sin(0.31 * x + 0.53 * y))
    bands = [
        900 + 300 * b + (250 - 90 * b) * fields + 80 * np.sin(x * (b + 1)) for b in range(N_BANDS)
    ]
    noise = rng.normal(0, 25, (N_BANDS, height, width))
    return np.clip(np.stack(bands) + noise, 1, 65535).astype(np.uint16)


def train_model(scene: Path, path: Path, iterations: int) -> None:
    """Train on windows of a raster."""
    from nuriwake.io.geotiff import open_geotiff
    from nuriwake.model_file import save_model
    from nuriwake.scale.sampling import fit_source_steps
    from nuriwake.segmenter import finish_steps
    from nuriwake.settings import Settings

    settings = Settings(recipe="icassp2018", max_iter=iterations)
    save_model(path, finish_steps(fit_source_steps(open_geotiff(scene), settings)))


def apply_here(
    scene: Path,
    model: Path,
    folder: Path,
    memory: str,
    workers: int,
    regions: bool,
    dask: bool,
    threads: int,
) -> int:
    """Label a raster in this process; return the side of its tiles."""
    from nuriwake.io.geotiff import open_geotiff
    from nuriwake.model_file import load_model
    from nuriwake.scale.executors import choose_executor
    from nuriwake.scale.memory import parse_bytes
    from nuriwake.scale.mosaic import MosaicOptions, apply_model
    from nuriwake.scale.products import MosaicOutputs

    outputs = MosaicOutputs(folder / "labels.tif", folder / "regions.tif" if regions else None)
    options = MosaicOptions(memory=parse_bytes(memory), existing="overwrite", threads=threads)
    with choose_executor(workers, "local" if dask else None) as executor:
        report = apply_model(
            load_model(model), open_geotiff(scene), outputs, options, executor=executor
        )
    return report.tile_shape[0]


def predict_here(scene: Path, model: Path, side: int) -> float:
    """Label one tile in memory; return pixels per second, the best of three."""
    from nuriwake.io.geotiff import open_geotiff
    from nuriwake.model_file import load_model
    from nuriwake.raster import Window

    tile = open_geotiff(scene).read(Window(0, 0, side, side))
    trained = load_model(model)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        trained.predict(tile)
        seconds.append(time.perf_counter() - started)
    return side**2 / min(seconds)


def in_child(*arguments: object) -> tuple[float, float, int]:
    """Run this file in a process of its own; return its number, its seconds and its peak in MB."""
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    number, peak = done.stdout.split()
    return float(number), time.perf_counter() - started, int(peak)


def peak_rss_mb() -> int:
    """Return the peak resident memory of this process, as the kernel counts it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match
    return int(match[1]) // 1024


def measure(args: argparse.Namespace) -> list[Row]:
    """Run every side and every number of workers."""
    folder = Path(args.folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.safetensors"
    rows = []
    for side in map(int, args.sides.split(",")):
        scene = folder / f"scene-{side}.tif"
        if not scene.exists():
            write_raster(scene, side)
        if not model.exists():
            in_child("train", scene, model, args.iterations)
        alone, _, _ = in_child("predict", scene, model, min(side, 1024))
        for workers in map(int, args.workers.split(",")):
            how = (args.memory, workers, int(args.regions), int(args.dask), args.threads)
            job = ("apply", scene, model, folder, *how)
            tile_side, seconds, peak = in_child(*job)
            speed = side**2 / seconds
            row = Row(side, workers, seconds, speed / 1e6, speed / alone, peak, int(tile_side))
            print(json.dumps(asdict(row)), flush=True)
            rows.append(row)
    return rows


def report(rows: list[Row]) -> None:
    """Print the table, and the exponent of the seconds in the pixels."""
    print("| side | workers | s | MPix/s | share of predict | peak RSS MB | tile |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.side} | {row.workers} | {row.seconds:.1f} | {row.mpix_per_s:.2f} | "
            f"{row.share_of_predict:.2f} | {row.peak_rss_mb} | {row.tile_side} |"
        )
    alone = [row for row in rows if row.workers == 1]
    for one, other in itertools.pairwise(alone):
        exponent = math.log(other.seconds / one.seconds) / math.log((other.side / one.side) ** 2)
        print(f"{one.side} to {other.side}: seconds grow as pixels to the power of {exponent:.2f}")
    for one in alone:
        for other in rows:
            if other.side == one.side and other.workers > 1:
                gain = one.seconds / other.seconds
                print(f"{one.side}: {other.workers} workers are {gain:.2f} x as fast as one")


def child(arguments: list[str]) -> None:
    """Run one measurement; print its result and the peak memory."""
    what, scene, model = arguments[0], Path(arguments[1]), Path(arguments[2])
    result: float = 0
    if what == "train":
        train_model(scene, model, int(arguments[3]))
    elif what == "predict":
        result = predict_here(scene, model, int(arguments[3]))
    else:
        folder, memory, *numbers = arguments[3:]
        workers, regions, dask, threads = map(int, numbers)
        result = apply_here(
            scene, model, Path(folder), memory, workers, bool(regions), bool(dask), threads
        )
    print(result, peak_rss_mb())


def main() -> None:
    """Read the arguments and run."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default="2000,5000,10000,20000")
    parser.add_argument("--memory", default="1G")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--folder", default="/tmp/nuriwake-scale")
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--regions", action="store_true")
    parser.add_argument("--dask", action="store_true", help="workers of Dask, even one alone")
    parser.add_argument("--threads", type=int, default=0, help="of each worker; 0 shares the cores")
    report(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
