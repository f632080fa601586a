"""What ``nuriwake cut`` does: other numbers of regions or labels from a saved result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nuriwake.errors import UsageError, out_of_range
from nuriwake.jobs.commit import staging
from nuriwake.jobs.listener import Listener
from nuriwake.jobs.plan import Wish, plan_outputs
from nuriwake.jobs.records import CutRecord
from nuriwake.jobs.route import FORMATS

if TYPE_CHECKING:
    from nuriwake.regions.tree import Detail


def cut_result(
    result: Path,
    output: Path | None,
    kinds: tuple[str, ...],
    listener: Listener,
    *,
    n_regions: int | Literal["auto"] | None = None,
    detail: Detail | None = None,
    n_labels: int | None = None,
    altitude: float | None = None,
    overwrite: bool = False,
) -> CutRecord:
    """Read cuts from a saved result and write them.

    Parameters
    ----------
    result : pathlib.Path
        Written by ``segment --save result``.
    output : pathlib.Path or None
        As in :func:`.plan.plan_outputs`.
    kinds : tuple of str
    listener : Listener
    n_regions : int or "auto", optional
    n_labels : int, optional
        So many; where one is given, the other is automatic. Without any of these four: what the
        result showed when it was saved.
    detail : {"fine", "medium", "coarse"}, optional
        How fine the regions are, in place of a number.
    altitude : float, optional
        Cut there instead of at a number of regions.
    overwrite : bool
        Replace foreign files.

    Returns
    -------
    CutRecord

    Raises
    ------
    ModelError
        If the result cannot be read.
    UsageError
        If a number cannot be had.
    OutputError
        If a file cannot be written.
    """
    from nuriwake.jobs.result_file import load_result
    from nuriwake.jobs.segment import write_kinds
    from nuriwake.jobs.volume import refuse_kinds, write_volume_kinds
    from nuriwake.volume_segmentation import VolumePartition

    partition = load_result(result)
    is_volume = isinstance(partition, VolumePartition)
    if is_volume:
        refuse_kinds(result, kinds)
    formats = FORMATS["volume" if is_volume else "whole"]
    origin = Path(partition.name) if partition.name else None
    plan = plan_outputs([Wish(result, kinds, formats, is_cut=True, origin=origin)], output)[0]
    if altitude is not None:
        if not altitude >= 0:
            raise UsageError(out_of_range("--altitude", "a number of at least 0", altitude))
        n_regions = partition.tree.count_at(altitude)
    if (n_regions, n_labels, detail) != (None, None, None):
        partition = partition.read(None if n_regions == "auto" else n_regions, n_labels, detail)
    with staging(plan, overwrite) as files:
        if isinstance(partition, VolumePartition):
            write_volume_kinds(plan, partition, files)
        else:
            write_kinds(plan, partition, files)
        record = CutRecord(str(result), partition.n_regions, partition.n_labels, {}, {})
        record = files.publish(
            lambda names, digests: replace(record, outputs=names, digests=digests)
        )
    written = ", ".join(str(plan.folder / name) for name in record.outputs.values())
    listener.say(f"{partition.n_regions} regions -> {written}")
    return record
