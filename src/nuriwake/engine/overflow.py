"""Responses that are no numbers label nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def check_responses(responses: Tensor | NDArray[np.float32]) -> None:
    """Refuse what a network says of an image if its arithmetic has overflowed.

    Weights that are finite one by one can do that together.

    Parameters
    ----------
    responses : Tensor or ndarray
        Not empty.

    Raises
    ------
    InputError
        If one is infinite or NaN.

    Examples
    --------
    >>> check_responses(np.array([3e38, np.inf], np.float32))
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: the network's responses are not finite numbers: its model is
    damaged, or its training diverged. Train it again, with a lower learning_rate.
    """
    if not math.isfinite(float(responses.max()) - float(responses.min())):
        raise InputError(
            "the network's responses are not finite numbers: its model is damaged, or its "
            "training diverged. Train it again, with a lower learning_rate."
        )
