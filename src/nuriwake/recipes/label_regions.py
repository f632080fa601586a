"""The published recipes from image to trees: over the connected parts of their labels."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from nuriwake.engine.compute import steps_in_threads
from nuriwake.engine.predict import Predictor
from nuriwake.learn.network import network_of, weights_of
from nuriwake.learn.overview import Overview
from nuriwake.learn.view import perceptual_colours
from nuriwake.learn.weights import Weights
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.found import Found
from nuriwake.recipes.growing import grow_tree
from nuriwake.recipes.published import learn
from nuriwake.recipes.training import Step
from nuriwake.regions.components import connected_components
from nuriwake.regions.cues import grid_cues, sum_cues
from nuriwake.regions.evidence import colour_edges
from nuriwake.regions.graph import region_graph
from nuriwake.regions.labels import label_tree
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.settings import Settings

#: The labels' probabilities are read as evidence on a grid of about so many cells.
_EVIDENCE_CELLS = 40_000


def published_steps(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None = None,
    start: Weights | None = None,
    overview: Overview | None = None,  # noqa: ARG001 - every pixel is learned from
) -> Generator[Step, bool | None, Found]:
    """Segment a normalised image by the recipe ``icassp2018`` or ``tip2020``.

    See :class:`nuriwake.recipes.registry.RecipeSteps`.
    """
    steps = _published_steps(image, valid, settings, scribbles, start)
    return (yield from steps_in_threads(steps, settings.threads))


def _published_steps(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None,
    start: Weights | None,
) -> Generator[Step, bool | None, Found]:
    network = None if start is None else network_of(start)
    learned = yield from learn(image, valid, settings, scribbles, network)
    predictor = Predictor(learned.network, settings.precision)
    labels = predictor.labels(image, valid)
    probabilities = sampled_probabilities(predictor, image)
    return Found(
        tree=component_tree(labels, image, probabilities, settings),
        label_tree=response_tree(labels, probabilities),
        own_labels=labels,
        confidence=predictor.margins(image, valid),
        weights=weights_of(learned.network),
    )


def component_tree(
    labels: LabelMap,
    image: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    settings: Settings,
) -> RegionTree:
    """Build a tree whose leaves are the connected parts of the labels.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data.
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    probabilities : ndarray of float32, shape (h, w, q)
        From :func:`sampled_probabilities`.
    settings : Settings

    Returns
    -------
    RegionTree
        Its automatic cut gives the connected parts themselves: the recipe's own result.
    """
    graph = region_graph(connected_components(labels))
    colours, valid = perceptual_colours(image), labels > 0
    edges = colour_edges(colours, valid, settings.edge_sigma)
    no_texture = np.zeros((*probabilities.shape[:2], 0), np.float32)
    grid = grid_cues(probabilities, no_texture, settings)
    evidence = sum_cues(graph, colours, edges, grid, settings).evidence()
    tree = grow_tree(graph, evidence, settings)
    return replace(tree, automatic_altitude=-1.0, speck_pixels=0.0)


def sampled_probabilities(predictor: Predictor, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the labels' probabilities over the cells of a grid, strip by strip.

    Parameters
    ----------
    predictor : Predictor
    image : ndarray of float32, shape (height, width, bands), in [0, 1]

    Returns
    -------
    ndarray of float32, shape (h, w, q)
        Sums to 1 over the labels.
    """
    height, width, _ = image.shape
    side = max(1, int(np.ceil(np.sqrt(height * width / _EVIDENCE_CELLS))))
    reach = predictor.radius
    rows = []
    for top in range(0, height, 8 * side):
        first, last = max(0, top - reach), min(height, top + 8 * side + reach)
        responses = predictor.responses(image[first:last])
        inside = responses[top - first : top - first + 8 * side]
        probabilities = torch.from_numpy(inside).softmax(dim=2).permute(2, 0, 1)[None]
        means = torch.nn.functional.avg_pool2d(
            probabilities, side, ceil_mode=True, count_include_pad=False
        )
        rows.append(means[0].permute(1, 2, 0).numpy())
    joined: NDArray[np.float32] = np.concatenate(rows)
    return joined


def response_tree(labels: LabelMap, probabilities: NDArray[np.float32]) -> LabelTree:
    """Build the tree of the labels from how they are mixed up with each other.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data.
    probabilities : ndarray of float32, shape (h, w, q)
        From :func:`sampled_probabilities`.

    Returns
    -------
    LabelTree
        Over the labels in use, in their order.
    """
    used = np.unique(labels[labels > 0])
    rank = np.zeros(int(used.max()) + 1, np.int32)
    rank[used] = np.arange(1, used.size + 1)
    cells = probabilities.reshape(-1, probabilities.shape[2]).astype(np.float64)
    # The mean mixture around a label: cells weighted by their share of it.
    weights = cells[:, used - 1]
    totals = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
    means = (weights.T @ np.sqrt(cells)) / totals[:, np.newaxis]
    return label_tree(rank[labels], means)
