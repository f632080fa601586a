"""What ``nuriwake fit`` does: one model from many images, whatever their size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.io.selection import ALL, Selection
from nuriwake.jobs.commit import staging
from nuriwake.jobs.listener import Listener
from nuriwake.jobs.plan import plan_model
from nuriwake.jobs.records import FitRecord
from nuriwake.jobs.warm_up import compiling_is_told
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from nuriwake.model import Model
    from nuriwake.raster import Raster
    from nuriwake.recipes.training import Step


@dataclass(frozen=True)
class FitJob:
    """How a model is trained.

    Parameters
    ----------
    settings : Settings
    selection : Selection
        What is used of each image.
    memory : int or None
        Bytes; images that need more are learned from windows of them. None: half of what is free.
    overwrite : bool
        Replace a file that no record names.
    """

    settings: Settings
    selection: Selection = ALL
    memory: int | None = None
    overwrite: bool = False

    @property
    def memory_bytes(self) -> int:
        """The memory that may be used."""
        from nuriwake.scale.memory import default_memory

        return default_memory() if self.memory is None else self.memory


def fit_model(job: FitJob, sources: Sequence[Path], model: Path, listener: Listener) -> FitRecord:
    """Train a model on images and write it, with a record beside it.

    Parameters
    ----------
    job : FitJob
    sources : sequence of pathlib.Path
    model : pathlib.Path
        The file to write.
    listener : Listener

    Returns
    -------
    FitRecord

    Raises
    ------
    UsageError
        If the name does not say what the file is, or the memory is too small.
    InputError
        If an image cannot be used, or their bands differ.
    OutputError
        If the model cannot be written, or a foreign file has its name.
    """
    from nuriwake.io.identity import file_identity
    from nuriwake.io.versions import package_versions
    from nuriwake.model_file import check_model_path, save_model
    from nuriwake.segmenter import finish_steps

    check_model_path(model)
    started = time.perf_counter()
    with staging(plan_model(model, sources[0]), job.overwrite) as files:
        steps, notes = _steps(job, sources)
        for note in notes:
            listener.say(note)
        with (
            compiling_is_told(listener),
            listener.training(model.name, job.settings.max_iter) as show,
        ):
            trained = finish_steps(steps, show)
        save_model(files.temporary("model", model), trained)
        record = FitRecord(
            inputs={str(path): file_identity(path) for path in sources},
            selection=job.selection.request(),
            settings=job.settings.model_dump(),
            versions=package_versions(),
            seconds={"total": round(time.perf_counter() - started, 3)},
            n_labels=trained.n_labels,
            notes=notes,
            outputs={},
            digests={},
        )
        record = files.publish(lambda names, ids: replace(record, outputs=names, digests=ids))
    many = "input" if len(sources) == 1 else "inputs"
    listener.say(f"trained on {len(sources)} {many} -> {model}")
    return record


def _steps(
    job: FitJob, sources: Sequence[Path]
) -> tuple[Generator[Step, bool | None, Model], tuple[str, ...]]:
    """Choose what is learned from, and say where it is less than all."""
    from nuriwake.io.sources import open_planes
    from nuriwake.io.stack import StackSource
    from nuriwake.jobs.route import measure
    from nuriwake.scale.memory import plan_windows, references_fit
    from nuriwake.scale.pages import N_PAGES, fit_stack_steps
    from nuriwake.segmenter import fit_steps

    extents = [measure(source, job.selection) for source in sources]
    sizes = [e.shape[0] * e.shape[1] for e in extents for _ in range(min(e.n_pages, N_PAGES))]
    n_bands = max((extent.n_bands for extent in extents), default=1)
    if references_fit(job.memory_bytes, sizes, n_bands, job.settings):
        stack = open_planes(sources[0], job.selection)
        if len(sources) == 1 and isinstance(stack, StackSource):
            return fit_stack_steps(stack, job.settings), ()
        images = [image for source in sources for image in _images(job, source)]
        return fit_steps(images, job.settings), ()
    plan = plan_windows(job.memory_bytes, len(sizes), n_bands, job.settings)
    images = [image for source in sources for image in _images(job, source, plan.n_windows)]
    settings = job.settings.model_copy(update={"crop_size": plan.crop_size})
    return fit_steps(images, settings), (plan.describe(job.memory_bytes),)


def _images(job: FitJob, source: Path, n_windows: int = 0) -> list[Raster]:
    """Read an image, or pages spread over a stack; of large ones so many windows."""
    from nuriwake.io.sources import open_planes, open_windows, read_input
    from nuriwake.io.stack import StackSource
    from nuriwake.scale.pages import pages_to_learn_from
    from nuriwake.scale.sampling import read_samples

    seed = job.settings.seed
    stack = open_planes(source, job.selection)
    if isinstance(stack, StackSource):
        pages = pages_to_learn_from(stack)
        if not n_windows:
            return list(pages)
        return [
            part for page in pages for part in read_samples(page, seed, n_windows, is_divided=True)
        ]
    if not n_windows:
        return [read_input(source, job.selection)]
    source_by_windows = open_windows(source, job.selection)
    return read_samples(source_by_windows, seed, n_windows, is_divided=True)
