"""The trees of the published recipes: over the connected parts of their labels."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuriwake.fast import colour_edges, gather_evidence, grow_tree
from nuriwake.learn.view import perceptual_colours
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.regions.components import connected_components
from nuriwake.regions.graph import region_graph
from nuriwake.regions.labels import label_tree
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.settings import Settings

#: Responses are averaged over a grid of about so many cells before they are read as evidence.
_EVIDENCE_CELLS = 40_000


def component_tree(
    labels: LabelMap,
    image: NDArray[np.float32],
    responses: Tensor,
    settings: Settings,
) -> RegionTree:
    """Build a tree whose leaves are the connected parts of the labels.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data.
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    responses : Tensor of shape (1, q, height, width)
    settings : Settings

    Returns
    -------
    RegionTree
        Its automatic cut gives the connected parts themselves: the recipe's own result.
    """
    graph = region_graph(connected_components(labels))
    colours, valid = perceptual_colours(image), labels > 0
    edges = colour_edges(colours, valid, settings.edge_sigma)
    evidence = gather_evidence(graph, colours, edges, coarse_probabilities(responses), settings)
    return grow_tree(graph, evidence, settings).with_automatic_altitude(-1.0)


@torch.no_grad()
def coarse_probabilities(responses: Tensor) -> NDArray[np.float32]:
    """Average the labels' probabilities over the cells of a grid.

    Parameters
    ----------
    responses : Tensor of shape (1, q, height, width)

    Returns
    -------
    ndarray of float32, shape (h, w, q)
        Sums to 1 over the labels.

    Examples
    --------
    >>> coarse_probabilities(torch.zeros(1, 4, 300, 300)).shape
    (200, 200, 4)
    """
    height, width = responses.shape[2:]
    shrink = min(1.0, (_EVIDENCE_CELLS / (height * width)) ** 0.5)
    shape = max(1, round(height * shrink)), max(1, round(width * shrink))
    probabilities = responses.softmax(dim=1)
    coarse = torch.nn.functional.interpolate(probabilities, size=shape, mode="area")
    result: NDArray[np.float32] = coarse[0].permute(1, 2, 0).contiguous().cpu().numpy()
    return result


def response_tree(labels: LabelMap, responses: Tensor, valid: BoolMap) -> LabelTree:
    """Build the tree of the labels from their mean responses.

    Parameters
    ----------
    labels : ndarray of int32, shape (height, width)
        0 = no data.
    responses : Tensor of shape (1, q, height, width)
    valid : ndarray of bool, shape (height, width)

    Returns
    -------
    LabelTree
        Over the labels in use. Its leaves are numbered without gaps in the labels' order.
    """
    used, dense = np.unique(labels[valid], return_inverse=True)
    index = torch.from_numpy(dense).to(responses.device)
    inside = torch.from_numpy(valid).to(responses.device)
    sums = responses.new_zeros(used.size, responses.shape[1])
    sums.index_add_(0, index, responses[0][:, inside].T)
    counts = np.bincount(dense)
    leaves = np.zeros(labels.shape, np.int32)
    leaves[valid] = dense + 1
    return label_tree(leaves, sums.double().cpu().numpy() / counts[:, np.newaxis])
