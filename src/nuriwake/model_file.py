"""Saved models: safetensors files, whose loading runs no code.

The weights and the frozen statistics of the normalisations are the tensors; everything else is JSON
under one key of the file's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import ModelError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.faults import check_file, reading, reason_of
from nuriwake.io.header import header_settings, parse_header
from nuriwake.io.versions import package_versions
from nuriwake.settings import Settings, Value

if TYPE_CHECKING:
    from nuriwake.learn.normalise import BandStatistics
    from nuriwake.learn.weights import Weights
    from nuriwake.model import Model

MODEL_SUFFIX = ".safetensors"
#: Raised whenever an older nuriwake could not read a newer file.
FORMAT = 1
_KEY = "nuriwake"


@dataclass(frozen=True)
class ModelHeader:
    """What a model file says besides its tensors."""

    format: int
    settings: Mapping[str, Value]
    low: tuple[float, ...]
    high: tuple[float, ...]
    band_names: tuple[str, ...]
    versions: Mapping[str, str]


def save_model(path: Path, model: Model) -> None:
    """Write a model.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.safetensors``.
    model : Model

    Raises
    ------
    UsageError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    from safetensors.numpy import save

    check_model_path(path)
    header = ModelHeader(
        FORMAT,
        model.settings.model_dump(),
        model.statistics.low,
        model.statistics.high,
        model.band_names,
        package_versions(),
    )
    # Writing copies memory as it lies.
    tensors = {name: np.array(array, order="C") for name, array in model.weights.arrays.items()}
    data = save(tensors, metadata={_KEY: json.dumps(asdict(header))})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def check_model_path(path: Path) -> None:
    """Refuse a name that does not say what the file is.

    Raises
    ------
    UsageError
        If it does not end in ``.safetensors``.
    """
    if path.suffix != MODEL_SUFFIX:
        raise UsageError(out_of_range("model", f"a name that ends in {MODEL_SUFFIX}", str(path)))


def load_model(path: str | Path) -> Model:
    """Read a model. No code of the file is run: it holds numbers and JSON only.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If the file is missing, damaged, not from nuriwake, or from a newer nuriwake.
    """
    from nuriwake.model import Model

    path = Path(path)
    header, tensors = _read(path)
    settings = header_settings(path, header.settings, "a model")
    with reading(path, "a model", ModelError):
        statistics = _statistics(header)
        weights = _weights(tensors, settings)
        _check_bands(weights, statistics, header, settings)
    return Model(weights, statistics, settings, tuple(header.band_names))


def _read(path: Path) -> tuple[ModelHeader, dict[str, NDArray[Any]]]:
    from safetensors import SafetensorError, safe_open

    check_file(path, ModelError)
    try:
        with reading(path, "a model", ModelError), safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path}: cannot be read as a model ({reason_of(error)}).") from error
    return _header(path, metadata), tensors


def _header(path: Path, metadata: Mapping[str, str]) -> ModelHeader:
    if _KEY not in metadata:
        raise ModelError(f"{path}: a safetensors file, but not a model of nuriwake.")
    values = parse_header(path, metadata[_KEY], "a model", FORMAT)
    with reading(path, "a model", ModelError):
        return ModelHeader(**values)


def _statistics(header: ModelHeader) -> BandStatistics:
    from nuriwake.learn.normalise import BandStatistics

    low, high = (tuple(map(float, values)) for values in (header.low, header.high))
    if len(low) != len(high) or not low or not all(map(isfinite, (*low, *high))):
        raise ValueError("its value ranges are not finite numbers, two for each band")
    return BandStatistics(low, high)


def _weights(tensors: Mapping[str, NDArray[Any]], settings: Settings) -> Weights:
    """Take tensors that fit the network exactly which the settings describe."""
    from nuriwake.learn.weights import Weights, array_shapes

    # The recipe fast sees more than the bands: the width is that of the first convolution.
    n_inputs = tensors["convs.0.weight"].shape[1]
    sizes = settings.n_channels, settings.max_labels, settings.n_layers
    expected = array_shapes(n_inputs, *sizes)
    if expected.keys() != tensors.keys():
        raise ValueError("its tensors are not those of the network that its settings describe")
    for name, tensor in tensors.items():
        dtype = np.dtype(np.int64 if name.endswith("num_batches_tracked") else np.float32)
        if tensor.shape != expected[name] or tensor.dtype != dtype:
            raise ValueError(
                f"tensor {name} must be {dtype} of shape {expected[name]}; got "
                f"{tensor.dtype} of shape {tensor.shape}"
            )
        if not np.isfinite(tensor).all():
            raise ValueError(f"tensor {name} holds numbers that are not finite")
        if name.endswith("running_var") and (tensor < 0).any():
            raise ValueError(f"tensor {name} holds negative variances")
    return Weights(tensors)


def _check_bands(
    weights: Weights, statistics: BandStatistics, header: ModelHeader, settings: Settings
) -> None:
    """Refuse a model whose network, value ranges and names are of unlike numbers of bands."""
    names, n_bands = header.band_names, statistics.n_bands
    if not all(isinstance(name, str) for name in names) or len(names) not in (0, n_bands):
        raise ValueError("its names of bands are not one text for each band")
    n_inputs = n_bands if settings.method.is_local else _n_channels_of_view(n_bands)
    if weights.n_bands != n_inputs:
        raise ValueError(
            f"its network takes {weights.n_bands} channels, where {n_bands} bands give {n_inputs}"
        )


def _n_channels_of_view(n_bands: int) -> int:
    """Count what the recipe fast shows its network of an image."""
    from nuriwake.learn.view import coarse_view

    view, _ = coarse_view(np.zeros((1, 1, n_bands), np.float32), np.ones((1, 1), bool), 1)
    return int(view.shape[2])
