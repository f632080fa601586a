"""The two published recipes, ``icassp2018`` and ``tip2020``, from a normalised image to labels."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nuriwake.engine.compute import choose_device, cpu_threads
from nuriwake.engine.fused import FusedEngine
from nuriwake.engine.plain import Objective
from nuriwake.engine.schedule import Schedule
from nuriwake.learn.guidance import number_labels
from nuriwake.learn.guide import Guide
from nuriwake.learn.losses import pixel_weights
from nuriwake.learn.network import Network, build_network
from nuriwake.learn.superpixels import slic_superpixels
from nuriwake.learn.voting import MajorityVote, Refinement, count_labels
from nuriwake.raster import BoolMap, LabelMap
from nuriwake.recipes.training import Step, always, train
from nuriwake.settings import Settings


@dataclass(frozen=True, eq=False)
class Learned:
    """What training leaves behind.

    Parameters
    ----------
    network : Network
        In evaluation mode, its statistics frozen; label 0 is the largest cluster.
    image : Tensor of float32, shape (1, bands, H, W)
        It was trained on.
    """

    network: Network
    image: Tensor

    @property
    @torch.no_grad()
    def responses(self) -> Tensor:
        """Responses of the image, float32 of shape (1, q, H, W), computed when asked for."""
        responses: Tensor = self.network(self.image)
        return responses


def learn(
    image: NDArray[np.float32],
    valid: BoolMap,
    settings: Settings,
    scribbles: LabelMap | None = None,
    network: Network | None = None,
) -> Generator[Step, bool | None, Learned]:
    """Train a network on one image by a published recipe.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width, bands), in [0, 1]
    valid : ndarray of bool, shape (height, width)
    settings : Settings
        Of the recipe ``icassp2018`` or ``tip2020``.
    scribbles : ndarray of int32, shape (height, width), optional
        Labels drawn by the user, 0 = not scribbled; they keep their numbers in the result.
    network : Network, optional
        Trained further, in place, instead of a new one.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Learned

    References
    ----------
    Kanezaki, ICASSP 2018, algorithm 1; Kim, Kanezaki, Tanaka, IEEE TIP 2020, section III.
    """
    device = choose_device(settings.device)
    x = as_tensor(image).to(device)
    mask = torch.from_numpy(valid)[None].to(device)
    refine = _refinement(image, valid, settings, device)
    return (yield from learn_tensors(x, mask, refine, settings, scribbles, network))


def learn_tensors(
    x: Tensor,
    mask: Tensor,
    refine: Refinement,
    settings: Settings,
    scribbles: LabelMap | None = None,
    network: Network | None = None,
) -> Generator[Step, bool | None, Learned]:
    """Train a network on one image, or on the slices of one volume; see :func:`learn`.

    Parameters
    ----------
    x : Tensor of float32, shape (B, bands, H, W)
    mask : Tensor of bool, shape (B, H, W)
    refine : callable
        Turns labels into targets.
    settings : Settings
    scribbles : ndarray of int32, shape (H, W), optional
    network : Network, optional
    """
    device = x.device
    network = (network or new_network(x.shape[1], settings)).to(device)
    objective = _objective(mask, settings, scribbles)
    guide = None if scribbles is None else Guide(refine, scribbles, device)
    schedule = schedule_of(settings, scribbles)
    engine = FusedEngine(network, x, mask, objective, schedule, settings.precision)
    may_stop = guide.is_followed if guide else always
    for step in train(engine, judge_of(guide or refine, mask), schedule, as_labels, may_stop):
        if (yield step):
            break
    return finish(engine, network, x, mask, scribbles)


def judge_of(refine: Refinement, valid: Tensor) -> Callable[[Tensor], tuple[int, Tensor]]:
    """Return what counts the labels of valid pixels and turns them into targets."""

    def judge(labels: Tensor) -> tuple[int, Tensor]:
        # PyTorch's own threads, woken up for so little, would spin on beside those of the engine.
        with cpu_threads(1):
            return count_labels(labels, valid), refine(labels)

    return judge


def as_labels(labels: Tensor) -> NDArray[np.int64]:
    """Return labels as readers of a step see them."""
    result: NDArray[np.int64] = labels.cpu().numpy()
    return result


@torch.no_grad()
def finish(
    engine: FusedEngine,
    network: Network,
    image: Tensor,
    valid: Tensor,
    scribbles: LabelMap | None = None,
) -> Learned:
    """Freeze the statistics and number the labels: drawn ones keep theirs, the others go by size.

    Parameters
    ----------
    engine : FusedEngine
        That trained the network.
    network : Network
        Changed in place.
    image : Tensor of shape (1, bands, H, W)
    valid : Tensor of bool, shape (1, H, W)
    scribbles : ndarray of int32, shape (H, W), optional

    Returns
    -------
    Learned
    """
    sizes = torch.bincount(engine.label()[valid], minlength=network.n_labels)
    engine.freeze()
    order = torch.from_numpy(number_labels(sizes.cpu().numpy(), scribbles))
    network.permute_labels(order.to(valid.device))
    return Learned(network.eval(), image)


def new_network(n_bands: int, settings: Settings) -> Network:
    """Build the network that the settings describe, with initial weights from their seed."""
    return build_network(
        n_bands, settings.n_channels, settings.max_labels, settings.n_layers, seed=settings.seed
    )


def schedule_of(settings: Settings, scribbles: LabelMap | None = None) -> Schedule:
    """Return how long to train: with scribbles, no fewer labels than were drawn."""
    min_labels = settings.min_labels
    if scribbles is not None:
        min_labels = int(np.unique(scribbles[scribbles > 0]).size)
    return Schedule(settings.max_iter, min_labels, settings.learning_rate, settings.momentum)


def _objective(valid: Tensor, settings: Settings, scribbles: LabelMap | None) -> Objective:
    drawn = None if scribbles is None else torch.from_numpy(scribbles > 0)[None].to(valid.device)
    return Objective(
        weights=pixel_weights(valid, drawn, settings.scribble_weight),
        continuity=settings.continuity if settings.method.is_continuous else 0.0,
    )


def _refinement(
    image: NDArray[np.float32], valid: BoolMap, settings: Settings, device: torch.device
) -> Refinement:
    """Turn labels into targets: the superpixels' vote, or nothing where the loss is smooth."""
    if settings.method.is_continuous:
        return _keep
    superpixels = slic_superpixels(image, settings.n_superpixels, settings.compactness, valid)
    ids = torch.from_numpy(superpixels.astype(np.int64))[None].to(device)
    return MajorityVote(ids, settings.max_labels)


def _keep(labels: Tensor) -> Tensor:
    return labels


def as_tensor(image: NDArray[np.float32]) -> Tensor:
    """Turn an image (height, width, bands) into a tensor (1, bands, height, width).

    Examples
    --------
    >>> as_tensor(np.zeros((4, 5, 3), np.float32)).shape
    torch.Size([1, 3, 4, 5])
    """
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
