"""Training on several reference images: mini-batches of crops, statistics over all of them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from nuriwake.engine.compute import choose_device, cpu_threads, steps_in_threads
from nuriwake.engine.fused import FusedEngine
from nuriwake.engine.plain import Objective
from nuriwake.learn.guidance import number_labels
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import BatchNorm, Network, weights_of
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.voting import count_labels, majority_vote
from nuriwake.learn.weights import Weights
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.crops import Reference, place_crop
from nuriwake.recipes.published import as_labels, as_tensor, new_network, schedule_of
from nuriwake.recipes.training import Step
from nuriwake.settings import Settings


@dataclass(frozen=True, eq=False)
class Batch:
    """Crops of equal size.

    Parameters
    ----------
    image : Tensor of float32, shape (B, bands, S, S)
    valid : Tensor of bool, shape (B, S, S)
    superpixels : Tensor of int64, shape (B, S, S)
        Different in every crop; -1 where there is no vote.
    """

    image: Tensor
    valid: Tensor
    superpixels: Tensor


def learn_references(
    references: Sequence[Reference], settings: Settings
) -> Generator[Step, bool | None, Weights]:
    """Train one network on several images of any sizes.

    Parameters
    ----------
    references : sequence of Reference
        At least one, all with the same number of bands.
    settings : Settings
        Of the recipe ``icassp2018`` or ``tip2020``. All of ``max_iter`` iterations are done: a
        batch sees part of the labels, so that their number is no reason to stop.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Weights
        Their statistics are those of all references together, their labels are numbered by size.

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, section III-D.
    """
    network = new_network(references[0].image.shape[2], settings)
    network.to(choose_device(settings.device))
    # The memory of the batches is free again before whole images are labelled.
    yield from steps_in_threads(_train_on_crops(network, references, settings), settings.threads)
    with cpu_threads(settings.threads):
        return weights_of(finish_references(network, references))


def _train_on_crops(
    network: Network, references: Sequence[Reference], settings: Settings
) -> Generator[Step, bool | None, None]:
    device = network.classifier.weight.device
    rng = np.random.default_rng(settings.seed)
    superpixels = [_superpixels(reference, settings) for reference in references]
    engine: FusedEngine | None = None
    for iteration in range(1, settings.max_iter + 1):
        batch = draw_batch(references, superpixels, settings, rng, device)
        objective = _objective(batch, settings)
        if engine is None:
            engine = FusedEngine(
                network,
                batch.image,
                batch.valid,
                objective,
                schedule_of(settings),
                settings.precision,
            )
        else:
            engine.load(batch.image, batch.valid, objective)
        labels = engine.label()
        targets = majority_vote(labels, batch.superpixels, settings.max_labels)
        loss = engine.update(targets)
        n_labels = count_labels(labels, batch.valid)
        if (yield Step(iteration, n_labels, loss, partial(as_labels, labels))):
            break


def _superpixels(reference: Reference, settings: Settings) -> LabelMap:
    if settings.method.is_continuous:
        return np.full(reference.valid.shape, -1, np.int32)
    return slic_superpixels(
        reference.image, settings.n_superpixels, settings.compactness, reference.valid
    )


def _objective(batch: Batch, settings: Settings) -> Objective:
    return Objective(
        weights=pixel_weights(batch.valid, None, settings.scribble_weight),
        continuity=settings.continuity if settings.method.is_continuous else 0.0,
    )


def draw_batch(
    references: Sequence[Reference],
    superpixels: Sequence[LabelMap],
    settings: Settings,
    rng: np.random.Generator,
    device: torch.device,
) -> Batch:
    """Cut ``batch_size`` squares of ``crop_size`` pixels out of random references.

    An image smaller than the square is filled up with invalid pixels.
    """
    crops = []
    for _ in range(settings.batch_size):
        k = int(rng.integers(len(references)))
        crops.append(_crop(references[k], superpixels[k], settings.crop_size, rng))
    ids, offset = [], 0
    for _, _, crop_ids in crops:
        ids.append(np.where(crop_ids >= 0, crop_ids + offset, -1))
        offset = max(offset, int(ids[-1].max()) + 1)
    return Batch(
        torch.cat([as_tensor(image) for image, _, _ in crops]).to(device),
        torch.from_numpy(np.stack([valid for _, valid, _ in crops])).to(device),
        torch.from_numpy(np.stack(ids).astype(np.int64)).to(device),
    )


def _crop(
    reference: Reference, superpixels: LabelMap, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], BoolMap, LabelMap]:
    height, width, n_bands = reference.image.shape
    row, col = place_crop(reference.valid, (size, size), rng)
    part = (slice(row, row + size), slice(col, col + size))
    inside = (slice(0, min(size, height)), slice(0, min(size, width)))
    image = np.zeros((size, size, n_bands), np.float32)
    valid = np.zeros((size, size), bool)
    ids = np.full((size, size), -1, np.int32)
    image[inside], valid[inside] = reference.image[part], reference.valid[part]
    ids[inside] = superpixels[part]
    return image, valid, ids


@torch.no_grad()
def finish_references(network: Network, references: Sequence[Reference]) -> Network:
    """Freeze the statistics over all references, and number the labels by their size in them.

    Parameters
    ----------
    network : Network
        Changed in place.
    references : sequence of Reference

    Returns
    -------
    Network
        In evaluation mode.
    """
    network.eval()
    norms = [norm for _, norm in network.components()] + [network.classifier_norm]
    for depth, norm in enumerate(norms):
        _freeze_one(network, depth, norm, references)
    sizes = torch.zeros(network.n_labels, dtype=torch.int64)
    for reference in references:
        x, valid = _on_device(network, reference)
        labels = network(x).argmax(dim=1)[valid]
        sizes += torch.bincount(labels, minlength=network.n_labels).cpu()
    order = torch.from_numpy(number_labels(sizes.numpy(), None))
    network.permute_labels(order.to(network.classifier.weight.device))
    return network


def _freeze_one(
    network: Network, depth: int, norm: BatchNorm, references: Sequence[Reference]
) -> None:
    """Store the mean and variance, over all references, of what this normalisation receives."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for reference in references:
        x, valid = _on_device(network, reference)
        values = _before(network, x, depth)[0][:, valid[0]].cpu()
        count += values.shape[1]
        # Channel by channel: of all of them float64 would take more memory than the network.
        total = total + torch.stack([channel.double().sum() for channel in values])
        squares = squares + torch.stack([channel.double().square().sum() for channel in values])
    mean = total / count
    variance = (squares / count - mean.square()).clamp(min=0)
    norm.store(mean, variance)


def _on_device(network: Network, reference: Reference) -> tuple[Tensor, Tensor]:
    device = network.classifier.weight.device
    valid = torch.from_numpy(reference.valid)[None]
    return as_tensor(reference.image).to(device), valid.to(device)


def _before(network: Network, x: Tensor, depth: int) -> Tensor:
    """Compute what normalisation number ``depth`` receives; the classifier's is the last."""
    for index, (conv, norm) in enumerate(network.components()):
        x = functional.relu(conv(x))
        if index == depth:
            return x
        x = norm(x)
    responses: Tensor = network.classifier(x)
    return responses
