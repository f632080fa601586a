"""What a recipe finds in one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.weights import Weights
from nuriwake.raster import LabelMap
from nuriwake.regions.tree import LabelTree, RegionTree


@dataclass(frozen=True, eq=False)
class Found:
    """Two trees over one image, the labels, and what the network has learned that gave them.

    Parameters
    ----------
    tree : RegionTree
        Of connected regions.
    label_tree : LabelTree
        Of the labels in use: so many materials, whichever number is asked for.
    own_labels : ndarray of int32, shape (height, width)
        The network's labels, from 1, the largest first, each in any places; 0 = no data. Where
        labels were drawn, these have their numbers.
    confidence : ndarray of float32, shape (height, width), in [0, 1]
        Softmax probability of the label less that of the second best; 0 = no data.
    weights : Weights
        Of the trained network, its statistics frozen.
    """

    tree: RegionTree
    label_tree: LabelTree
    own_labels: LabelMap
    confidence: NDArray[np.float32]
    weights: Weights
