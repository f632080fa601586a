"""Regions of the recipe `fast` on enlarged photographs, tiled against in one piece.

python benchmarks/scene.py PICTURE... [--mpix 4] [--tile 1024]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from skimage.transform import resize

from nuriwake.evaluate.contingency import Contingency
from nuriwake.evaluate.metrics import adjusted_rand_index
from nuriwake.io.geotiff import read_geotiff
from nuriwake.io.image import read_image
from nuriwake.raster import Raster, Window, as_raster
from nuriwake.scale.products import MosaicOutputs
from nuriwake.scale.scene import segment_scene
from nuriwake.scale.tiles import plan_tiles
from nuriwake.scale.trees import HALO, learn_scene_steps
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings


def enlarge(path: Path, mpix: float) -> Raster:
    """Read a picture and enlarge it to so many megapixels."""
    array = read_image(path).array
    scale = (mpix * 1e6 / (array.shape[0] * array.shape[1])) ** 0.5
    shape = [round(side * scale) for side in array.shape[:2]]
    big = resize(array, shape, order=3, anti_aliasing=False).clip(0, 1)
    return as_raster((big * 255).astype(np.uint8))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--mpix", type=float, default=4.0)
    parser.add_argument("--tile", type=int, default=1024)
    arguments = parser.parse_args()
    for path in arguments.pictures:
        raster = enlarge(path, arguments.mpix)
        scene = finish_steps(learn_scene_steps(raster, Settings(recipe="fast")))
        whole = scene.partition(Window.full(raster.shape), raster)
        plan = plan_tiles(raster.shape, (arguments.tile, arguments.tile), HALO)
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "regions.tif"
            segment_scene(scene, raster, plan, MosaicOutputs(regions=output))
            tiled = read_geotiff(output).array[:, :, 0].astype(np.int32)
        index = adjusted_rand_index(Contingency.of(tiled, whole))
        print(
            f"{path.stem}: {raster.shape[0]} x {raster.shape[1]}, {len(plan)} tiles, "
            f"{whole.max()} and {tiled.max()} regions, adjusted Rand index {index:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
