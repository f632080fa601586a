"""A scene of farmland as aerial cameras see it, of any size, with the truth that it was made from.

    python benchmarks/made_scene.py SIDE SCENE.tif TRUTH.tif [--seed 0]

Four bands of 16 bits (blue, green, red, near infrared; reflectance x 10 000), half a metre a pixel:
rectangular fields with rows of crops, forests, meadows and lakes in irregular blocks; roads between
the blocks, rivers along some of their borders; clouds as nodata (0). Both files are written by
windows. The truth numbers every field, forest, meadow, lake, river and connected net of roads; it
is 0 under clouds.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from nuriwake.compiled import compiled

#: Side of the windows that are written; the noise of each is drawn by itself.
WINDOW = 512
#: Pixels between the blocks' middles, about.
BLOCK = 800
#: Lattice cells kept around the scene, so that every pixel knows all its neighbours.
_AROUND = 3
_FIELDS, _FOREST, _MEADOW, _LAKE = range(4)
_ROAD, _RIVER = 1, 2
#: Blue, green, red and near infrared of each material.
_REFLECTANCE = np.array(
    [
        [400, 700, 500, 3500],  # green wheat
        [900, 1300, 1700, 3000],  # ripe wheat
        [1100, 1500, 2000, 2600],  # bare soil
        [350, 650, 450, 4200],  # maize
        [700, 1600, 1500, 4000],  # rape in flower
        [700, 900, 1200, 1700],  # ploughed
        [450, 800, 650, 3200],  # clover
        [380, 720, 480, 4600],  # beet
        [250, 400, 300, 2800],  # forest
        [500, 900, 750, 3300],  # meadow
        [600, 500, 300, 150],  # lake
        [1500, 1600, 1700, 1900],  # road
        [650, 650, 500, 300],  # river
    ],
    np.float32,
)
_N_CROPS = 8


@dataclass(frozen=True, eq=False)
class Layout:
    """Where everything is: small, whatever the scene's size.

    Parameters
    ----------
    sites : ndarray of float64, shape (n * n, 2)
        Row and column of the blocks' middles, in the order of their lattice.
    n : int
        Lattice cells along each side.
    frames : ndarray of float64, shape (n * n, 4)
        Cosine and sine of each block's direction, width and length of its fields.
    parcels : ndarray of float64, shape (m, 2)
        Middles of the fields; blocks of another kind have one.
    first : ndarray of int64, shape (n * n + 1,)
        The parcels of block b are first[b] to first[b + 1].
    materials : ndarray of int64, shape (m,)
        Row of the table of reflectances, for each parcel.
    border_kind, border_segment : ndarray of int32, shape (n * n, 25)
        Of the border with each neighbour of the lattice: road, river or nothing; its segment.
    seed : int
    """

    sites: NDArray[np.float64]
    n: int
    frames: NDArray[np.float64]
    parcels: NDArray[np.float64]
    first: NDArray[np.int64]
    materials: NDArray[np.int64]
    border_kind: NDArray[np.int32]
    border_segment: NDArray[np.int32]
    seed: int


def lay_out(side: int, seed: int = 0) -> Layout:
    """Draw the blocks, their fields, and what runs along their borders."""
    rng = np.random.default_rng(seed)
    n = ceil(side / BLOCK) + 2 * _AROUND
    cells = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2)
    sites = (cells - _AROUND + rng.uniform(0.2, 0.8, cells.shape)) * BLOCK
    kinds = rng.choice(4, len(sites), p=[0.68, 0.18, 0.09, 0.05])
    angles = rng.uniform(0, np.pi, len(sites))
    sizes = rng.uniform([110, 240], [200, 480], (len(sites), 2))
    frames = np.column_stack([np.cos(angles), np.sin(angles), sizes])
    parcels, blocks = _parcels(sites, kinds, frames)
    first = np.searchsorted(blocks, np.arange(len(sites) + 1))
    crops = rng.integers(0, _N_CROPS, len(parcels))
    materials = np.where(kinds[blocks] == _FIELDS, crops, kinds[blocks] + _N_CROPS - 1)
    borders = _borders(sites, kinds, n, len(parcels), rng)
    return Layout(sites, n, frames, parcels, first, materials, *borders, seed)


def _parcels(
    sites: NDArray[np.float64], kinds: NDArray[np.int64], frames: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Put the middles of fields on a grid in each block's direction, where they lie well inside."""
    tree = cKDTree(sites)
    found, blocks = [], []
    steps = np.stack(np.meshgrid(np.arange(-8, 9), np.arange(-8, 9), indexing="ij"), -1)
    for block, (cos, sin, width, length) in enumerate(frames):
        grid = steps.reshape(-1, 2) * (width, length)
        points = sites[block] + grid @ np.array([[sin, cos], [cos, -sin]])
        distances, nearest = tree.query(points, 2)
        inside = (nearest[:, 0] == block) & (distances[:, 1] - distances[:, 0] > width)
        if kinds[block] != _FIELDS or not inside.any():
            points, inside = sites[block : block + 1], np.ones(1, bool)
        found.append(points[inside])
        blocks.append(np.full(int(inside.sum()), block))
    return np.concatenate(found), np.concatenate(blocks)


def _borders(
    sites: NDArray[np.float64],
    kinds: NDArray[np.int64],
    n: int,
    n_parcels: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Let rivers part two kinds of land, roads run elsewhere, and number what hangs together."""
    waves = sites / (9 * BLOCK) + rng.uniform(0, 1, 2)
    bank = np.sin(2 * np.pi * waves[:, 0]) + np.cos(2 * np.pi * waves[:, 1] + waves[:, 0]) > 0
    diagram = Voronoi(sites)
    pairs, ends = diagram.ridge_points, np.array(diagram.ridge_vertices)
    is_river = bank[pairs[:, 0]] != bank[pairs[:, 1]]
    is_shore = (kinds[pairs] == _LAKE).any(axis=1)
    kind = np.where(is_river, _RIVER, np.where(is_shore, 0, _ROAD)).astype(np.int32)
    nets = _connected(kind, ends, len(diagram.vertices))
    border_kind = np.zeros((n * n, 25), np.int32)
    border_segment = np.zeros((n * n, 25), np.int32)
    for (one, other), what, net in zip(pairs, kind, nets, strict=True):
        for a, b in ((one, other), (other, one)):
            down, right = b // n - a // n, b % n - a % n
            if max(abs(down), abs(right)) <= 2:
                place = 5 * (down + 2) + right + 2
                border_kind[a, place], border_segment[a, place] = what, n_parcels + 1 + net
    return border_kind, border_segment


def _connected(
    kind: NDArray[np.int32], ends: NDArray[np.int64], n_vertices: int
) -> NDArray[np.int32]:
    """Give the borders of one kind that meet in corners one number."""
    # A node for each border, and one for each corner and kind.
    border = np.repeat(np.arange(len(kind)), 2)
    corner, what = ends.ravel(), np.repeat(kind, 2)
    met = corner >= 0
    nodes = len(kind) + corner * 3 + what
    size = len(kind) + 3 * n_vertices
    links = coo_array((np.ones(int(met.sum())), (border[met], nodes[met])), shape=(size, size))
    net = connected_components(links, directed=False)[1][: len(kind)]
    return np.unique(net, return_inverse=True)[1].astype(np.int32)


@compiled
def _hashed(row: int, col: int, seed: int) -> float:
    """Draw a number of [0, 1) for a place."""
    x = np.uint64(row * 73856093 ^ col * 19349663 ^ seed * 83492791)
    x = (x ^ (x >> np.uint64(31))) * np.uint64(0x7FB5D329728EA185)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x81DADEF4BC2DD44D)
    return float((x ^ (x >> np.uint64(33))) & np.uint64(0xFFFFFF)) / 16777216.0


@compiled
def _noise(row: float, col: float, period: float, seed: int) -> float:
    """Draw smooth noise of [-1, 1]: values at the corners of a grid, interpolated."""
    y, x = row / period, col / period
    i, j = int(np.floor(y)), int(np.floor(x))
    y, x = y - i, x - j
    y, x = y * y * (3 - 2 * y), x * x * (3 - 2 * x)
    above = _hashed(i, j, seed) * (1 - x) + _hashed(i, j + 1, seed) * x
    below = _hashed(i + 1, j, seed) * (1 - x) + _hashed(i + 1, j + 1, seed) * x
    return 2 * (above * (1 - y) + below * y) - 1


@compiled
def _nearest_block(y: float, x: float, sites: NDArray[np.float64], n: int) -> int:
    i, j = int(y // BLOCK) + _AROUND, int(x // BLOCK) + _AROUND
    best, block = np.inf, 0
    for k in range(i - 1, i + 2):
        for m in range(j - 1, j + 2):
            down, right = y - sites[k * n + m, 0], x - sites[k * n + m, 1]
            distance = down * down + right * right
            if distance < best:
                best, block = distance, k * n + m
    return block


@compiled
def _nearest_border(
    y: float, x: float, block: int, sites: NDArray[np.float64], n: int
) -> tuple[float, int]:
    """Return the distance to the nearest border of the block, and the neighbour behind it."""
    down, right = y - sites[block, 0], x - sites[block, 1]
    best, place = np.inf, 12
    for k in range(25):
        other = block + (k // 5 - 2) * n + k % 5 - 2
        if k != 12:
            dy, dx = sites[other, 0] - sites[block, 0], sites[other, 1] - sites[block, 1]
            apart = np.sqrt(dy * dy + dx * dx)
            distance = apart / 2 - (down * dy + right * dx) / apart
            if distance < best:
                best, place = distance, k
    return best, place


@compiled
def _nearest_parcel(
    y: float,
    x: float,
    block: int,
    parcels: NDArray[np.float64],
    first: NDArray[np.int64],
    frames: NDArray[np.float64],
) -> int:
    cos, sin, width, length = frames[block]
    best, parcel = np.inf, 0
    for k in range(first[block], first[block + 1]):
        down, right = y - parcels[k, 0], x - parcels[k, 1]
        across, along = (down * sin + right * cos) / width, (down * cos - right * sin) / length
        distance = across * across + along * along
        if distance < best:
            best, parcel = distance, k
    return parcel


@compiled
def _texture(material: int, row: int, col: int, across: float, parcel: int, seed: int) -> float:
    """How much brighter than its parcel a pixel is, as a share."""
    if material < _N_CROPS:  # moist and dry places, and rows of plants
        rows = (
            0.12 * _hashed(parcel, 2, seed) * np.sin(across * (0.6 + 0.5 * _hashed(parcel, 3, 0)))
        )
        return rows + 0.07 * _noise(row, col, 130.0, seed + 5) + 0.03 * _noise(row, col, 17.0, seed)
    if material == _N_CROPS:  # crowns and their shadows, stands of different age
        crowns = 0.30 * _noise(row, col, 11.0, seed + 6) + 0.20 * _noise(row, col, 4.0, seed + 7)
        return crowns + 0.08 * _noise(row, col, 210.0, seed + 8)
    if material == _N_CROPS + 1:
        return 0.10 * _noise(row, col, 60.0, seed + 9) + 0.06 * _noise(row, col, 9.0, seed + 10)
    return 0.03 * _noise(row, col, 40.0, seed + 11)


@compiled
def _draw(
    row0: int,
    col0: int,
    segments: NDArray[np.int32],
    bands: NDArray[np.float32],
    layout: tuple[NDArray[np.float64], ...],
    n: int,
    seed: int,
    reflectance: NDArray[np.float32],
) -> None:
    """Fill a window: the segments, and what reaches the lens, without blur and noise."""
    sites, frames, parcels, first, materials, border_kind, border_segment = layout
    for i in range(segments.shape[0]):
        for j in range(segments.shape[1]):
            row, col = row0 + i, col0 + j
            # Nothing in a landscape is straight: the map is drawn on a sheet that is then bent.
            y = row + 45 * _noise(row, col, 420.0, seed + 1)
            x = col + 45 * _noise(row, col, 420.0, seed + 2)
            block = _nearest_block(y, x, sites, n)
            distance, place = _nearest_border(y, x, block, sites, n)
            parcel = _nearest_parcel(y, x, block, parcels, first, frames)
            material, segment = materials[parcel], parcel + 1
            kind = border_kind[block, place]
            if kind == _ROAD and distance < 5:
                material, segment = 11, border_segment[block, place]
            elif kind == _RIVER and distance < 20 + 6 * _noise(row, col, 300.0, seed + 3):
                material, segment = 12, border_segment[block, place]
            across = y * frames[block, 1] + x * frames[block, 0]
            bright = 1 + _texture(material, row, col, across, parcel, seed)
            bright *= 1 + 0.12 * (2 * _hashed(segment, 0, seed) - 1)
            cloud = _noise(row, col, 1900.0, seed + 12) + 0.5 * _noise(row, col, 500.0, seed + 13)
            cloud += 0.15 * _noise(row, col, 90.0, seed + 14)
            covered = cloud > 1.0
            segments[i, j] = 0 if covered else segment
            for band in range(4):
                tint = 1 + 0.08 * (2 * _hashed(segment, 20 + band, seed) - 1)
                bands[band, i, j] = 0 if covered else reflectance[material, band] * bright * tint


def make_window(
    layout: Layout, row: int, col: int, height: int, width: int
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Make a part of the scene: (4, height, width) uint16, and its segments, int32."""
    segments = np.empty((height + 2, width + 2), np.int32)
    bands = np.empty((4, height + 2, width + 2), np.float32)
    drawn = (
        *(layout.sites, layout.frames, layout.parcels, layout.first, layout.materials),
        *(layout.border_kind, layout.border_segment),
    )
    _draw(row - 1, col - 1, segments, bands, drawn, layout.n, layout.seed, _REFLECTANCE)
    for axis in (1, 2):
        bands = convolve1d(bands, np.float32([0.25, 0.5, 0.25]), axis)
    bands, segments = bands[:, 1:-1, 1:-1], segments[1:-1, 1:-1]
    rng = np.random.default_rng([layout.seed, row, col])
    grain = rng.standard_normal(bands.shape, np.float32)
    bands = bands + grain * np.sqrt(225 + 0.8 * np.maximum(bands, 0))
    seen = np.clip(bands.round(), 1, 65535).astype(np.uint16)
    return np.where(segments > 0, seen, np.uint16(0)), segments


def write_scene(scene: Path, truth: Path, side: int, seed: int = 0) -> None:
    """Write the scene and its truth, window by window.

    Parameters
    ----------
    scene, truth : pathlib.Path
        GeoTIFF files.
    side : int
        Pixels.
    seed : int
        Another seed is another landscape.
    """
    import rasterio
    from rasterio.windows import Window

    layout = lay_out(side, seed)
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(0.5, 0, 4e5, 0, -0.5, 5e6)}
    form = {"tiled": True, "blockxsize": WINDOW, "blockysize": WINDOW, "bigtiff": "IF_SAFER"}
    size = {"driver": "GTiff", "height": side, "width": side, "nodata": 0, **place, **form}
    with (
        rasterio.open(scene, "w", count=4, dtype="uint16", **size) as seen,
        rasterio.open(truth, "w", count=1, dtype="int32", compress="deflate", **size) as drawn,
    ):
        for row in range(0, side, WINDOW):
            for col in range(0, side, WINDOW):
                height, width = min(WINDOW, side - row), min(WINDOW, side - col)
                bands, segments = make_window(layout, row, col, height, width)
                window = Window(col, row, width, height)
                seen.write(bands, window=window)
                drawn.write(segments, 1, window=window)


def main() -> None:
    """Write a scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", type=int)
    parser.add_argument("scene", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_scene(arguments.scene, arguments.truth, arguments.side, arguments.seed)


if __name__ == "__main__":
    main()
