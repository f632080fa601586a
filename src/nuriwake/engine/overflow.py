"""Responses that are no numbers label nothing."""

from __future__ import annotations

from torch import Tensor

from nuriwake.errors import InputError


def check_responses(responses: Tensor) -> None:
    """Refuse what a network says of an image if its arithmetic has overflowed.

    Weights that are finite one by one can do that together.

    Parameters
    ----------
    responses : Tensor

    Raises
    ------
    InputError
        If one is infinite or NaN.

    Examples
    --------
    >>> import torch
    >>> check_responses(torch.tensor([3e38, float("inf")]))
    Traceback (most recent call last):
        ...
    nuriwake.errors.InputError: the network's responses are not finite numbers: its model is
    damaged, or its training diverged. Train it again, with a lower learning_rate.
    """
    if not responses.isfinite().all():
        raise InputError(
            "the network's responses are not finite numbers: its model is damaged, or its "
            "training diverged. Train it again, with a lower learning_rate."
        )
