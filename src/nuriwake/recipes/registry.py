"""Each recipe from a normalised image to its trees, as one stream of steps."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.engine.predict import Predictor
from nuriwake.learn.network import Network
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.fast import fast_steps
from nuriwake.recipes.label_regions import component_tree, response_tree, sampled_probabilities
from nuriwake.recipes.published import learn
from nuriwake.recipes.training import Step
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.settings import Settings


@dataclass(frozen=True, eq=False)
class Found:
    """What a recipe finds in one image; the fields are those of a Partition."""

    tree: RegionTree
    label_tree: LabelTree
    own_labels: LabelMap
    confidence: NDArray[np.float32]
    network: Network


def recipe_steps(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None = None,
    network: Network | None = None,
) -> Generator[Step, bool | None, Found]:
    """Run the recipe that the settings name.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    settings : Settings
    scribbles : ndarray of int32, shape (height, width), optional
        Labels drawn by the user; 0 = not scribbled.
    network : Network, optional
        Trained further, in place, instead of a new one.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Found
    """
    if settings.recipe == "fast":
        return (yield from _fast(image, valid, settings, scribbles, network))
    learned = yield from learn(image, valid, settings, scribbles, network)
    predictor = Predictor(learned.network, settings.precision)
    labels = predictor.labels(image, valid)
    probabilities = sampled_probabilities(predictor, image)
    return Found(
        tree=component_tree(labels, image, probabilities, settings),
        label_tree=response_tree(labels, probabilities),
        own_labels=labels,
        confidence=predictor.margins(image, valid),
        network=learned.network,
    )


def _fast(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None,
    network: Network | None,
) -> Generator[Step, bool | None, Found]:
    found = yield from fast_steps(image, valid, settings, scribbles, network)
    labels = found.labels
    if scribbles is not None:
        labels = spread_scribbles(found.regions, scribbles)
    return Found(found.regions, found.materials, labels, found.confidence, found.network)


def spread_scribbles(tree: RegionTree, scribbles: LabelMap) -> LabelMap:
    """Give each region of the coarsest cut that keeps the scribbles apart its scribble's label.

    Parameters
    ----------
    tree : RegionTree
        Grown under the scribbles' constraint.
    scribbles : ndarray of int32, shape (height, width)
        0 = not scribbled.

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
    pairs, counts = np.unique(
        np.stack([regions[is_drawn], scribbles[is_drawn]]), axis=1, return_counts=True
    )
    # The most frequent label of each region is written last.
    frequent = np.argsort(counts, kind="stable")
    label[pairs[0, frequent]] = pairs[1, frequent]
    blank = np.flatnonzero(label[1:] == 0) + 1
    label[blank] = scribbles.max() + np.arange(1, blank.size + 1)
    return label[regions]
