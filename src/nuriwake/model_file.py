"""Saved models: safetensors files, whose loading runs no code.

The weights and the frozen statistics of the normalisations are the tensors; everything else is JSON
under one key of the file's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.errors import ModelError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.versions import package_versions
from nuriwake.settings import Settings, Value

if TYPE_CHECKING:
    from torch import Tensor

    from nuriwake.learn.network import Network
    from nuriwake.model import Model

MODEL_SUFFIX = ".safetensors"
#: Raised whenever an older nuriwake could not read a newer file.
FORMAT = 1
_KEY = "nuriwake"


@dataclass(frozen=True)
class Header:
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
    from safetensors.torch import save

    check_model_path(path)
    header = Header(
        FORMAT,
        model.settings.model_dump(),
        model.statistics.low,
        model.statistics.high,
        model.band_names,
        package_versions(),
    )
    tensors = {
        name: t.detach().cpu().contiguous() for name, t in model.network.state_dict().items()
    }
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
    from nuriwake.learn.normalise import BandStatistics
    from nuriwake.model import Model

    path = Path(path)
    header, tensors = _read(path)
    try:
        settings = Settings.recorded(header.settings)
        network = _network(tensors, settings)
    except (KeyError, RuntimeError, UsageError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: the model is damaged ({reason}).") from error
    statistics = BandStatistics(tuple(header.low), tuple(header.high))
    return Model(network, statistics, settings, tuple(header.band_names))


def _read(path: Path) -> tuple[Header, dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ModelError(f"{path}: no such file.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a model, or damaged ({error}).") from error
    return _header(path, metadata), tensors


def _header(path: Path, metadata: Mapping[str, str]) -> Header:
    if _KEY not in metadata:
        raise ModelError(f"{path}: a safetensors file, but not a model of nuriwake.")
    try:
        values = json.loads(metadata[_KEY])
        version = values["format"]
        if version > FORMAT:
            raise ModelError(
                f"{path}: a model of format {version}, from nuriwake {values['versions'][_KEY]}; "
                f"this one reads up to format {FORMAT}. Update it: pip install -U nuriwake"
            )
        return Header(**values)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: the model's header is damaged ({error}).") from error


def _network(tensors: Mapping[str, Tensor], settings: Settings) -> Network:
    from nuriwake.learn.network import Network

    # The recipe fast sees more than the bands: the width is that of the first convolution.
    n_inputs = tensors["convs.0.weight"].shape[1]
    network = Network(n_inputs, settings.n_channels, settings.max_labels, settings.n_layers)
    network.load_state_dict(dict(tensors))
    return network.eval()
