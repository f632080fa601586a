"""The files of one result, each kind by its own writer, and the record beside them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.atomic import atomic_path
from nuriwake.io.image import write_labels, write_picture
from nuriwake.io.outputs import OutputPlan
from nuriwake.io.sidecar import RunRecord, file_sha256, package_versions, write_sidecar
from nuriwake.painting import as_picture, overlay
from nuriwake.raster import LabelMap, Raster
from nuriwake.segmentation import Segmentation

if TYPE_CHECKING:
    from nuriwake.learn.model import Model


def write_results(plan: OutputPlan, result: Segmentation) -> None:
    """Write every file of a plan but the sidecar.

    Raises
    ------
    OutputError
        If a file cannot be written.
    UsageError
        If the format of a name cannot hold the labels.
    """
    for kind, path in plan.files:
        _write(kind, path, result)


def _write(kind: str, path: Path, result: Segmentation) -> None:
    if kind == "labels":
        write_labels(path, result.labels)
    elif kind == "overlay":
        write_picture(path, result.overlay())
    elif kind == "confidence":
        write_float_map(path, result.confidence)


def write_float_map(path: Path, values: NDArray[np.float32]) -> None:
    """Write a map of float32 as TIFF.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import tifffile

    with atomic_path(path) as temporary:
        tifffile.imwrite(temporary, values, compression="zlib", photometric="minisblack")


def describe_run(
    plan: OutputPlan, result: Segmentation, request: Mapping[str, str], partial: bool
) -> RunRecord:
    """Gather the sidecar's record.

    Parameters
    ----------
    plan : OutputPlan
    result : Segmentation
    request : Mapping
        What shaped the result besides the settings.
    partial : bool
        Whether the user ended the training early.

    Returns
    -------
    RunRecord
    """
    height, width = result.labels.shape
    return RunRecord(
        input=str(plan.source),
        request=request,
        height=height,
        width=width,
        bands=result.raster.n_bands,
        settings=result.settings.model_dump(),
        versions=package_versions(),
        device=str(result.model.network.classifier.weight.device),
        threads=result.threads,
        seconds={stage: round(value, 3) for stage, value in result.seconds.items()},
        iterations=len(result.history),
        partial=partial,
        n_labels=result.n_labels,
        history={
            "n_labels": [row.n_labels for row in result.history],
            "loss": [row.loss for row in result.history],
        },
        outputs={kind: path.name for kind, path in plan.files},
        notes=result.notes,
    )


def write_applied(plan: OutputPlan, raster: Raster, model: Model) -> None:
    """Label a raster with a trained model and write the label map, the overlay or both.

    Raises
    ------
    InputError
        If the raster does not fit the model.
    OutputError
        If a file cannot be written.
    """
    from nuriwake.learn.normalise import normalise

    labels = model.predict(raster)
    for kind, path in plan.files:
        if kind == "labels":
            write_labels(path, labels)
        else:
            unit = normalise(raster.array, raster.valid, model.statistics)
            write_picture(path, overlay(as_picture(unit), labels))
    write_sidecar(plan.sidecar, _describe_applied(plan, raster, model, labels))


def _describe_applied(
    plan: OutputPlan, raster: Raster, model: Model, labels: LabelMap
) -> RunRecord:
    height, width = raster.shape
    return RunRecord(
        input=str(plan.source),
        request={"input_sha256": file_sha256(plan.source)},
        height=height,
        width=width,
        bands=raster.n_bands,
        settings=model.settings.model_dump(),
        versions=package_versions(),
        device=str(model.network.classifier.weight.device),
        threads=model.settings.threads,
        seconds={},
        iterations=0,
        partial=False,
        n_labels=int(np.count_nonzero(np.bincount(labels.ravel())[1:])),
        history={},
        outputs={kind: path.name for kind, path in plan.files},
    )
