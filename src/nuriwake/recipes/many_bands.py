"""Learning on the view of an image of many bands: on their principal components, in linear time."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray

from nuriwake.learn.network import Network
from nuriwake.learn.principal import MAX_VIEW_BANDS, principal_axes
from nuriwake.learn.view import N_TEXTURES
from nuriwake.raster import BoolMap
from nuriwake.recipes.published import Learned, as_tensor, learn
from nuriwake.recipes.training import Step
from nuriwake.settings import Settings


def learn_view(
    view: NDArray[np.float32], valid: BoolMap, settings: Settings, network: Network | None = None
) -> Generator[Step, bool | None, Learned]:
    """Train a network on the coarse view of an image.

    Of more than 64 bands, the network sees the 64 principal components. They are linear in the
    bands: the first convolution takes them over, and the network that is returned takes all bands.

    Parameters
    ----------
    view : ndarray of float32, shape (h, w, bands + 3)
        From :func:`.view.coarse_view`.
    valid : ndarray of bool, shape (h, w)
    settings : Settings
    network : Network, optional
        Trained further, in place and on all bands, instead of a new one.

    Yields
    ------
    Step
        After each iteration. Sending True ends the training there.

    Returns
    -------
    Learned
    """
    n_bands = view.shape[2] - N_TEXTURES
    if network is not None or n_bands <= MAX_VIEW_BANDS:
        return (yield from learn(view, valid, settings, network=network))
    bands, texture = view[:, :, :n_bands], view[:, :, n_bands:]
    axes = principal_axes(bands[valid], MAX_VIEW_BANDS)
    narrow = np.concatenate([bands @ axes, texture], axis=2)
    learned = yield from learn(narrow, valid, settings)
    return Learned(widened(learned.network, axes), as_tensor(view).to(learned.image.device))


@torch.no_grad()
def widened(network: Network, axes: NDArray[np.float32]) -> Network:
    """Return a network of all bands that does what this one does with their components.

    Parameters
    ----------
    network : Network
        Of k components and the textures.
    axes : ndarray of float32, shape (bands, k)
    """
    n_bands, k = axes.shape
    wide = Network(
        n_bands + N_TEXTURES, network.n_channels, network.n_labels, n_layers=network.radius
    )
    state = dict(network.state_dict())
    first = state["convs.0.weight"]
    turn = torch.from_numpy(axes).to(first)
    bands = torch.einsum("okyx,bk->obyx", first[:, :k], turn)
    state["convs.0.weight"] = torch.cat([bands, first[:, k:]], dim=1)
    wide.load_state_dict(state)
    return wide.to(first.device).train(network.training)
