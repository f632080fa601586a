"""Volumes: touching cells against slices that are stitched, the two ways to learn, size and time.

    python benchmarks/volume.py cells --seeds 0,1,2
    python benchmarks/volume.py size --sides 128,192,256

`cells` fills a volume with 100 touching, noisy ellipsoids (voxels three times as long as wide) and
reports the adjusted Rand index, over all voxels and over those of cells, at the true number of
regions: one tree for the volume; and the peers, slice by slice, each slice cut at its own true
number, regions of neighbouring slices joined where they overlap most: slices as volumes of one
slice, with the same constants, and as pictures. `size` segments cubes of
noise-free blobs and reports seconds and peak memory, each in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

from nuriwake.evaluate.phantoms import Phantom, touching_cells
from nuriwake.raster import LabelMap
from nuriwake.segmenter import segment
from nuriwake.volume_segmenter import segment_volume

#: Regions of two slices are one where so much of their union is common.
OVERLAP = 0.3


def scores(truth: LabelMap, found: LabelMap) -> str:
    """Give the adjusted Rand index over all voxels, and over those of cells."""
    from sklearn.metrics import adjusted_rand_score

    cells = truth > 1
    whole = adjusted_rand_score(truth.ravel(), found.ravel())
    return f"{whole:.3f}, cells only {adjusted_rand_score(truth[cells], found[cells]):.3f}"


def slice_by_slice(phantom: Phantom, method: str) -> LabelMap:
    """Segment each slice for itself at its true number of regions, and stitch by overlap."""
    found = np.zeros(phantom.truth.shape, np.int32)
    n = 0
    for z, (picture, truth) in enumerate(zip(phantom.array, phantom.truth, strict=True)):
        if method == "volume":
            tree = segment_volume(picture[np.newaxis]).tree
        else:
            tree = segment(np.clip(picture, 0, 1)).tree
        own = tree.cut(min(len(np.unique(truth)), tree.n_leaves)).reshape(truth.shape) + n
        n = int(own.max())
        found[z] = own if z == 0 else stitch(found[z - 1], own)
    return found


def stitch(before: LabelMap, own: LabelMap) -> LabelMap:
    """Give a slice's regions the ids of those in the slice before that they share most with."""
    ids, here = np.unique(own, return_inverse=True)
    olds, there = np.unique(before, return_inverse=True)
    common = np.zeros((ids.size, olds.size))
    np.add.at(common, (here.ravel(), there.ravel()), 1)
    union = common.sum(axis=1, keepdims=True) + common.sum(axis=0) - common
    share = common / union
    best = share.argmax(axis=1)
    names = np.where(share[np.arange(ids.size), best] >= OVERLAP, olds[best], ids)
    return names[here].reshape(own.shape).astype(np.int32)


def cells(seeds: list[int], with_peer: bool) -> None:
    """Print one line for each phantom and method."""
    for seed in seeds:
        phantom = touching_cells(seed=seed)
        n = int(phantom.truth.max())
        start = time.process_time()
        result = segment_volume(phantom.array, spacing=phantom.spacing)
        seconds = time.process_time() - start
        print(f"seed {seed}: one tree {scores(phantom.truth, result.cut(n))} ({seconds:.0f} s)")
        print(f"  of {result.tree.n_leaves} leaves; automatic cut: {result.n_regions} regions,"
              f" {scores(phantom.truth, result.regions)}", flush=True)  # fmt: skip
        if with_peer:
            for method in ("volume", "picture"):
                found = slice_by_slice(phantom, method)
                print(f"  slices as {method}s, stitched {scores(phantom.truth, found)}", flush=True)


def size(sides: list[int]) -> None:
    """Print seconds of the processor and the peak of memory for cubes of these sides."""
    for side in sides:
        code = f"import volume; volume.one_size({side})"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=sys.path[0])


def one_size(side: int) -> None:
    """Segment one cube and say what it cost."""
    from scipy.ndimage import zoom

    coarse = np.random.default_rng(0).random((8, 8, 8)).astype(np.float32)
    array = (zoom(coarse, side / 8, order=1)[:side, :side, :side] * 255).astype(np.uint8)
    start = time.process_time()
    result = segment_volume(array)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{side}^3: {seconds:.1f} s, {1e6 * seconds / array.size:.2f} us a voxel; peak "
          f"{peak >> 20} MiB, {(peak - (450 << 20)) / array.size:.0f} bytes a voxel beside 450 MiB;"
          f" {result.tree.n_leaves} leaves", flush=True)  # fmt: skip


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("cells", "size"))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--sides", default="128")
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    if arguments.what == "cells":
        cells([int(seed) for seed in arguments.seeds.split(",")], not arguments.no_peer)
    else:
        size([int(side) for side in arguments.sides.split(",")])


if __name__ == "__main__":
    main()
