"""A small scene and model for the tests of the mosaic, and runs of it in processes of their own."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

from nuriwake.engine.compute import cpu_threads
from nuriwake.errors import NuriwakeError
from nuriwake.io.geotiff import open_geotiff
from nuriwake.learn.network import build_network
from nuriwake.learn.normalise import BandStatistics
from nuriwake.model import Model
from nuriwake.scale.mosaic import MosaicOptions, MosaicOutputs, apply_model
from nuriwake.settings import Settings

TILE = (64, 64)


def small_model(n_bands: int, seed: int = 0, n_layers: int = 2) -> Model:
    network = build_network(n_bands, n_channels=6, n_labels=5, n_layers=n_layers, seed=seed)
    sample = torch.rand(1, n_bands, 32, 32, generator=torch.Generator().manual_seed(seed))
    with cpu_threads(1):  # the order of sums, and so the last bits, are the same everywhere
        network.freeze(sample)
    statistics = BandStatistics((0.0,) * n_bands, (1000.0,) * n_bands)
    return Model(network.eval(), statistics, Settings(recipe="tip2020", precision="fp32"))


def scene(shape: tuple[int, int], n_bands: int = 2, seed: int = 0) -> np.ndarray:
    """Smooth noise, uint16, (height, width, bands)."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).random((*shape, n_bands))
    smooth = gaussian_filter(noise, (2, 2, 0))
    return ((smooth - smooth.min()) / np.ptp(smooth) * 1000).astype(np.uint16)


def write_scene(path: Path, shape: tuple[int, int] = (200, 230), n_bands: int = 2) -> Path:
    """Write the scene as a georeferenced GeoTIFF with nodata in one corner."""
    import rasterio

    array = scene(shape, n_bands)
    array[:20, :30] = 0
    profile = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": n_bands}
    place = {"crs": "EPSG:32618", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 4e6)}
    blocks = {"tiled": True, "blockxsize": 32, "blockysize": 16}
    with rasterio.open(path, "w", dtype="uint16", nodata=0, **profile, **place, **blocks) as file:
        file.write(np.moveaxis(array, -1, 0))
    return path


def run(folder: Path, **options: object):
    """Label the scene in a folder."""
    source = open_geotiff(folder / "scene.tif")
    outputs = MosaicOutputs(folder / "labels.tif", folder / "regions.tif")
    on_progress, executor = options.pop("on_progress", None), options.pop("executor", None)
    chosen = MosaicOptions(**({"tile_shape": TILE, "min_pixels": 4, "threads": 1} | options))
    return apply_model(
        small_model(2), source, outputs, chosen, executor=executor, on_progress=on_progress
    )


def _kill_at(moment: int, done: int) -> None:
    if done == moment:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    # python mosaic_runs.py FOLDER kill N  |  python mosaic_runs.py FOLDER limit BYTES
    place, what, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    try:
        if what == "limit":
            import resource  # Windows has none

            resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))
        run(place, on_progress=lambda done, _: what == "kill" and _kill_at(number, done))
    except NuriwakeError as error:
        print(error)
