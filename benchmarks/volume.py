"""Volumes: touching cells against slices that are stitched, the two ways to learn, size and time.

    python benchmarks/volume.py cells --seeds 0,1,2
    python benchmarks/volume.py size --sides 128,192,256
    python benchmarks/volume.py learning --seeds 0,1

`cells` fills a volume with 100 touching, noisy ellipsoids (voxels three times as long as wide) and
reports the adjusted Rand index, over all voxels and over those of cells, at the true number of
regions: one tree for the volume; and the peers, slice by slice, each slice cut at its own true
number, regions of neighbouring slices joined where they overlap most: slices as volumes of one
slice, with the same constants, and as pictures. `size` segments cubes of
noise-free blobs and reports seconds and peak memory, each in a process of its own. `learning`
compares the labels that slices with their neighbours teach (2.5-D) with those of 3 x 3 x 3
convolutions, by plain PyTorch, in the cells of the view: adjusted mutual information with the
truth, and the share of cells that are right when each label is told to be inside or outside.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from numpy.typing import NDArray

from nuriwake.evaluate.phantoms import Phantom, touching_cells
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.segmenter import finish_steps, segment
from nuriwake.settings import Settings
from nuriwake.volume_segmenter import segment_volume, volume_settings

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
        for share in (0.85, 1.15):
            found = result.cut(int(share * n))
            print(f"  {share:.0%} of the true number: {scores(phantom.truth, found)}", flush=True)
        if with_peer:
            for method in ("volume", "picture"):
                found = slice_by_slice(phantom, method)
                print(f"  slices as {method}s, stitched {scores(phantom.truth, found)}", flush=True)


def learning(seeds: list[int]) -> None:
    """Print one line for each phantom and way to learn."""
    from sklearn.metrics import adjusted_mutual_info_score

    from nuriwake.learn.view import perceptual_colours
    from nuriwake.recipes.volume import volume_view

    settings = volume_settings({})
    for seed in seeds:
        phantom = touching_cells(seed=seed)
        colours = perceptual_colours(np.clip(phantom.array, 0, 1)[..., np.newaxis])
        valid = np.ones(phantom.truth.shape, bool)
        view, seen = volume_view(colours, valid, settings.grid_cells, phantom.spacing)
        places = [
            ((np.arange(n) + 0.5) * size / n).astype(int)
            for n, size in zip(seen.shape, valid.shape, strict=True)
        ]
        truth = phantom.truth[np.ix_(*places)].ravel()
        for name, learn in (("2.5-D", learn_slabs), ("3 x 3 x 3", learn_cubes)):
            start = time.process_time()
            labels = learn(view, seen, settings).ravel()
            seconds = time.process_time() - start
            inside = np.bincount(labels, truth > 1) > 0.5 * np.bincount(labels)
            print(
                f"seed {seed}, {name}: {len(np.unique(labels))} labels, mutual information "
                f"{adjusted_mutual_info_score(truth, labels):.3f}, inside or outside "
                f"{(inside[labels] == (truth > 1)).mean():.3f} ({seconds:.1f} s)",
                flush=True,
            )


def learn_slabs(view: NDArray[np.float32], valid: BoolMap, settings: Settings) -> LabelMap:
    """Learn as the recipe does."""
    from nuriwake.recipes.volume import learn_slices, texton_volume

    learned = finish_steps(learn_slices(view, valid, settings))
    return texton_volume(learned.responses, valid, settings.n_layers).argmax(axis=-1)


def learn_cubes(view: NDArray[np.float32], valid: BoolMap, settings: Settings) -> LabelMap:
    """Learn with convolutions in three dimensions, otherwise as the recipe does."""
    import torch
    from torch import nn

    from nuriwake.learn.superpixels import slic_superpixels
    from nuriwake.learn.voting import MajorityVote

    torch.manual_seed(settings.seed)
    margin = ((settings.n_layers,) * 2,) * 3
    x = torch.from_numpy(np.pad(view, (*margin, (0, 0)), mode="edge").transpose(3, 0, 1, 2).copy())
    ids = slic_superpixels(view, settings.n_superpixels, settings.compactness, valid)
    ids = torch.from_numpy(np.pad(ids, margin, constant_values=-1).astype(np.int64))
    vote, counts = MajorityVote(ids, settings.max_labels), ids >= 0
    parts, n_bands = [], len(x)
    for _ in range(settings.n_layers):
        parts += [nn.Conv3d(n_bands, settings.n_channels, 3, padding=1), nn.ReLU()]
        parts += [nn.BatchNorm3d(settings.n_channels)]
        n_bands = settings.n_channels
    parts += [nn.Conv3d(n_bands, settings.max_labels, 1), nn.BatchNorm3d(settings.max_labels)]
    network = nn.Sequential(*parts)
    descent = torch.optim.SGD(
        network.parameters(), lr=settings.learning_rate, momentum=settings.momentum
    )
    for _ in range(settings.max_iter):
        responses = network(x[None])[0]
        labels = responses.argmax(dim=0)
        targets = vote(labels).reshape(labels.shape)
        nn.functional.cross_entropy(responses[:, counts].T, targets[counts]).backward()
        descent.step()
        descent.zero_grad()
        if len(labels[counts].unique()) <= settings.min_labels:
            break
    inside = network(x[None])[0].argmax(dim=0)[counts]
    return inside.reshape(valid.shape).numpy()


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
    parser.add_argument("what", choices=("cells", "size", "learning"))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--sides", default="128")
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    if arguments.what == "cells":
        cells(seeds, not arguments.no_peer)
    elif arguments.what == "learning":
        learning(seeds)
    else:
        size([int(side) for side in arguments.sides.split(",")])


if __name__ == "__main__":
    main()
