"""Where the parts meet for volumes: a stack of slices in, one tree for all of them out."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.machine import count_cores
from nuriwake.painting import as_picture
from nuriwake.raster import BoolMap
from nuriwake.regions.tree import Detail
from nuriwake.segmentation import Asked, HistoryRow, Reading
from nuriwake.segmenter import StepReader, finish_steps, record_steps
from nuriwake.settings import Settings, Value, lists_settings
from nuriwake.volume import VOLUME, Volume, as_volume
from nuriwake.volume_segmentation import VolumeSegmentation, shown_slices

if TYPE_CHECKING:
    from nuriwake.recipes.training import Step


def volume_settings(values: Mapping[str, Value]) -> Settings:
    """Build settings with the defaults of volumes.

    Raises
    ------
    UsageError
        If a value is out of its range, or the recipe is none for volumes.

    Examples
    --------
    >>> volume_settings({"seed": 3}).texton_weight
    0.0
    """
    settings = Settings(**{**VOLUME, **values}) if "recipe" not in values else Settings(**values)
    if settings.recipe != "fast":
        hint = "The others see single pictures."
        raise UsageError(out_of_range("recipe", "'fast' for a volume", settings.recipe, hint))
    return Settings(**{**VOLUME, **values})


def segment_volume_steps(
    volume: Volume, settings: Settings
) -> Generator[Step, bool | None, VolumeSegmentation]:
    """Segment a volume, step by step.

    Parameters
    ----------
    volume : Volume
    settings : Settings
        From :func:`volume_settings`.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    VolumeSegmentation
        As the generator's return value.
    """
    from nuriwake.engine.compute import steps_in_threads
    from nuriwake.learn.normalise import band_statistics, normalise
    from nuriwake.recipes.volume import volume_steps

    started = time.perf_counter()
    # Values are the same whichever way voxels are stacked: normalise them as one tall picture.
    depth, height, width = volume.shape
    tall = volume.array.reshape(depth * height, width, volume.n_bands)
    counts = volume.valid.reshape(depth * height, width)
    unit = normalise(tall, counts, band_statistics(tall, counts)).reshape(volume.array.shape)
    picture = np.stack([as_picture(unit[z]) for z in shown_slices(depth)])
    history: list[HistoryRow] = []
    steps = volume_steps(unit, volume.valid, settings, volume.steps)
    del unit  # the steps let go of it as soon as they can
    threads = settings.threads or count_cores()
    found = yield from steps_in_threads(record_steps(steps, history), threads)
    return VolumeSegmentation(
        tree=found.tree,
        label_tree=found.label_tree,
        own_labels=found.own_labels,
        confidence=found.confidence,
        picture=picture,
        settings=settings,
        reading=Reading(),
        georeference=None,
        name=volume.path.name if volume.path else "",
        spacing=volume.spacing,
        unit=volume.unit,
        affine=volume.affine,
        history=tuple(history),
        seconds={"total": time.perf_counter() - started},
        threads=threads,
        device=str(found.weights.device),
        volume=volume,
    )


@lists_settings
def segment_volume(
    array: NDArray[np.generic],
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    valid: BoolMap | None = None,
    regions: int | Literal["auto"] = "auto",
    detail: Detail | None = None,
    labels: int | None = None,
    on_step: StepReader | None = None,
    **settings: Value,
) -> VolumeSegmentation:
    """Segment a volume: one network and one tree for the whole stack of slices.

    Parameters
    ----------
    array : ndarray of shape (depth, height, width) or (depth, height, width, bands)
        Any number of bands, any real dtype.
    spacing : sequence of float
        How far voxels are apart: in depth, along rows and columns, in any unit.
    valid : ndarray of bool, shape (depth, height, width), optional
        False where there is no data. Voxels that are not finite never count.
    regions : int or "auto"
        How many connected regions ``regions`` shows; ``cut`` reads any other number.
    detail : {"fine", "medium", "coarse"}, optional
        How fine, in place of a number of regions.
    labels : int, optional
        Merge the network's labels to so many materials; default: as they are.
    on_step : callable, optional
        Called with every training step, to show progress; returns True to stop there.
    **settings
        Any of these; those of ``nuriwake.volume.VOLUME`` have other defaults than listed:

    Returns
    -------
    VolumeSegmentation
        Its maps are of shape (depth, height, width).

    Raises
    ------
    UsageError
        If a setting or the spacing is out of its range, or there is no such number of regions.
    InputError
        If the array cannot be used.

    Examples
    --------
    >>> array = np.zeros((4, 12, 12), np.uint8)
    >>> array[:, 6:] = 200
    >>> result = segment_volume(array, spacing=(3, 1, 1), regions=2, max_iter=2)
    >>> result.regions.shape, result.regions[0, ::4, 0].tolist()
    ((4, 12, 12), [1, 1, 2])
    """
    asked, chosen = Asked(regions, detail, labels), volume_settings(settings)
    volume = as_volume(array, valid, spacing=spacing)
    result = finish_steps(segment_volume_steps(volume, chosen), on_step)
    return asked.of(result)
