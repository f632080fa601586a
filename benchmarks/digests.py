"""Digests of results in fp32, to see whether a change of the code changed any pixel.

    python benchmarks/digests.py DATA > before.json
    python benchmarks/digests.py DATA --against before.json

DATA is a folder with `bsds500/images` and `geo/*.tif`. Three photographs are segmented by every
recipe, a raster whole and tile by tile. With --against, the exit code is 1 where anything differs.
The digests hold for one machine: sums round differently on another.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RECIPES = {"fast": (), "icassp2018": ("--max-iter", "40"), "tip2020": ("--max-iter", "40")}
#: Less than the raster needs, so that it is divided into tiles.
SMALL_MEMORY = "700M"


def digest(path: Path) -> str:
    """Digest the pixels of a map; a TIFF's tags name the release that wrote it."""
    if path.suffix in (".tif", ".png"):
        import imageio.v3 as imageio

        return _sha(np.ascontiguousarray(imageio.imread(path)).tobytes())
    with np.load(path) as arrays:
        names = sorted(set(arrays.files) - {"header"})
        return _sha(b"".join(arrays[name].tobytes() for name in names))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def segment(path: Path, folder: Path, save: str, *flags: str) -> dict[str, str]:
    """Segment one file by the command line; digest what it wrote."""
    command = [sys.executable, "-m", "nuriwake", "segment", str(path), "-o", str(folder)]
    flags = ("--precision", "fp32", "--threads", "2", "--quiet", "--save", save, *flags)
    subprocess.run([*command, *flags], check=True)
    return {
        file.name.removeprefix(path.stem + "."): digest(file)
        for file in sorted(folder.iterdir())
        if file.suffix in (".tif", ".png", ".npz")
    }


def all_digests(data: Path) -> dict[str, dict[str, str]]:
    """Digest the results of all inputs by all recipes."""
    photographs = sorted((data / "bsds500" / "images").glob("*.jpg"))[:3]
    raster = sorted((data / "geo").glob("*.tif"))[0]
    found = {}
    for recipe, flags in RECIPES.items():
        for photograph in photographs:
            with tempfile.TemporaryDirectory() as folder:
                key = f"{photograph.stem} {recipe}"
                found[key] = segment(
                    photograph, Path(folder), "labels,regions,result", "--recipe", recipe, *flags
                )
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large.tif"
        repeat(raster, large, times=4)
        for memory, output in (("8G", "whole"), (SMALL_MEMORY, "tiled")):
            found[output] = segment(
                large, Path(folder) / output, "labels,regions", "--memory", memory
            )
    return found


def repeat(source: Path, target: Path, times: int) -> None:
    """Write a GeoTIFF that shows another one so many times in both directions."""
    import rasterio

    with rasterio.open(source) as file:
        bands, profile = np.tile(file.read(), (1, times, times)), file.profile
    profile.update(height=bands.shape[1], width=bands.shape[2], interleave="pixel")
    with rasterio.open(target, "w", **profile) as file:
        file.write(bands)


def main() -> int:
    """Print the digests, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--against", type=Path)
    arguments = parser.parse_args()
    found = all_digests(arguments.data)
    if arguments.against is None:
        print(json.dumps(found, indent=1))
        return 0
    before = json.loads(arguments.against.read_text(encoding="utf-8"))
    unlike = [key for key in before if before[key] != found.get(key)]
    print(f"{len(before) - len(unlike)} of {len(before)} results are the same bit for bit.")
    print("\n".join(unlike))
    return 1 if unlike else 0


if __name__ == "__main__":
    raise SystemExit(main())
