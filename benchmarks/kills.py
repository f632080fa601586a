"""Kill runs at random moments, resume them, compare the files with those of undisturbed runs.

    python benchmarks/kills.py [--runs apply workers folder beyond scene bench] [--kills 20]

The runs: `apply` on a raster of many tiles, the same with two workers, `segment` on a folder of
pictures, `segment` on a raster beyond the memory alone (`beyond`) and with two workers (`scene`),
and `bench`. The kill (SIGKILL, of the whole process group) leaves no time to tidy up. What is
visible after it must be whole files, equal to those of an undisturbed run; after resuming, all
files must be. Seconds (in records) are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from scipy.io import savemat

RUNS = ("apply", "workers", "folder", "beyond", "scene", "bench")
QUICK = ("--max-iter", "5", "--n-channels", "32", "--max-labels", "32")
#: Small tiles, so that there are many moments.
SMALL = ("--memory", "640M")


@dataclass(frozen=True)
class Kill:
    """One killed run."""

    run: str
    seconds: float
    visible: tuple[str, ...]
    whole: bool
    equal: bool


def write_scene(path: Path, side: int) -> None:
    """Write fields of four bands with noise, in blocks of 256 pixels."""
    rng = np.random.default_rng(0)
    with rasterio.open(
        path, "w", "GTiff", width=side, height=side, count=4, dtype="uint16", crs="EPSG:32633",
        transform=rasterio.Affine(10, 0, 5e5, 0, -10, 6e6), tiled=True,
    ) as file:  # fmt: skip
        for row in range(0, side, 512):
            height = min(512, side - row)
            fields = rng.integers(300, 4000, (4, -(-height // 64), -(-side // 64)))
            block = np.kron(fields, np.ones((1, 64, 64)))[:, :height, :side]
            block += rng.normal(0, 60, block.shape)
            window = rasterio.windows.Window(0, row, side, height)
            file.write(np.clip(block, 0, 65535).astype(np.uint16), window=window)


def write_pictures(folder: Path, n: int = 6) -> None:
    """Write pictures of coloured fields, and a person's outlines of each, as BSDS500 has them."""
    rng = np.random.default_rng(0)
    images, truths = folder / "images" / "val", folder / "groundTruth" / "val"
    images.mkdir(parents=True)
    truths.mkdir(parents=True)
    for index in range(n):
        fields = np.kron(np.arange(1, 25).reshape(4, 6), np.ones((40, 40), int))
        colours = rng.integers(0, 255, (25, 3))
        noisy = colours[fields] + rng.normal(0, 12, (*fields.shape, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(images / f"{index}.jpg")
        cells = np.empty((1, 1), object)
        edges = (fields != np.roll(fields, 1, 0)) | (fields != np.roll(fields, 1, 1))
        cells[0, 0] = {"Segmentation": fields.astype(np.uint16), "Boundaries": edges}
        savemat(truths / f"{index}.mat", {"groundTruth": cells})


def command(run: str, folder: Path, out: Path) -> list[str]:
    """Return the command line of a run."""
    nuriwake = [sys.executable, "-m", "nuriwake"]
    if run == "bench":
        data = ["--data", str(folder), "--methods", "fast", "--jobs", "2", "--quiet"]
        return [*nuriwake, "bench", "bsds500", *data, "-o", str(out)]
    usual = ["-o", str(out), "--quiet", "--resume"]
    if run == "folder":
        pictures = str(folder / "images" / "val")
        return [*nuriwake, "segment", pictures, "--save", "regions,overlay,polygons", *usual]
    maps = ["--save", "labels,regions,polygons"]
    if run in ("beyond", "scene"):
        workers = ["--workers", "2", "--memory", "1G"] if run == "scene" else SMALL
        return [*nuriwake, "segment", str(folder / "scene.tif"), *maps, *workers, *usual]
    workers = ["--workers", "2", "--memory", "1700M"] if run == "workers" else SMALL
    model = str(folder / "m.safetensors")
    return [*nuriwake, "apply", model, str(folder / "scene.tif"), *maps, *workers, *usual]


def contents(out: Path) -> dict[str, str]:
    """Digest every visible file; of records all but the seconds."""
    found = {}
    for path in sorted(out.rglob("*")) if out.is_dir() else ():
        name = path.relative_to(out)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            data = path.read_bytes()
            if path.suffix == ".json":
                data = json.dumps(without_seconds(json.loads(data))).encode()
            found[str(name)] = hashlib.sha256(data).hexdigest()
    return found


def without_seconds(value: object) -> object:
    """Leave out what differs between two runs of the same."""
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k not in ("seconds", "notes")}
    return value


def kill_once(run: str, folder: Path, index: int, limit: float, rng: random.Random) -> Kill:
    """Kill a run at a random moment, look at what is visible, resume, compare."""
    expected, out = contents(folder / run), folder / f"{run}{index}"
    moment = rng.uniform(0.0, limit)
    with subprocess.Popen(
        command(run, folder, out), stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    seen = contents(out)
    whole = seen.items() <= expected.items()
    subprocess.run(command(run, folder, out), check=True, stdout=subprocess.DEVNULL)
    return Kill(run, round(moment, 2), tuple(seen), whole, contents(out) == expected)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=RUNS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    # The runs are in sessions of their own, and end with this one.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    kills = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "scene.tif", arguments.side)
        write_pictures(folder)
        fit = [sys.executable, "-m", "nuriwake", "fit", str(folder / "scene.tif"), "-m"]
        subprocess.run([*fit, str(folder / "m.safetensors"), *QUICK, "--quiet"], check=True)
        for run in arguments.runs:
            started, rng = time.perf_counter(), random.Random(arguments.seed)
            subprocess.run(
                command(run, folder, folder / run), check=True, stdout=subprocess.DEVNULL
            )
            limit = time.perf_counter() - started
            done = [kill_once(run, folder, i, limit, rng) for i in range(arguments.kills)]
            for kill in done:
                print(f"{run} killed after {kill.seconds:.2f} s: {len(kill.visible)} files visible,"
                      f" whole: {kill.whole}; resumed equal: {kill.equal}", flush=True)  # fmt: skip
            n_whole, n_equal = (sum(getattr(k, what) for k in done) for what in ("whole", "equal"))
            print(f"{run}: of {len(done)} kills {n_whole} left only whole files, {n_equal} resumed "
                  f"byte for byte; a whole run: {limit:.1f} s", flush=True)  # fmt: skip
            kills += done
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(kill) for kill in kills], indent=1) + "\n")


if __name__ == "__main__":
    main()
