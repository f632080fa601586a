"""Label a raster of any size with a trained network, tile by tile, as if it were one piece.

1. Plan: tiles aligned to the file's blocks, with a halo as wide as the network looks.
2. Run the tiles: each is read, labelled and kept in a folder beside the output.
3. Join the components over the seams, and sieve the small ones.
4. Write the results in one pass, and rename them.

An interrupted run leaves the folder; the next one with the same input, network and settings takes
from it what is done.
"""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.errors import InputError
from nuriwake.io.versions import package_versions
from nuriwake.machine import count_cores
from nuriwake.raster import WindowedSource
from nuriwake.scale.executors import Executor, SerialExecutor
from nuriwake.scale.labelling import label_tile, model_digest
from nuriwake.scale.memory import default_memory, plan_tile_pixels
from nuriwake.scale.products import (
    Existing,
    LabelledTiles,
    MosaicOutputs,
    Publish,
    write_products,
)
from nuriwake.scale.run import Progress, Tally, run_tiles, tiled_run
from nuriwake.scale.seams import Numbering, number_components
from nuriwake.scale.tile_components import describe_components
from nuriwake.scale.tiles import Tile, TilePlan, choose_tile_shape, plan_tiles
from nuriwake.scale.workfolder import Facts, WorkFolder, fingerprint, source_identity

if TYPE_CHECKING:
    from nuriwake.model import Model


@dataclass(frozen=True)
class MosaicOptions:
    """How to run.

    Parameters
    ----------
    memory : int, optional
        Bytes for all processes together. Default: half of what is free.
    min_pixels : int
        The minimum mapping unit: smaller regions join a neighbour. 1 keeps all.
    tolerance : float
        How much the polygons' borders may be simplified, in pixels; 0 keeps the pixels' edges.
    existing : str
        Where results are there already: ``refuse`` is an error, ``resume`` skips them if they
        come from the same input and settings, ``overwrite`` makes them anew.
    threads : int
        CPU threads of each worker; 0 shares the cores among them.
    tile_shape : tuple of int, optional
        Height and width of the tiles. Default: as large as the memory allows.
    """

    memory: int | None = None
    min_pixels: int = 1
    tolerance: float = 0.0
    existing: Existing = "refuse"
    threads: int = 0
    tile_shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class MosaicReport:
    """What a run did.

    Parameters
    ----------
    fingerprint : str
        Digest of everything that decides the result.
    tile_shape : tuple of int
        Height and width of the tiles' cores.
    n_tiles, n_resumed : int
        All tiles, and those that an earlier run had done.
    n_regions : int or None
        Regions, where they were asked for.
    skipped : bool
        Whether the results were there already.
    seconds : float
    """

    fingerprint: str
    tile_shape: tuple[int, int]
    n_tiles: int
    n_resumed: int
    n_regions: int | None
    skipped: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class _TileJob:
    """What a worker needs; it reads and writes its own windows."""

    model: bytes
    source: WindowedSource
    tile: Tile
    shape: tuple[int, int]
    folder: WorkFolder
    min_pixels: int
    with_components: bool
    threads: int


def apply_model(
    model: Model,
    source: WindowedSource,
    outputs: MosaicOutputs,
    options: MosaicOptions | None = None,
    *,
    executor: Executor | None = None,
    on_progress: Progress | None = None,
    publish: Publish | None = None,
) -> MosaicReport:
    """Label a raster of any size.

    Parameters
    ----------
    model : Model
        The trained network.
    source : WindowedSource
        A file opened for windows, or a :class:`~nuriwake.raster.Raster`.
    outputs : MosaicOutputs
    options : MosaicOptions, optional
    executor : Executor, optional
        Where to run. Default: in this process.
    on_progress : callable, optional
        Called with the tiles done and all tiles, first before the first tile.
    publish : callable, optional
        As in :func:`.products.write_products`.

    Returns
    -------
    MosaicReport

    Raises
    ------
    UsageError
        If results are there already and neither ``resume`` nor ``overwrite`` was asked for, or the
        memory is too small.
    InputError
        If the input cannot be read or was not what the network was trained on.
    OutputError
        If the results cannot be written; what is done is kept for a later run.
    """
    options, executor = options or MosaicOptions(), executor or SerialExecutor()
    started = time.perf_counter()
    check_bands(model, source)
    run = fingerprint(_facts(model, source, outputs, options))
    with tiled_run(source, outputs, run, options.existing) as folder:
        if folder is None:
            return MosaicReport(run, source.shape, 0, 0, None, True, time.perf_counter() - started)
        plan = _plan(model, source, folder, options, executor.n_workers)
        job = _tile_jobs(model, source, plan, folder, outputs, options, executor)
        tally = Tally(len(plan), on_progress)
        n_resumed = run_tiles(run_tile, job, plan, folder, executor, tally)
        numbering = _number(plan, folder, outputs, options)
        done = LabelledTiles(source, plan, folder, model.n_labels, numbering)
        write_products(outputs, done, options.tolerance, run, publish)
    n_regions = numbering.n_regions if numbering else None
    seconds = time.perf_counter() - started
    return MosaicReport(run, plan.tile_shape, len(plan), n_resumed, n_regions, False, seconds)


def check_bands(model: Model, source: WindowedSource) -> None:
    """Refuse a source with another number of bands than the model was trained on.

    Raises
    ------
    InputError
        If so.
    """
    expected = model.n_bands
    if source.n_bands != expected:
        raise InputError(
            f"{_name(source)}: {source.n_bands} bands, where the model was trained on {expected}. "
            "Choose the same bands with --bands."
        )


def _name(source: WindowedSource) -> str:
    return str(getattr(source, "path", None) or "the array")


def _facts(
    model: Model, source: WindowedSource, outputs: MosaicOutputs, options: MosaicOptions
) -> Facts:
    """Gather everything that decides the result; the tiles are not among it."""
    return {
        "input": source_identity(source),
        "bands": list(getattr(source, "bands", ())),
        "model": model_digest(model),
        "min_pixels": options.min_pixels,
        "tolerance": options.tolerance,
        "with_components": _needs_components(outputs, options),
        "versions": json.dumps(package_versions()),
    }


def _plan(
    model: Model,
    source: WindowedSource,
    folder: WorkFolder,
    options: MosaicOptions,
    n_workers: int,
) -> TilePlan:
    block_shape = getattr(source, "block_shape", (1, 1))
    wish = options.tile_shape
    if not model.is_local:
        # It sees a whole image at once.
        return TilePlan(source.shape, folder.start(source.shape), 0)
    if wish is None:
        memory = default_memory() if options.memory is None else options.memory
        itemsize = np.dtype(getattr(source, "dtype", "float32")).itemsize
        pixels = plan_tile_pixels(memory, source.n_bands, itemsize, n_workers)
        wish = choose_tile_shape(pixels, source.shape, block_shape)
    plan = plan_tiles(source.shape, wish, model.weights.radius, block_shape)
    return TilePlan(source.shape, folder.start(plan.tile_shape), model.weights.radius)


def _tile_jobs(
    model: Model,
    source: WindowedSource,
    plan: TilePlan,
    folder: WorkFolder,
    outputs: MosaicOutputs,
    options: MosaicOptions,
    executor: Executor,
) -> Callable[[Tile], _TileJob]:
    """Return what makes the job of a tile."""
    return partial(
        _TileJob,
        pickle.dumps(model),
        source,
        shape=plan.shape,
        folder=folder,
        min_pixels=options.min_pixels,
        with_components=_needs_components(outputs, options),
        threads=options.threads or _threads_each(executor.n_workers),
    )


def _needs_components(outputs: MosaicOutputs, options: MosaicOptions) -> bool:
    return outputs.has_regions or options.min_pixels > 1


def _threads_each(n_workers: int) -> int:
    return max(1, count_cores() // n_workers)


def run_tile(job: _TileJob) -> int:
    """Read, label and keep one tile; this is what workers run.

    Returns
    -------
    int
        Index of the tile.
    """
    model: Model = pickle.loads(job.model)
    with _threads_of(model, job.threads):
        labels = label_tile(model, job.source.read(job.tile.read), job.tile.core_in_read)
    components = (
        describe_components(labels, job.tile, job.shape, job.min_pixels)
        if job.with_components
        else None
    )
    job.folder.save_tile(job.tile.index, labels, components, model.n_labels)
    return job.tile.index


def _threads_of(model: Model, threads: int) -> AbstractContextManager[object]:
    """Compute with so many threads; a model of ``fast`` counts its own, and needs no PyTorch."""
    if not model.is_local:
        return nullcontext()
    from nuriwake.engine.compute import cpu_threads

    return cpu_threads(threads)


def _number(
    plan: TilePlan, folder: WorkFolder, outputs: MosaicOutputs, options: MosaicOptions
) -> Numbering | None:
    if not _needs_components(outputs, options):
        return None
    return number_components(plan, folder.load_components, options.min_pixels)
