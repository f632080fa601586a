"""Slow, obvious versions: each written from the papers' steps, sharing no code with the package."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class PublishedNetwork(nn.Module):
    """Section 2 of ICASSP 2018: conv, ReLU, batch norm, M times; 1x1 conv, batch norm."""

    def __init__(self, n_bands: int, p: int, q: int, m: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        self.norms = nn.ModuleList()
        for i in range(m):
            self.convs.append(nn.Conv2d(n_bands if i == 0 else p, p, 3, stride=1, padding=1))
            self.norms.append(nn.BatchNorm2d(p))
        self.classifier = nn.Conv2d(p, q, 1, stride=1, padding=0)
        self.classifier_norm = nn.BatchNorm2d(q)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = norm(functional.relu(conv(x)))
        return self.classifier_norm(self.classifier(x))


def published_copy(network: nn.Module, n_bands: int, p: int, q: int, m: int) -> PublishedNetwork:
    """A published network with the same initial weights."""
    oracle = PublishedNetwork(n_bands, p, q, m)
    weights = dict(network.named_parameters())
    for name, parameter in oracle.named_parameters():
        parameter.data = copy.deepcopy(weights[name].data)
    return oracle.train()


def vote_by_loop(labels: np.ndarray, superpixels: np.ndarray) -> np.ndarray:
    """Every pixel takes its superpixel's most frequent label; a tie goes to the smallest."""
    refined = labels.copy()
    for k in range(superpixels.max() + 1):
        inside = np.flatnonzero(superpixels.ravel() == k)
        if inside.size == 0:
            continue
        found, counts = np.unique(labels.ravel()[inside], return_counts=True)
        refined.ravel()[inside] = found[np.argmax(counts)]
    return refined


def train_icassp2018(
    network: PublishedNetwork, image: np.ndarray, superpixels: np.ndarray, iterations: int
) -> tuple[np.ndarray, torch.Tensor]:
    """Algorithm 1 of ICASSP 2018; returns the final labels and responses."""
    x = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))[None]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(iterations):
        optimiser.zero_grad()
        output = network(x)
        target = output.argmax(dim=1)[0].numpy()
        refined = vote_by_loop(target, superpixels)
        loss = functional.cross_entropy(output, torch.from_numpy(refined)[None])
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        responses = network(x)
    return responses[0].argmax(dim=0).numpy(), responses


def train_tip2020(
    network: PublishedNetwork, image: np.ndarray, mu: float, iterations: int
) -> tuple[np.ndarray, torch.Tensor]:
    """The argmax as target, and the continuity term, of TIP 2020."""
    x = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32))[None]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(iterations):
        optimiser.zero_grad()
        output = network(x)
        loss = functional.cross_entropy(output, output.argmax(dim=1))
        vertical = (output[:, :, 1:, :] - output[:, :, :-1, :]).abs().mean()
        horizontal = (output[:, :, :, 1:] - output[:, :, :, :-1]).abs().mean()
        (loss + mu * (vertical + horizontal)).backward()
        optimiser.step()
    with torch.no_grad():
        responses = network(x)
    return responses[0].argmax(dim=0).numpy(), responses
