"""Which steps a recipe takes; what else is known of it stands in :mod:`nuriwake.settings`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.overview import Overview
from nuriwake.learn.weights import Weights
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.found import Found
from nuriwake.recipes.training import Step
from nuriwake.settings import RecipeName, Settings

if TYPE_CHECKING:
    from nuriwake.recipes.crops import Reference


class RecipeSteps(Protocol):
    """How a recipe divides one normalised image: a generator of training steps.

    It computes with as many threads as the settings say, also where others run in between.
    """

    def __call__(
        self,
        image: NDArray[np.float32],
        valid: BoolMap,
        settings: Settings,
        scribbles: LabelMap | None = None,
        start: Weights | None = None,
        overview: Overview | None = None,
    ) -> Generator[Step, bool | None, Found]:
        """Divide the image.

        Parameters
        ----------
        image : ndarray of float32, shape (height, width, bands), in [0, 1]
        valid : ndarray of bool, shape (height, width)
        settings : Settings
        scribbles : ndarray of int32, shape (height, width), optional
            Labels drawn by the user; 0 = not scribbled.
        start : Weights, optional
            Trained further, instead of new ones.
        overview : Overview, optional
            The image, reduced, for recipes that learn from a coarse view. Default: the image.

        Yields
        ------
        Step
            After each training iteration. Sending True ends the training there.

        Returns
        -------
        Found
        """


class LearnMany(Protocol):
    """How a recipe trains one network on several normalised images."""

    def __call__(
        self, references: Sequence[Reference], settings: Settings
    ) -> Generator[Step, bool | None, Weights]:
        """Train; yields and returns as :func:`.reference.learn_references`."""


def steps_of(recipe: RecipeName) -> RecipeSteps:
    """Return how a recipe divides one image; imports what it needs, of `fast` no PyTorch."""
    if recipe == "fast":
        from nuriwake.recipes.fast import fast_steps

        return fast_steps
    from nuriwake.recipes.label_regions import published_steps

    return published_steps


def learning_of(recipe: RecipeName) -> LearnMany:
    """Return how a recipe trains one network on several images."""
    if recipe == "fast":
        from nuriwake.recipes.views import learn_images

        return learn_images
    from nuriwake.recipes.reference import learn_references

    return learn_references
