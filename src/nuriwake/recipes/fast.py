"""The recipe ``fast``: learn on a coarse grid, then build one tree of regions at full size."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.beside import Start, later, second_thread
from nuriwake.engine.grid_respond import respond
from nuriwake.engine.overflow import check_responses
from nuriwake.learn.overview import Overview
from nuriwake.learn.view import coarse_view, fill_cells, perceptual_colours, texture_of
from nuriwake.learn.weights import Weights
from nuriwake.machine import count_cores
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.found import Found
from nuriwake.recipes.growing import grow_tree
from nuriwake.recipes.many_bands import learn_view
from nuriwake.recipes.training import Step
from nuriwake.regions.basins import catchment_basins
from nuriwake.regions.cues import CueSums, add_grid_cues, grid_cues, sum_colour_cues
from nuriwake.regions.evidence import colour_edges
from nuriwake.regions.graph import RegionGraph, region_graph
from nuriwake.regions.labels import label_tree
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.settings import Settings

#: Numbers of the largest image whose leaves are found while the network learns, 4 megapixels of
#: three bands: of a larger one the memory of both at once would count, and the time hardly.
_MAX_BESIDE = 12_000_000


def fast_steps(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None = None,
    start: Weights | None = None,
    overview: Overview | None = None,
) -> Generator[Step, bool | None, Found]:
    """Segment a normalised image by the recipe ``fast``.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    settings : Settings
    scribbles : ndarray of int32, shape (height, width), optional
        Regions that touch scribbles of two different labels are never merged; 0 = no scribble.
    start : Weights, optional
        Trained further, instead of new ones.
    overview : Overview, optional
        What is learned from, normalised like the image. Default: the image.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Found
        Its regions' automatic altitude is that of the settings. The confidence is a mean over the
        leaf of the tree that a pixel lies in.
    """
    # 1. Colours whose distances mean something, averaged with texture over a coarse grid.
    colours = perceptual_colours(image)
    with second_thread(_has_room(image, settings)) as begin:
        # 2. Leaves: they need nothing of the network, and are found while it learns.
        leaves = begin(_find_leaves, colours, valid, settings)
        view, view_valid = _view(colours, valid, settings, overview)
        # 3. The network of ICASSP 2018 learns its labels on the grid: the image's textons.
        weights = yield from learn_view(view, view_valid, settings, start)
        n_threads = settings.threads or count_cores()
        textons = texton_map(respond(weights, view, n_threads), view_valid)
        texture = fill_cells(texture_of(view), view_valid)
        return _grow(weights, leaves(), textons, texture, settings, scribbles, begin)


def _has_room(image: NDArray[np.float32], settings: Settings) -> bool:
    """Whether there is a core, and memory beside the learning's, for a second thread."""
    return (settings.threads or count_cores()) > 1 and image.size <= _MAX_BESIDE


def _view(
    colours: NDArray[np.float32], valid: BoolMap, settings: Settings, overview: Overview | None
) -> tuple[NDArray[np.float32], BoolMap]:
    """Make the coarse view of an image, by way of its overview where it has one."""
    if overview is not None:
        image = overview.image.astype(np.float32, copy=False)
        colours, valid = perceptual_colours(image), overview.valid
    return coarse_view(colours, valid, settings.grid_cells)


def fast_found(
    weights: Weights,
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    overview: Overview | None = None,
) -> Found:
    """Grow the trees of an image with the network that the recipe ``fast`` trained on other ones.

    See :func:`fast_labels`, whose labels these are.
    """
    colours = perceptual_colours(image)
    view, view_valid = _view(colours, valid, settings, overview)
    textons = texton_map(respond(weights, view), view_valid)
    texture = fill_cells(texture_of(view), view_valid)
    return _grow(weights, _find_leaves(colours, valid, settings), textons, texture, settings)


@dataclass(frozen=True, eq=False)
class _Leaves:
    """The regions that a tree grows from, and the sums of what the pixels show of them."""

    graph: RegionGraph
    sums: CueSums


def _find_leaves(colours: NDArray[np.float32], valid: BoolMap, settings: Settings) -> _Leaves:
    """Find catchment basins of the colour edges."""
    edges = colour_edges(colours, valid, settings.edge_sigma)
    graph = region_graph(catchment_basins(edges, valid))
    return _Leaves(graph, sum_colour_cues(graph, colours, edges))


def _grow(
    weights: Weights,
    leaves: _Leaves,
    textons: NDArray[np.float32],
    texture: NDArray[np.float32],
    settings: Settings,
    scribbles: LabelMap | None = None,
    begin: Start = later,
) -> Found:
    """Build the trees from the leaves and what the network has learned."""
    # 4. Evidence: colour, textons and texture inside the leaves, along and across their borders.
    grid, graph = grid_cues(textons, texture, settings, begin), leaves.graph
    sums = add_grid_cues(leaves.sums, graph, grid, settings, start=begin)
    evidence = sums.evidence()
    # 5. Merge, cheapest pair first.
    named = begin(_name_leaves, graph, evidence.textons)
    groups = None if scribbles is None else scribbled_leaves(graph.base, scribbles)
    tree = grow_tree(graph, evidence, settings, groups)
    labels, confidence, materials = named()
    if scribbles is not None:
        labels = spread_scribbles(tree, scribbles)
    return Found(tree, materials, labels, confidence, weights)


def _name_leaves(
    graph: RegionGraph, textons: NDArray[np.float64]
) -> tuple[LabelMap, NDArray[np.float32], LabelTree]:
    """Return the labels of the leaves, their confidence and the tree of the labels."""
    labels, confidence = label_leaves(graph.base, textons)
    return labels, confidence, material_tree(graph, labels, textons)


def fast_labels(
    weights: Weights,
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    overview: Overview | None = None,
) -> tuple[LabelMap, NDArray[np.float32]]:
    """Label an image with the network that the recipe ``fast`` trained, on it or on another one.

    Parameters
    ----------
    weights : Weights
        Of what :func:`fast_steps` found.
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    settings : Settings
        Those of the training.
    overview : Overview, optional
        As in :func:`fast_steps`: of what was learned from a large image, its own labels are found
        only by way of the overview that it was learned by.

    Returns
    -------
    labels : ndarray of int32, shape (height, width)
        A label means what it meant in training; 0 = no data.
    confidence : ndarray of float32, shape (height, width), in [0, 1]
    """
    graph, textons = fast_leaves(weights, image, valid, settings, overview)
    return label_leaves(graph.base, textons)


def fast_leaves(
    weights: Weights,
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    overview: Overview | None = None,
) -> tuple[RegionGraph, NDArray[np.float64]]:
    """Divide an image into leaves, and say how often each learned label occurs in each of them.

    See :func:`fast_labels`.
    """
    colours = perceptual_colours(image)
    view, view_valid = _view(colours, valid, settings, overview)
    textons = texton_map(respond(weights, view), view_valid)
    graph = region_graph(catchment_basins(colour_edges(colours, valid, settings.edge_sigma), valid))
    return graph, graph.region_mean(textons)


def texton_map(responses: NDArray[np.float32], valid: BoolMap) -> NDArray[np.float32]:
    """Return the probability of each learned label in each cell of the grid.

    Parameters
    ----------
    responses : ndarray of float32, shape (h, w, q)
        Of the network, on the grid.
    valid : ndarray of bool, shape (h, w)

    Returns
    -------
    ndarray of float32, shape (h, w, q)
        Sums to 1 over the labels. Cells without data take those of the nearest cell with data, so
        that whatever is interpolated at the rim of the data comes from the data.

    Raises
    ------
    InputError
        If they are no numbers.
    """
    check_responses(responses)
    probabilities = np.exp(responses - responses.max(axis=2, keepdims=True))
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    return fill_cells(probabilities, valid)


def scribbled_leaves(base: LabelMap, scribbles: LabelMap) -> NDArray[np.int64]:
    """Return the scribble label of each leaf: the most frequent one in it, 0 where there is none.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Leaves 1..n; 0 = no data.
    scribbles : ndarray of int32, shape (height, width)
        0 = no scribble.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> scribbled_leaves(np.array([[1, 1, 2, 3]]), np.array([[0, 4, 0, 2]]))
    array([4, 0, 2])
    """
    is_drawn = (scribbles > 0) & (base > 0)
    names, label = np.unique(scribbles[is_drawn], return_inverse=True)
    counts = np.zeros((int(base.max()), names.size), np.int64)
    np.add.at(counts, (base[is_drawn] - 1, label), 1)
    if names.size == 0:
        return np.zeros(len(counts), np.int64)
    return np.where(counts.any(axis=1), names[counts.argmax(axis=1)], 0).astype(np.int64)


def spread_scribbles(
    tree: RegionTree, scribbles: LabelMap, weights: NDArray[np.int64] | None = None
) -> LabelMap:
    """Give each region of the coarsest cut that keeps the scribbles apart its scribble's label.

    Parameters
    ----------
    tree : RegionTree
        Grown under the scribbles' constraint.
    scribbles : ndarray of int32, shape (height, width)
        0 = not scribbled.
    weights : ndarray of int64, shape (height, width), optional
        How much each scribble counts; default: one pixel each.

    Returns
    -------
    ndarray of int32, shape (height, width)
        The drawn labels; regions that nobody drew in get numbers above them; 0 = no data.

    Examples
    --------
    >>> tree = RegionTree(np.array([[1, 1, 2]]), np.array([[0, 1]]), np.array([np.inf]), 0.0, 2)
    >>> spread_scribbles(tree, np.array([[0, 7, 3]]))
    array([[7, 7, 3]], dtype=int32)
    """
    regions = tree.cut(tree.min_regions)
    label = np.zeros(tree.min_regions + 1, np.int32)
    is_drawn = (scribbles > 0) & (regions > 0)
    pairs, place = np.unique(
        np.stack([regions[is_drawn], scribbles[is_drawn]]), axis=1, return_inverse=True
    )
    counts = np.bincount(place.ravel(), None if weights is None else weights[is_drawn])
    # The most frequent label of each region is written last.
    frequent = np.argsort(counts, kind="stable")
    label[pairs[0, frequent]] = pairs[1, frequent]
    blank = np.flatnonzero(label[1:] == 0) + 1
    label[blank] = scribbles.max() + np.arange(1, blank.size + 1)
    return label[regions]


def label_leaves(
    base: LabelMap, textons: NDArray[np.float64]
) -> tuple[LabelMap, NDArray[np.float32]]:
    """Label each leaf by its most frequent texton, so that labels follow the image's edges.

    Parameters
    ----------
    base : ndarray of int32, shape (height, width)
        Leaves 1..n; 0 = no data.
    textons : ndarray of float64, shape (n, q)
        How often each learned label occurs in each leaf.

    Returns
    -------
    labels : ndarray of int32, shape (height, width)
        From 1; 0 = no data.
    confidence : ndarray of float32, shape (height, width), in [0, 1]
        Largest minus second largest share; 1 where there is only one label.

    Examples
    --------
    >>> label_leaves(np.array([[1, 0, 2]]), np.array([[0.75, 0.25], [0.5, 0.5]]))
    (array([[1, 0, 1]], dtype=int32), array([[0.5, 0. , 0. ]], dtype=float32))
    """
    # A column of zeros stands for the second best where there is only one label.
    top = np.sort(np.column_stack([textons, np.zeros(len(textons))]), axis=1)
    labels = np.append(0, textons.argmax(axis=1) + 1).astype(np.int32)
    margin = np.append(0.0, top[:, -1] - top[:, -2]).astype(np.float32)
    return labels[base], np.clip(margin, 0.0, 1.0)[base]


def material_tree(graph: RegionGraph, labels: LabelMap, textons: NDArray[np.float64]) -> LabelTree:
    """Agglomerate the labels in use by the mean texton mixture of their leaves.

    Parameters
    ----------
    graph : RegionGraph
    labels : ndarray of int32, shape (height, width)
        From :func:`label_leaves`; or one row with the label of each leaf.
    textons : ndarray of float64, shape (n, q)
        Of each leaf.

    Returns
    -------
    LabelTree
    """
    used, leaf_label = np.unique(textons.argmax(axis=1), return_inverse=True)
    sizes = np.bincount(leaf_label, graph.areas)
    mixtures = graph.areas * np.sqrt(textons.T)
    sums = np.stack([np.bincount(leaf_label, each) for each in mixtures], axis=1)
    rank = np.zeros(textons.shape[1] + 1, np.int32)
    rank[used + 1] = np.arange(1, used.size + 1)
    return label_tree(rank[labels], sums / sizes[:, np.newaxis])
