"""Polygons of random region maps: valid, covering the map exactly once.

    python benchmarks/polygons.py [--maps 2000] [--seed 0]

Random label maps (noise, coarse noise, blobs, stripes, spirals, with and without holes of no data)
are cut into random tiles, and turned into polygons with and without simplification. Checked for
each map: every polygon is valid, no two overlap, together they cover the valid pixels and nothing
else, each has as many pixels as its region (without simplification), and neighbours share their
borders corner by corner (GEOS's validity of a coverage). Some maps are written as GeoJSON in
longitude and latitude, and the polygons that are read back are checked too.

    python benchmarks/polygons.py --large 12450

writes a made map of so many rows and columns, of ragged regions of some 60 x 60 pixels, as a
GeoPackage, as ``--save polygons`` does. Printed: CPU seconds, and the peak memory beside the map.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter

from nuriwake.io.coverage import BorderLine, region_features
from nuriwake.io.moments import MapTile
from nuriwake.io.vector import write_polygons
from nuriwake.jobs.writers import write_region_polygons
from nuriwake.raster import Georeference, LabelMap
from nuriwake.scale.tile_components import label_components
from nuriwake.scale.tiles import plan_tiles

TOLERANCES = (0.0, 0.0, 0.7, 1.5, 5.0, 50.0)
#: Every so many maps are written and read back.
WRITTEN = 20


def random_labels(rng: np.random.Generator) -> LabelMap:
    """Draw a label map of a random kind and size."""
    height, width = rng.integers(1, 90, 2)
    n_labels = int(rng.integers(2, 9))
    kind = rng.integers(0, 5)
    if kind == 0:
        labels = rng.integers(1, n_labels + 1, (height, width))
    elif kind == 1:
        cell = int(rng.integers(2, 9))
        coarse = rng.integers(1, n_labels + 1, (height // cell + 1, width // cell + 1))
        labels = np.kron(coarse, np.ones((cell, cell), int))[:height, :width]
    elif kind == 2:
        smooth = gaussian_filter(rng.normal(size=(height, width)), rng.uniform(0.5, 6))
        labels = np.digitize(smooth, np.quantile(smooth, np.linspace(0, 1, n_labels + 1)[1:-1])) + 1
    elif kind == 3:
        rows, cols = np.mgrid[:height, :width]
        labels = (rows * rng.integers(0, 4) + cols * rng.integers(1, 4)) // 3 % n_labels + 1
    else:
        rows, cols = np.mgrid[:height, :width] - np.array([height, width])[:, None, None] / 2
        turn = np.arctan2(rows, cols) / (2 * np.pi) + np.hypot(rows, cols) / rng.uniform(3, 15)
        labels = np.floor(turn * n_labels).astype(int) % n_labels + 1
    if rng.random() < 0.5:
        labels[rng.random((height, width)) < rng.choice([0.02, 0.3])] = 0
    return labels.astype(np.int32)


def tiles_of(labels: LabelMap, tile_shape: tuple[int, int]) -> Iterator[MapTile]:
    """Cut a map and its regions into tiles."""
    regions = label_components(labels)
    nothing = np.zeros((*labels.shape, 0))
    for tile in plan_tiles(labels.shape, tile_shape, 0):
        part = tile.core.slices
        yield MapTile(tile.core, regions[part], labels[part], nothing[part])


def faults(
    polygons: NDArray[np.object_], pixels: NDArray[np.int64], n_valid: int, exact: bool
) -> list[str]:
    """Name what is wrong with the polygons of one map."""
    found = []
    if not shapely.is_valid(polygons).all():
        found.append("invalid")
    areas = shapely.area(polygons)
    if exact and not np.array_equal(areas, pixels):
        found.append("areas")
    if abs(areas.sum() - n_valid) > 1e-6:
        found.append("sum of areas")
    if len(polygons) and abs(shapely.union_all(polygons).area - n_valid) > 1e-6:
        found.append("gap or overlap")
    if len(polygons) and not shapely.coverage_is_valid(polygons):
        found.append("borders not shared")
    return found


def check_written(labels: LabelMap, tile_shape: tuple[int, int], tolerance: float) -> list[str]:
    """Write a map as GeoJSON in degrees and look at what is read back."""
    place = Georeference(CRS.from_epsg(32618).to_wkt(), (10.0, 0, 5e5, 0, -10.0, 4e6))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.geojson"
        write_polygons(path, tiles_of(labels, tile_shape), labels.shape, place, tolerance=tolerance)
        polygons = shapely.from_wkb(pyogrio.raw.read(path)[2])
    found = [] if shapely.is_valid(polygons).all() else ["invalid in degrees"]
    return found if shapely.coverage_is_valid(polygons) else [*found, "not shared in degrees"]


def ragged_map(side: int, cell: int = 60) -> LabelMap:
    """Make connected regions with borders as ragged as those of a picture, row by row."""
    labels = np.empty((side, side), np.int32)
    across = np.arange(side)
    n_cells = side // cell + 2
    for row in range(side):
        col = (across + 3 * np.sin(across / 17 + row / 31)).astype(np.int32) // cell
        down = (row + 3 * np.sin(across * 1.3 + 5 * np.sin(across / 7))).astype(np.int32) // cell
        labels[row] = np.clip(down, 0, n_cells) * n_cells + np.clip(col, 0, n_cells) + 1
    return labels


def measure_large(side: int) -> None:
    """Write a large map, and print what that took."""
    regions = ragged_map(side)
    labels = np.remainder(regions, 7, dtype=np.int32)
    partition = SimpleNamespace(regions=regions, labels=labels, georeference=None)

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before, started = peak(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_region_polygons(Path(folder) / "map.gpkg", partition)  # type: ignore[arg-type]
    print(f"{side**2 / 1e6:.0f} megapixels, {np.unique(regions[::20, ::20]).size} regions: "
          f"{time.process_time() - started:.0f} CPU s, {peak():.0f} MiB at the peak, "
          f"{peak() - before:.0f} MiB beside the maps")  # fmt: skip


def main() -> None:
    """Check the maps and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--large", type=int, metavar="SIDE", help="write a map of this side")
    arguments = parser.parse_args()
    if arguments.large:
        return measure_large(arguments.large)
    rng = np.random.default_rng(arguments.seed)
    n_polygons = n_wrong = n_corners = 0
    started = time.process_time()
    for number in range(arguments.maps):
        labels = random_labels(rng)
        tile_shape = (int(rng.integers(1, 40)), int(rng.integers(1, 40)))
        tolerance = TOLERANCES[number % len(TOLERANCES)]
        line = BorderLine(tolerance, int(rng.choice([0, 8])))
        batches = list(region_features(tiles_of(labels, tile_shape), labels.shape, None, line))
        polygons = np.concatenate([b.polygons for b in batches] or [np.zeros(0, object)])
        pixels = np.concatenate([b.moments.pixels for b in batches] or [np.zeros(0, int)])
        found = faults(polygons, pixels, int((labels > 0).sum()), exact=tolerance == 0)
        if number % WRITTEN == 0 and labels.any():
            found += check_written(labels, tile_shape, tolerance)
        n_polygons += len(polygons)
        n_corners += int(shapely.get_num_coordinates(polygons).sum())
        n_wrong += bool(found)
        if found:
            print(f"map {number} {labels.shape} tiles {tile_shape} {line}: {', '.join(found)}")
    seconds = time.process_time() - started
    print(f"{arguments.maps} maps, {n_polygons} polygons with {n_corners} corners: "
          f"{n_wrong} maps are wrong ({seconds:.0f} s)")  # fmt: skip
    raise SystemExit(n_wrong > 0)


if __name__ == "__main__":
    main()
