"""Stochastic gradient descent with momentum."""

from __future__ import annotations

import torch
from torch import Tensor


class Descent:
    """The steps of `torch.optim.SGD`, bit for bit, for gradients that nobody has to reset.

    PyTorch's optimiser imports its compiler at the first step, which takes longer than the
    whole training of the recipe ``fast``.

    Parameters
    ----------
    parameters : list of Tensor
        Changed in place.
    learning_rate, momentum : float

    Examples
    --------
    >>> weight = torch.zeros(1)
    >>> weight.grad = torch.ones(1)
    >>> descent = Descent([weight], learning_rate=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     descent.step()
    >>> weight
    tensor([-1.2500])
    """

    def __init__(self, parameters: list[Tensor], learning_rate: float, momentum: float) -> None:
        self._parameters = parameters
        self._velocities = [torch.zeros_like(parameter) for parameter in parameters]
        self._learning_rate, self._momentum = learning_rate, momentum

    @torch.no_grad()
    def step(self) -> None:
        """Go one step down the parameters' ``grad``; those without one stay."""
        for parameter, velocity in zip(self._parameters, self._velocities, strict=True):
            if parameter.grad is not None:
                velocity.mul_(self._momentum).add_(parameter.grad)
                parameter.add_(velocity, alpha=-self._learning_rate)
