"""What ``nuriwake segment --volume`` does with a stack: one tree for all of its slices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.families import family_of
from nuriwake.io.grid import Grid
from nuriwake.io.suffix import suffix_of
from nuriwake.jobs.kinds import KINDS, NIFTI
from nuriwake.jobs.records import RunRecord

if TYPE_CHECKING:
    from nuriwake.io.stack import StackSource
    from nuriwake.jobs.commit import Staging
    from nuriwake.jobs.listener import Listener
    from nuriwake.jobs.plan import OutputPlan
    from nuriwake.jobs.segment import SegmentJob
    from nuriwake.raster import LabelMap
    from nuriwake.volume import Volume
    from nuriwake.volume_segmentation import VolumePartition, VolumeSegmentation

#: Bytes that a run needs for each voxel, and for each band of it: benchmarks/volume.py measures.
_VOXEL_BYTES, _BAND_BYTES = 24, 16
#: Bytes of each voxel that the view is made from.
_VIEW_BYTES = 48
#: Files of which one slice may cost as much to read as all of them.
_IN_ONE_PIECE = ("nifti", "dicom")


def check_volume(job: SegmentJob, source: Path) -> None:
    """Refuse, before any work, what is no volume and what cannot be done with one.

    Raises
    ------
    InputError
        If the input holds no stack of slices.
    UsageError
        If something was asked for that cannot be done, or the memory does not suffice.
    """
    from nuriwake.learn.view import REFERENCE_VOXELS
    from nuriwake.scale.memory import PROCESS_BYTES
    from nuriwake.volume import check_spacing

    if job.settings.recipe != "fast":
        expected = "fast with --volume"
        raise UsageError(out_of_range("--recipe", expected, job.settings.recipe))
    asked = {
        "--scribbles": job.scribbles,
        "--model": job.model,
        "--scheduler": job.scheduler,
    }
    lost = [flag for flag, value in asked.items() if value]
    if lost:
        raise UsageError(f"{source}: {lost[0]} cannot be done for a volume. Leave it out.")
    refuse_kinds(source, job.kinds_on("volume"))
    stack = _open(source, job)
    check_spacing(job.spacing or stack.grid.spacing)
    n_voxels = len(stack) * stack.shape[0] * stack.shape[1]
    each = _VOXEL_BYTES + _BAND_BYTES * stack.n_bands
    needed = PROCESS_BYTES + n_voxels * each + min(n_voxels, REFERENCE_VOXELS) * _VIEW_BYTES
    if needed > job.memory_bytes:
        expected = f"at least {needed >> 20}M for {n_voxels} voxels ({source})"
        raise UsageError(out_of_range("--memory", expected, f"{job.memory_bytes >> 20}M"))


def _open(source: Path, job: SegmentJob) -> StackSource:
    from nuriwake.io.sources import open_planes
    from nuriwake.io.stack import StackSource

    stack = open_planes(source, job.selection)
    if not isinstance(stack, StackSource):
        raise InputError(f"{source}: --volume needs a stack of slices; this is one picture.")
    if stack.page_axes not in ("Z", "I"):
        raise UsageError(
            f"{source}: --volume needs slices in depth alone; this has the axes "
            f"{stack.stored.axes}. Choose the others with --plane, such as --plane t=0, or say "
            "which axis is which with --axes."
        )
    return stack


def read_volume(stack: StackSource, spacing: tuple[float, ...] = ()) -> Volume:
    """Read a whole stack into memory.

    Parameters
    ----------
    stack : StackSource
        Of slices.
    spacing : tuple of float, optional
        How far voxels are apart; default: as the file says, else 1.

    Raises
    ------
    InputError
        If a slice is damaged, or no voxel is valid.
    """
    from nuriwake.volume import as_volume

    if family_of(stack.path) in _IN_ONE_PIECE:
        stack = replace(stack, stored=stack.stored.take(**stack.fixed), fixed={})
    first = stack.page(0)
    array = np.empty((len(stack), *first.array.shape), first.array.dtype)
    valid = np.empty((len(stack), *first.shape), bool)
    for z, page in enumerate(stack):
        array[z], valid[z] = page.array, page.valid
    unit = "" if spacing else stack.grid.unit
    steps = spacing or stack.grid.spacing
    return as_volume(array, valid, spacing=steps, unit=unit, path=stack.path)


def segment_volume_file(
    job: SegmentJob,
    plan: OutputPlan,
    request: Mapping[str, str],
    files: Staging,
    listener: Listener,
) -> RunRecord:
    """Segment one stack as a volume and publish its files."""
    from nuriwake.jobs.segment import StepRecorder
    from nuriwake.segmenter import finish_steps
    from nuriwake.volume_segmenter import segment_volume_steps

    volume = read_volume(_open(plan.source, job), job.spacing)
    if family_of(plan.source) == "nifti" and not job.selection.axes:
        from nuriwake.io.nifti import nifti_affine

        volume = replace(volume, affine=nifti_affine(plan.source))
    with listener.training(plan.source.name, job.settings.max_iter) as show:
        reader = StepRecorder(show)
        result = finish_steps(segment_volume_steps(volume, job.settings), reader)
        result = result.read(job.n_regions, job.n_labels, job.detail)
    write_volume_kinds(plan, result, files)
    record = _describe(plan, result, request, reader)
    record = files.publish(lambda names, digests: replace(record, outputs=names, digests=digests))
    written = ", ".join(str(plan.folder / name) for name in record.outputs.values())
    found = f"{result.n_regions} regions, {result.n_labels} labels"
    listener.say(f"{plan.source}: {found} in {result.seconds['total']:.1f} s -> {written}")
    return record


def refuse_kinds(source: Path, kinds: Collection[str]) -> None:
    """Refuse, before any work, what is not written of a volume.

    Raises
    ------
    UsageError
        If one of the kinds is so.
    """
    for kind in kinds:
        if kind not in _WRITERS:
            raise UsageError(
                f"{source}: --save {kind} cannot be done for a volume, which gives "
                f"{', '.join(_WRITERS)}. Leave it out."
            )


def write_volume_kinds(plan: OutputPlan, partition: VolumePartition, files: Staging) -> None:
    """Write every kind of a plan under its temporary name.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    for kind, final in plan.files:
        _WRITERS[kind](files.temporary(kind, final), partition)


def write_label_volume(path: Path, labels: LabelMap, partition: VolumePartition) -> None:
    """Write a volume of ids as OME-TIFF, OME-Zarr or NIfTI, with its spacing.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from nuriwake.io.label_nifti import write_label_nifti
    from nuriwake.io.label_stack import write_label_stack

    if suffix_of(path).lower() in NIFTI:
        write_label_nifti(path, labels, partition.spacing, partition.unit, partition.affine)
        return
    grid = Grid("ZYX", labels.shape, partition.spacing, partition.unit)
    write_label_stack(path, iter(labels), int(labels.max(initial=0)), grid)


def _write_labels(path: Path, partition: VolumePartition) -> None:
    write_label_volume(path, partition.labels, partition)


def _write_regions(path: Path, partition: VolumePartition) -> None:
    write_label_volume(path, partition.regions, partition)


#: What can be written of a volume. An overlay and a result are written as those of a picture.
_WRITERS: Mapping[str, Callable[[Path, VolumePartition], None]] = MappingProxyType(
    {
        "labels": _write_labels,
        "regions": _write_regions,
        "overlay": KINDS["overlay"].write,
        "result": KINDS["result"].write,
    }
)


def _describe(
    plan: OutputPlan,
    result: VolumeSegmentation,
    request: Mapping[str, str],
    reader: object,
) -> RunRecord:
    from nuriwake.io.versions import package_versions

    depth, height, width = result.volume.shape
    return RunRecord(
        input=str(plan.source),
        request=request,
        height=height,
        width=width,
        bands=result.volume.n_bands,
        settings=result.settings.model_dump(),
        versions=package_versions(),
        device=result.device,
        threads=result.threads,
        seconds={stage: round(value, 3) for stage, value in result.seconds.items()},
        iterations=len(result.history),
        partial=bool(getattr(reader, "stopped", False)),
        n_labels=result.n_labels,
        n_regions=result.n_regions,
        history={
            "n_labels": [row.n_labels for row in result.history],
            "loss": [row.loss for row in result.history],
        },
        outputs={},
        digests={},
        route="volume",
        pieces=depth,
        axes="ZYX",
        spacing=result.spacing,
        unit=result.unit,
    )
