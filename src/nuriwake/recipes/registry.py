"""Which steps a recipe takes; what else is known of it stands in :mod:`nuriwake.settings`."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.network import Network
from nuriwake.learn.overview import Overview
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.fast import fast_steps
from nuriwake.recipes.found import Found
from nuriwake.recipes.label_regions import published_steps
from nuriwake.recipes.reference import Reference, learn_references
from nuriwake.recipes.training import Step
from nuriwake.recipes.views import learn_images
from nuriwake.settings import RecipeName, Settings


class RecipeSteps(Protocol):
    """How a recipe divides one normalised image: a generator of training steps."""

    def __call__(
        self,
        image: NDArray[np.float32],
        valid: BoolMap,
        settings: Settings,
        scribbles: LabelMap | None = None,
        network: Network | None = None,
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
        network : Network, optional
            Trained further, in place, instead of a new one.
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


STEPS: Mapping[RecipeName, RecipeSteps] = MappingProxyType(
    {"fast": fast_steps, "icassp2018": published_steps, "tip2020": published_steps}
)


class LearnMany(Protocol):
    """How a recipe trains one network on several normalised images."""

    def __call__(
        self, references: Sequence[Reference], settings: Settings
    ) -> Generator[Step, bool | None, Network]:
        """Train; yields and returns as :func:`.reference.learn_references`."""


LEARN_MANY: Mapping[RecipeName, LearnMany] = MappingProxyType(
    {"fast": learn_images, "icassp2018": learn_references, "tip2020": learn_references}
)
