"""Segment a raster that does not fit the memory: learn from a sample of it, label tile by tile."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nuriwake.errors import UsageError, out_of_range
from nuriwake.learn.overview import VIEW_PIXELS
from nuriwake.raster import WindowedSource
from nuriwake.scale.executors import Executor
from nuriwake.scale.memory import plan_reduced_pixels, plan_scene_pixels, plan_windows
from nuriwake.scale.mosaic import MosaicOptions, apply_model, check_bands
from nuriwake.scale.products import Existing, MosaicOutputs, Publish
from nuriwake.scale.run import Progress
from nuriwake.scale.sampling import fit_source_steps
from nuriwake.scale.scene import SceneCut, segment_scene
from nuriwake.scale.tiles import choose_tile_shape, plan_tiles
from nuriwake.scale.trees import HALO, learn_scene_steps
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step


@dataclass(frozen=True)
class LargeReport:
    """What a run out of core did.

    Parameters
    ----------
    n_tiles : int
    n_regions : int
        0 where no regions were asked for.
    skipped : bool
        Whether the results were there already.
    """

    n_tiles: int
    n_regions: int
    skipped: bool = False


def large_steps(
    source: WindowedSource,
    settings: Settings,
    outputs: MosaicOutputs,
    memory: int,
    executor: Executor,
    *,
    cut: SceneCut | None = None,
    model: Model | None = None,
    existing: Existing = "overwrite",
    publish: Publish | None = None,
    on_progress: Progress | None = None,
) -> Generator[Step, bool | None, LargeReport]:
    """Segment a raster of any size, step by step; the tiles follow the last step.

    Parameters
    ----------
    source : WindowedSource
    settings : Settings
    outputs : MosaicOutputs
    memory : int
        Bytes for all processes together.
    executor : Executor
    cut : SceneCut, optional
        What is read from the tree, by recipes that grow one.
    model : Model, optional
        Start from its weights and value range, for the same recipes.
    existing : str
        ``resume`` goes on with the tiles that an earlier run has done.
    publish : callable, optional
        As in :func:`.products.write_products`.
    on_progress : callable, optional
        Called with the tiles done and all tiles.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    LargeReport

    Raises
    ------
    InputError
        If the raster cannot be read.
    OutputError
        If a result cannot be written.
    UsageError
        If the memory is too small for one tile.
    """
    if not settings.method.is_local:
        cut = cut or SceneCut()
        _check_guides(source, settings, cut, model)
        most = plan_reduced_pixels(memory, source.n_bands, executor.n_workers)
        reduced = min(VIEW_PIXELS, most)
        scene = yield from learn_scene_steps(source, settings, model, reduced, executor)
        pixels = plan_scene_pixels(memory, source.n_bands, HALO, executor.n_workers)
        shape = choose_tile_shape(pixels, source.shape, (1, 1))
        plan = plan_tiles(source.shape, shape, HALO)
        tree = segment_scene(
            scene,
            source,
            plan,
            outputs,
            cut=cut,
            existing=existing,
            executor=executor,
            on_progress=on_progress,
            publish=publish,
        )
        if tree is None:
            return LargeReport(0, 0, skipped=True)
        return LargeReport(len(plan), cut.n_regions or tree.count(cut.detail))
    n_processes = executor.n_workers + (executor.n_workers > 1)
    windows = plan_windows(memory, 1, source.n_bands, settings, n_processes)
    model = yield from fit_source_steps(source, settings, windows)
    options = MosaicOptions(memory=memory, existing=existing, threads=settings.threads)
    report = apply_model(
        model, source, outputs, options, executor=executor, on_progress=on_progress, publish=publish
    )
    return LargeReport(report.n_tiles, report.n_regions or 0, report.skipped)


def _check_guides(
    source: WindowedSource, settings: Settings, cut: SceneCut, model: Model | None
) -> None:
    """Refuse, before the training, what could not be used after it."""
    from nuriwake.learn.guidance import check_drawn
    from nuriwake.segmenter import check_start

    if model is not None:
        check_start(model, settings)
        check_bands(model, source)
    if cut.drawn is None:
        return
    labels = cut.drawn.sizes.keys()
    check_drawn(cut.drawn.shape, labels, source.shape, settings.max_labels)
    if cut.n_regions is not None and cut.n_regions < len(labels):
        expected = f"at least {len(labels)}, as many labels were drawn"
        raise UsageError(out_of_range("n_regions", expected, cut.n_regions))
