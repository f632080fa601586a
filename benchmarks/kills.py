"""Kill `nuriwake apply` at random moments, resume it, compare the bytes with an undisturbed run.

python benchmarks/kills.py [--side 3000] [--kills 10] [--json FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio

FILES = ("scene.labels.tif", "scene.regions.tif")


@dataclass(frozen=True)
class Kill:
    """One killed run."""

    seconds: float
    visible: tuple[str, ...]
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


def command(folder: Path, out: Path) -> list[str]:
    """Return the run that is killed: small tiles, so that there are many moments."""
    flags = ["--save", "labels,regions", "--memory", "640M", "--quiet", "--resume"]
    run = [sys.executable, "-m", "nuriwake", "apply", str(folder / "m.safetensors")]
    return [*run, str(folder / "scene.tif"), "-o", str(out), *flags]


def digest(out: Path) -> str:
    """One hash of all results."""
    return hashlib.sha256(b"".join((out / name).read_bytes() for name in FILES)).hexdigest()


def kill_once(folder: Path, index: int, limit: float, expected: str, rng: random.Random) -> Kill:
    """Kill a run at a random moment, look at what is visible, resume, compare."""
    out = folder / f"out{index}"
    moment = rng.uniform(0.0, limit)
    with subprocess.Popen(command(folder, out)) as process:
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
    seen = (
        sorted(p.name for p in out.iterdir() if not p.name.startswith(".")) if out.is_dir() else []
    )
    subprocess.run(command(folder, out), check=True)
    return Kill(round(moment, 2), tuple(seen), digest(out) == expected)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=3000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "scene.tif", arguments.side)
        fit = [sys.executable, "-m", "nuriwake", "fit", str(folder / "scene.tif"), "-m"]
        flags = ["--max-iter", "5", "--n-channels", "32", "--max-labels", "32", "--quiet"]
        subprocess.run([*fit, str(folder / "m.safetensors"), *flags], check=True)
        started = time.perf_counter()
        subprocess.run(command(folder, folder / "whole"), check=True)
        seconds = time.perf_counter() - started
        expected, rng = digest(folder / "whole"), random.Random(arguments.seed)
        kills = [
            kill_once(folder, index, seconds, expected, rng) for index in range(arguments.kills)
        ]
    for kill in kills:
        shown = ", ".join(kill.visible) or "nothing"
        print(f"killed after {kill.seconds:6.2f} s: visible {shown}; resumed equal: {kill.equal}")
    n_equal = sum(kill.equal for kill in kills)
    print(f"{n_equal} of {len(kills)} byte-equal; a whole run: {seconds:.1f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(kill) for kill in kills], indent=1) + "\n")


if __name__ == "__main__":
    main()
