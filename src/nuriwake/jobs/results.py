"""The files of one result, each kind by its own writer, and the record beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.atomic import atomic_path
from nuriwake.io.geotiff import write_label_geotiff
from nuriwake.io.image import TIFF_SUFFIXES, label_dtype, write_labels, write_picture
from nuriwake.io.outputs import LABEL_KINDS, OutputPlan
from nuriwake.io.sidecar import RunRecord, file_sha256, package_versions, write_sidecar
from nuriwake.jobs.result_file import save_result
from nuriwake.painting import as_picture, overlay
from nuriwake.raster import Georeference, LabelMap, Raster, Window
from nuriwake.segmentation import Partition, Segmentation

if TYPE_CHECKING:
    from nuriwake.model import Model


def write_results(plan: OutputPlan, partition: Partition) -> dict[str, Path]:
    """Write every file of a plan but the sidecar.

    Returns
    -------
    dict of kind to path
        What was written: a label map with more ids than a PNG holds becomes a TIFF.

    Raises
    ------
    OutputError
        If a file cannot be written.
    UsageError
        If the format of a name cannot hold the labels.
    """
    return {kind: _write(kind, path, partition) for kind, path in plan.files}


def _write(kind: str, path: Path, partition: Partition) -> Path:
    if kind in LABEL_KINDS:
        labels = partition.regions if kind == "regions" else partition.labels
        return write_label_map(path, labels, partition.georeference)
    if kind == "overlay":
        write_picture(path, partition.overlay())
    elif kind == "result":
        save_result(path, partition)
    elif kind == "polygons":
        write_region_polygons(path, partition)
    elif kind == "contours":
        write_float_map(path, finite(partition.tree.contours()))
    else:
        write_float_map(path, partition.confidence)
    return path


def write_region_polygons(path: Path, partition: Partition) -> None:
    """Write the regions as polygons, each with the label that most of its pixels have.

    Parameters
    ----------
    path : pathlib.Path
        ``.gpkg``, ``.geojson`` or ``.fgb``.
    partition : Partition
        Where it knows its raster, the bands' means and variances are attributes.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from nuriwake.io.coverage import MapTile
    from nuriwake.io.vector import write_polygons

    regions = partition.regions
    bands = np.empty((*regions.shape, 0), np.uint8)
    if isinstance(partition, Segmentation):
        bands = partition.raster.array
    labels = majority_labels(regions, partition.labels)
    tile = MapTile(Window.full(regions.shape), regions, labels, bands)
    write_polygons(path, [tile], regions.shape, partition.georeference)


def majority_labels(regions: LabelMap, labels: LabelMap) -> LabelMap:
    """Give every region the label that most of its pixels have; a tie goes to the smallest.

    Examples
    --------
    >>> majority_labels(np.array([[1, 1, 1, 2, 0]]), np.array([[4, 4, 7, 7, 0]])).tolist()
    [[4, 4, 4, 7, 0]]
    """
    pairs, counts = np.unique(
        np.stack([regions.ravel(), labels.ravel()]), axis=1, return_counts=True
    )
    winner = np.zeros(int(regions.max(initial=0)) + 1, np.int32)
    # The most frequent label is written last; among equals the smallest.
    order = np.lexsort((-pairs[1], counts))
    winner[pairs[0, order]] = pairs[1, order]
    winner[0] = 0
    return winner[regions]


def write_label_map(path: Path, labels: LabelMap, georeference: Georeference | None) -> Path:
    """Write a label map under a planned name, or as TIFF where a PNG cannot hold its ids.

    Returns
    -------
    pathlib.Path
        The name it has.
    """
    if path.suffix == ".png" and label_dtype(labels).itemsize > 2:
        path = path.with_suffix(".tif")
    if georeference is not None and path.suffix.lower() in TIFF_SUFFIXES:
        blocks = [(Window.full(labels.shape), labels)]
        top = int(labels.max(initial=0))
        write_label_geotiff(path, labels.shape, blocks, max_label=top, georeference=georeference)
    else:
        write_labels(path, labels)
    return path


def finite(altitudes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Replace infinite altitudes by twice the largest finite one, for viewers.

    Examples
    --------
    >>> finite(np.array([0.0, 1.5, np.inf]))
    array([0. , 1.5, 3. ], dtype=float32)
    """
    top = altitudes[np.isfinite(altitudes)].max(initial=0.0)
    return np.where(np.isfinite(altitudes), altitudes, 2 * top).astype(np.float32)


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
    plan: OutputPlan,
    result: Segmentation,
    request: Mapping[str, str],
    partial: bool,
    written: Mapping[str, Path],
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
    written : Mapping of kind to path

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
        n_regions=result.n_regions,
        history={
            "n_labels": [row.n_labels for row in result.history],
            "loss": [row.loss for row in result.history],
        },
        outputs={kind: path.name for kind, path in written.items()},
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
            write_label_map(path, labels, raster.georeference)
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
        n_regions=0,
        history={},
        outputs={kind: path.name for kind, path in plan.files},
    )


@dataclass(frozen=True)
class CutRecord:
    """The sidecar of a cut.

    Parameters
    ----------
    result : str
        The saved result.
    n_regions, n_labels : int
        Of the cut.
    outputs : Mapping of kind to file name
    """

    result: str
    n_regions: int
    n_labels: int
    outputs: Mapping[str, str]


def write_cut(plan: OutputPlan, partition: Partition, written: Mapping[str, Path]) -> None:
    """Write the record of a cut beside its files."""
    record = CutRecord(
        str(plan.source),
        partition.n_regions,
        partition.n_labels,
        {kind: path.name for kind, path in written.items()},
    )
    with atomic_path(plan.sidecar) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
