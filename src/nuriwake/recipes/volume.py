"""The recipe ``fast`` on a volume: one tree for the whole stack of slices."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuriwake.engine.compute import choose_device
from nuriwake.engine.overflow import check_responses
from nuriwake.learn.network import Network, weights_of
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.view import (
    REFERENCE_VOXELS,
    cell_counts,
    cell_means,
    coarse_view,
    fill_cells,
    perceptual_colours,
    pixel_scale,
    texture_of,
)
from nuriwake.learn.voting import MajorityVote
from nuriwake.raster import BoolMap
from nuriwake.recipes.fast import label_leaves, material_tree
from nuriwake.recipes.found import Found
from nuriwake.recipes.growing import grow_tree
from nuriwake.recipes.published import Learned, learn_tensors
from nuriwake.recipes.training import Step
from nuriwake.regions.basins import catchment_basins
from nuriwake.regions.cues import GridCues, grid_cues
from nuriwake.regions.evidence import edge_strength
from nuriwake.regions.graph import Frame, RegionGraph
from nuriwake.regions.linkage import Evidence
from nuriwake.regions.parts import add_up, sum_part
from nuriwake.settings import Settings

#: Distances of neighbouring voxels: in depth, along rows and columns; the least is 1.
Steps = tuple[float, float, float]
#: Voxels of a slab whose cues are summed at once.
_SLAB_VOXELS = 2_000_000
#: Voxels that the view is made from; a larger volume is reduced first.
_VIEW_VOXELS = REFERENCE_VOXELS
#: From so many voxels on, weighted, the means of a region are known well enough.
_KNOWN_VOXELS = 4500.0
#: How fast voxels lose their weight near edges, and where: in multiples of the median edge.
_FLATNESS, _FLAT_EDGE = 4, 2.0


def volume_steps(
    volume: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    steps: Steps = (1.0, 1.0, 1.0),
    network: Network | None = None,
) -> Generator[Step, bool | None, Found]:
    """Segment a normalised volume.

    Parameters
    ----------
    volume : ndarray of float32, shape (depth, height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (depth, height, width)
    settings : Settings
        With :data:`nuriwake.volume.VOLUME` as defaults.
    steps : tuple of float
        How far voxels are apart: in depth, along rows and columns. The least of them is 1.
    network : Network, optional
        Trained further, in place, instead of a new one.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Found
        Its maps are of shape (depth, height, width).
    """
    # 1. Colours, averaged with texture over a coarse grid whose cells are cubes in space.
    colours = perceptual_colours(volume)
    del volume  # as large as the colours, and not needed any more
    view, view_valid = volume_view(colours, valid, settings.grid_cells, steps)
    # 2. The network learns on the slices of the grid, each seen with the one before and behind.
    learned = yield from learn_slices(view, view_valid, settings, network)
    textons = texton_volume(learned.responses, view_valid, settings.n_layers)
    grid = grid_cues(textons, fill_cells(texture_of(view), view_valid), settings)
    # 3. Leaves: catchment basins of the colour edges, in six directions.
    scale = pixel_scale(valid.shape, steps)
    edges = edge_strength(colours, valid, settings.edge_sigma * scale, steps)
    edges *= np.float32(scale)
    base = catchment_basins(edges, valid, steps)
    # 4. Evidence, slab by slab. 5. Merge, cheapest pair first.
    frame = Frame((0, 0, 0), valid.shape, steps)
    graph, evidence = _add_slabs(base, valid, colours, edges, grid, settings, frame)
    known = _KNOWN_VOXELS * scale**3 / float(graph.areas.sum())
    tree = grow_tree(
        graph, evidence, settings, size_limit=min(known, 1.0), scene_pixels=math.inf, n_axes=3
    )
    # A speck is as wide as in a picture.
    speck = settings.speck_size**1.5 * scale**3 / math.prod(steps)
    tree = replace(tree, base=base, leaf_pixels=None, speck_pixels=speck)
    labels, confidence = label_leaves(base, evidence.textons)
    materials = material_tree(graph, labels, evidence.textons)
    return Found(tree, materials, labels, confidence, weights_of(learned.network))


def _add_slabs(
    base: NDArray[np.int32],
    valid: BoolMap,
    colours: NDArray[np.float32],
    edges: NDArray[np.float32],
    grid: GridCues,
    settings: Settings,
    frame: Frame,
) -> tuple[RegionGraph, Evidence]:
    parts = []
    typical = np.median(edges[valid][:: max(1, edges.size // _SLAB_VOXELS)])
    for slab, core in slabs(base.shape):
        here = replace(frame, start=(slab.start, 0, 0))
        flat = flatness(edges[slab], float(typical))
        parts.append(
            sum_part(base[slab], core, colours[slab], edges[slab], grid, settings, here, flat)
        )
    return add_up(parts, int(base.max()))


def flatness(edges: NDArray[np.float32], typical: float) -> NDArray[np.float32]:
    """How much each voxel counts: one on the slope between two things belongs to neither.

    The blur of a microscope puts voxels of every brightness between a cell and what is around it.
    In a volume a large share of a small leaf is such a slope, and leaves of slope alone would hang
    together as a shell around the cell.

    Parameters
    ----------
    edges : ndarray of float32
    typical : float
        The median edge of the volume.

    Returns
    -------
    ndarray of float32, in (0, 1]

    Examples
    --------
    >>> flatness(np.array([0.0, 2.0], np.float32), typical=1.0)
    array([1.    , 0.0625], dtype=float32)
    """
    unit = max(_FLAT_EDGE * typical, float(np.finfo(np.float32).tiny))
    # No voxel counts for nothing: a leaf must have a mean.
    height = np.minimum(edges / np.float32(unit), np.float32(10.0))
    weights: NDArray[np.float32] = (1.0 + height * height) ** np.float32(-_FLATNESS)
    return weights


def slabs(shape: tuple[int, ...]) -> Iterator[tuple[slice, tuple[int, ...]]]:
    """Divide a volume into slabs of whole slices.

    Parameters
    ----------
    shape : tuple of int
        Depth, height and width.

    Yields
    ------
    slab : slice
        Of the depth; with the first slice of the next slab, where there is one.
    core : tuple of int
        Shape of the slab without that slice.

    Examples
    --------
    >>> list(slabs((3, 1000, 1500)))
    [(slice(0, 2, None), (1, 1000, 1500)), (slice(1, 3, None), (1, 1000, 1500)),
     (slice(2, 3, None), (1, 1000, 1500))]
    """
    depth = max(1, _SLAB_VOXELS // (shape[1] * shape[2]))
    for start in range(0, shape[0], depth):
        n = min(depth, shape[0] - start)
        yield slice(start, min(start + n + 1, shape[0])), (n, *shape[1:])


def volume_view(
    colours: NDArray[np.float32], valid: BoolMap, n_cells: int, steps: Steps
) -> tuple[NDArray[np.float32], BoolMap]:
    """Make the coarse view of a volume; a large one is reduced before its texture is measured.

    See :func:`nuriwake.learn.view.coarse_view`.
    """
    reduced = cell_counts(valid.shape, _VIEW_VOXELS, steps)
    if reduced != valid.shape:
        dz, dy, dx = (step * n / m for step, n, m in zip(steps, valid.shape, reduced, strict=True))
        steps = dz, dy, dx
        colours, valid = cell_means(colours, valid, reduced)
    return coarse_view(colours, valid, n_cells, steps)


def learn_slices(
    view: NDArray[np.float32], valid: BoolMap, settings: Settings, network: Network | None = None
) -> Generator[Step, bool | None, Learned]:
    """Train the network on the slices of a view.

    Its margin repeats the outermost cells and counts for nothing: where a grid is so coarse, the
    zeros that convolutions meet at its rim would be seen everywhere.

    Parameters
    ----------
    view : ndarray of float32, shape (d, h, w, channels)
    valid : ndarray of bool, shape (d, h, w)
    settings : Settings
    network : Network, optional
        Trained further, in place, instead of a new one.

    Yields
    ------
    Step

    Returns
    -------
    Learned
        Its responses are of shape (d, q, h + 2 m, w + 2 m), with m layers.
    """
    device = choose_device(settings.device)
    margin = ((0, 0), *((settings.n_layers, settings.n_layers),) * 2)
    wide = with_neighbours(np.pad(view, (*margin, (0, 0)), mode="edge"))
    x = torch.from_numpy(wide.transpose(0, 3, 1, 2).copy()).to(device)
    mask = torch.from_numpy(np.pad(valid, margin)).to(device)
    ids = slic_superpixels(view, settings.n_superpixels, settings.compactness, valid)
    ids = np.pad(ids, margin, constant_values=-1)
    vote = MajorityVote(torch.from_numpy(ids.astype(np.int64)).to(device), settings.max_labels)
    return (yield from learn_tensors(x, mask, vote, settings, network=network))


def with_neighbours(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Show each slice with the one before it and the one behind it, as further channels.

    Examples
    --------
    >>> with_neighbours(np.arange(3, dtype=np.float32).reshape(3, 1, 1, 1))[:, 0, 0]
    array([[0., 0., 1.],
           [0., 1., 2.],
           [1., 2., 2.]], dtype=float32)
    """
    padded = np.pad(view, ((1, 1), (0, 0), (0, 0), (0, 0)), mode="edge")
    return np.concatenate([padded[:-2], padded[1:-1], padded[2:]], axis=-1)


def texton_volume(responses: Tensor, valid: BoolMap, margin: int) -> NDArray[np.float32]:
    """Return the probability of each learned label in each cell; see :func:`.fast.texton_map`."""
    check_responses(responses)
    inside = responses[:, :, margin:-margin, margin:-margin]
    probabilities = inside.softmax(dim=1).permute(0, 2, 3, 1)
    return fill_cells(probabilities.contiguous().cpu().numpy(), valid)
