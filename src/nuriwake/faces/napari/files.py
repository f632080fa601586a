"""Results and models as files that napari opens and saves."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nuriwake.errors import ModelError, OutputError
from nuriwake.faces.napari.shown import KEY, Shown, layer_options, shown_of_metadata
from nuriwake.regions.editing import EditedCut
from nuriwake.segmentation import Partition
from nuriwake.volume_segmentation import VolumePartition

#: What napari makes a layer of: data, options, kind.
LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | list[str]], list[LayerData]]


def get_result_reader(path: str | list[str]) -> Reader | None:
    """Return a reader where the file is a result of nuriwake; other ``.npz`` are left to others.

    Parameters
    ----------
    path : str or list of str

    Returns
    -------
    callable or None
    """
    first = Path(path if isinstance(path, str) else path[0])
    try:
        with zipfile.ZipFile(first) as archive:
            is_result = {"header.npy", "base.npy", "merges.npy"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return None
    return read_results if is_result else None


def read_results(path: str | list[str]) -> list[LayerData]:
    """Read results: of each its picture and, above it, its regions as they were shown.

    Raises
    ------
    ModelError
        If a file is damaged or from a newer nuriwake.
    """
    paths = [path] if isinstance(path, str) else path
    return [layer for one in paths for layer in _read_result(Path(one))]


def _read_result(path: Path) -> list[LayerData]:
    from nuriwake.jobs.result_file import load_cut, load_result

    partition = load_result(path)
    shown = Shown(partition).with_cut(load_cut(path) or _cut_of(partition))
    name = Path(partition.name or path.name).stem
    labels = (shown.labels, layer_options(f"{name} regions", shown, None), "labels")
    if isinstance(partition, VolumePartition):
        # Its picture is of some slices only.
        labels[1]["scale"] = partition.spacing
        return [labels]
    return [(partition.picture, {"name": name}, "image"), labels]


def _cut_of(partition: Partition) -> EditedCut:
    """Return the cut that a result shows of the tree that the plugin cuts."""
    reading = partition.reading
    if partition.settings.method.shows == "regions":
        return EditedCut(reading.n_regions, reading.detail)
    return EditedCut(reading.n_labels)


def get_model_reader(path: str | list[str]) -> Reader | None:
    """Return a reader of models; whether it is one is told when it is read."""
    return read_models if isinstance(path, str) else None


def read_models(path: str | list[str]) -> list[LayerData]:
    """Read a model: an empty layer that carries it, for the widget's list of models.

    Raises
    ------
    ModelError
        If the file is damaged, not from nuriwake, or from a newer nuriwake.
    """
    from nuriwake.model_file import load_model

    if not isinstance(path, str):
        raise ModelError("models are opened one at a time.")
    shown = Shown(None, load_model(path))
    return [([], {"name": f"model {Path(path).stem}", "metadata": {KEY: shown}}, "points")]


def write_result(path: str, _data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save a result of nuriwake, as it is shown.

    Parameters
    ----------
    path : str
        Ends in ``.npz``.
    attributes : dict
        Of the layer.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    OutputError
        If the layer has no result, or the file cannot be written.
    """
    from nuriwake.jobs.result_file import save_result

    shown = shown_of_metadata(attributes.get("metadata", {}))
    if shown is None or shown.partition is None:
        hint = "Segment one plane with the widget of nuriwake first."
        raise _lacks(path, attributes, "result that can be cut again", hint)
    save_result(Path(path), shown.partition, shown.cut)
    return [path]


def write_model(path: str, _data: Any, attributes: dict[str, Any]) -> list[str]:
    """Save the model of a layer that nuriwake made.

    Parameters
    ----------
    path : str
        Ends in ``.safetensors``.
    attributes : dict
        Of the layer.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    OutputError
        If the layer has no model, or the file cannot be written.
    """
    from nuriwake.model_file import save_model

    shown = shown_of_metadata(attributes.get("metadata", {}))
    if shown is None or shown.model is None:
        hint = "Results that were read from files have none; segment with nuriwake's widget first."
        raise _lacks(path, attributes, "model", hint)
    save_model(Path(path), shown.model)
    return [path]


def _lacks(path: str, attributes: dict[str, Any], what: str, hint: str) -> OutputError:
    return OutputError(f"{path}: the layer {attributes.get('name')!r} has no {what}. {hint}")
