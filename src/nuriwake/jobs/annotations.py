"""Results in the forms of annotation tools: one table of them, for files and for the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from nuriwake.io.atomic import atomic_path
from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.exchange.coco import write_coco, write_coco_polygons
from nuriwake.io.exchange.cvat import write_cvat
from nuriwake.io.exchange.imagej import write_imagej
from nuriwake.io.exchange.label_studio import write_brush, write_polygons
from nuriwake.io.exchange.labelme import write_labelme
from nuriwake.io.exchange.qupath import write_qupath
from nuriwake.io.exchange.voc import write_voc
from nuriwake.io.exchange.yolo import write_yolo
from nuriwake.segmentation import Partition

#: Who writes each form.
FORMS: Mapping[str, Callable[[Annotated], bytes]] = MappingProxyType(
    {
        "coco": write_coco,
        "coco-polygons": write_coco_polygons,
        "labelme": write_labelme,
        "label-studio": write_brush,
        "label-studio-polygons": write_polygons,
        "cvat": write_cvat,
        "yolo": write_yolo,
        "imagej": write_imagej,
        "qupath": write_qupath,
        "voc": write_voc,
    }
)
#: Forms that hold a class for each pixel, not objects.
_OF_CLASSES = frozenset({"voc"})


def write_annotation(path: Path, partition: Partition, form: str) -> None:
    """Write what a result shows, its regions or its labels, in a form of :data:`FORMS`.

    Parameters
    ----------
    path : pathlib.Path
    partition : Partition
    form : str

    Raises
    ------
    UsageError
        If the form cannot hold so many classes.
    OutputError
        If the file cannot be written.
    """
    written = FORMS[form](annotated(partition, form))
    with atomic_path(path) as temporary:
        temporary.write_bytes(written)


def annotated(partition: Partition, form: str) -> Annotated:
    """Turn what a result shows into objects: regions of one class, or a class for each label.

    Parameters
    ----------
    partition : Partition
    form : str
        Of :data:`FORMS`; one that holds classes only gets the labels.

    Returns
    -------
    Annotated
    """
    if partition.shows_regions and form not in _OF_CLASSES:
        return Annotated(partition.name, partition.regions)
    labels = partition.labels
    digits = len(str(labels.max(initial=0)))
    # Leading zeros: by name, classes keep the order of the labels.
    names = {
        label: f"label {label:0{digits}}" for label in range(1, int(labels.max(initial=0)) + 1)
    }
    return Annotated(partition.name, labels, MappingProxyType(names))
