"""Write the files of one result, each kind by its own writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.atomic import atomic_path
from nuriwake.io.image import write_labels, write_picture
from nuriwake.io.outputs import OutputPlan
from nuriwake.io.sidecar import RunRecord, package_versions
from nuriwake.segmentation import Segmentation


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


def describe_run(plan: OutputPlan, result: Segmentation, digest: str, partial: bool) -> RunRecord:
    """Gather the sidecar's record.

    Parameters
    ----------
    plan : OutputPlan
    result : Segmentation
    digest : str
        SHA-256 of the input file.
    partial : bool
        Whether the user ended the training early.

    Returns
    -------
    RunRecord
    """
    height, width = result.labels.shape
    return RunRecord(
        input=str(plan.source),
        input_sha256=digest,
        height=height,
        width=width,
        bands=result.raster.n_bands,
        settings=result.settings.model_dump(),
        versions=package_versions(),
        device=str(result.network.classifier.weight.device),
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
    )
