"""Does a run stay within ``--memory``? Peaks of the whole process tree.

    python benchmarks/memory.py [--megapixels 4 16] [--bands 1 4 16] [--memory 700M 2G] \
        [--commands fast tip2020 icassp2018 fit apply] [--max-iter 3]

Makes scenes of 16-bit fields with noise, and runs `segment` with each recipe, `fit` and `apply` on
them. The peak is the largest sum of the resident memory of the command and all its children, looked
at every 20 ms; the interpreter with the imported packages counts. A run that is refused because the
memory is too small shows its message. `--memory 0` lets a run take what it wants: with small
scenes, that is how the coefficients in `scale/memory.py` were found.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import rasterio

PAGE = 4096
#: Where nothing is asked for, everything fits.
PLENTY = "999G"


def write_scene(path: Path, side: int, n_bands: int) -> None:
    """Write fields of 64 pixels with noise, in blocks of 256 pixels."""
    rng = np.random.default_rng(0)
    with rasterio.open(
        path, "w", "GTiff", width=side, height=side, count=n_bands, dtype="uint16",
        crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 6e6), tiled=True,
    ) as file:  # fmt: skip
        for row in range(0, side, 256):
            height = min(256, side - row)
            fields = rng.integers(300, 4000, (n_bands, -(-height // 64), -(-side // 64)))
            block = np.kron(fields, np.ones((1, 64, 64)))[:, :height, :side]
            block += rng.normal(0, 60, block.shape)
            window = rasterio.windows.Window(0, row, side, height)
            file.write(np.clip(block, 0, 65535).astype(np.uint16), window=window)


def children(pid: int) -> list[int]:
    """Return a process and everything below it."""
    found = [pid]
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in tasks.read_text().split():
            found += children(int(child))
    return found


def resident(pid: int) -> int:
    """Return the bytes of a process tree that are in memory now."""
    total = 0
    try:
        for one in children(pid):
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return total  # a process that ended meanwhile
    return total


def peak_of(command: list[str]) -> tuple[int, float, str]:
    """Run a command; return its peak in bytes, the seconds and the last line that it said."""
    started = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(0.02)
        said = process.stderr.read().strip() if process.stderr else ""
    return peak, time.perf_counter() - started, said.split("\n")[-1] if process.returncode else ""


def main() -> None:
    """Measure and print one line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[4, 16])
    parser.add_argument("--bands", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--memory", nargs="+", default=["700M", "2G"])
    names = ["fast", "tip2020", "icassp2018", "fit", "apply"]
    parser.add_argument("--commands", nargs="+", choices=names, default=names)
    parser.add_argument("--max-iter", type=int, default=3)
    parser.add_argument("--flags", nargs="*", default=[], help="more flags, such as -save=polygons")
    arguments = parser.parse_args()
    print("command     MPix bands memory   peak MiB  seconds")
    with tempfile.TemporaryDirectory() as name:
        for size, n_bands in product(arguments.megapixels, arguments.bands):
            scene, folder = Path(name) / "scene.tif", Path(name)
            write_scene(scene, round((size * 1e6) ** 0.5), n_bands)
            for what, memory in product(arguments.commands, arguments.memory):
                run = run_of(what, scene, folder, arguments.max_iter)
                run += ["--memory", PLENTY if memory == "0" else memory]
                run += [flag.replace("-", "--", 1).replace("@", " ") for flag in arguments.flags]
                peak, seconds, said = peak_of(run)
                print(f"{what:10} {size:5g} {n_bands:5d} {memory:>6} {peak / 2**20:10.0f} "
                      f"{seconds:8.1f}  {said}", flush=True)  # fmt: skip


def run_of(what: str, scene: Path, folder: Path, max_iter: int) -> list[str]:
    """Return the command line of one run."""
    nuriwake = [sys.executable, "-m", "nuriwake"]
    model = str(folder / "model.safetensors")
    iterations = ["--max-iter", str(max_iter)]
    if what == "fit":
        return [*nuriwake, "fit", str(scene), "-m", str(folder / "f.safetensors"), *iterations,
                "--overwrite", "--quiet"]  # fmt: skip
    if what == "apply":
        with rasterio.open(scene) as file:
            small = folder / "small.tif"
            write_scene(small, 256, file.count)
        fit = [*nuriwake, "fit", str(small), "-m", model, *iterations, "--overwrite", "--quiet"]
        subprocess.run(fit, check=True)
        run = [*nuriwake, "apply", model, str(scene)]
    else:
        run = [*nuriwake, "segment", str(scene), "--recipe", what]
        run += [] if what == "fast" else iterations
    return [*run, "-o", str(folder / "out"), "--overwrite", "--quiet"]


if __name__ == "__main__":
    main()
