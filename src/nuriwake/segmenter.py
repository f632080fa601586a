"""Where the parts meet: an image and settings in, a :class:`Segmentation` out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range
from nuriwake.io.arrays import ArrayLike, ImageLike, to_raster
from nuriwake.machine import count_cores
from nuriwake.painting import as_picture
from nuriwake.raster import BoolMap, Raster, as_raster
from nuriwake.regions.tree import Detail
from nuriwake.segmentation import Asked, HistoryRow, Reading, Segmentation
from nuriwake.settings import Settings, lists_settings

if TYPE_CHECKING:
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.learn.normalise import BandStatistics
    from nuriwake.learn.overview import Overview
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step

Result = TypeVar("Result")
#: Reads a step; returns True to end the training there and keep what was reached.
StepReader = Callable[["Step"], bool | None]
Image = Raster | NDArray[np.generic]


def segment_steps(
    image: Image,
    settings: Settings,
    *,
    valid: BoolMap | None = None,
    scribbles: Scribbles | None = None,
    model: Model | None = None,
) -> Generator[Step, bool | None, Segmentation]:
    """Segment one image, step by step.

    Parameters
    ----------
    image : Raster or ndarray of shape (height, width) or (height, width, bands)
    settings : Settings
    valid : ndarray of bool, shape (height, width), optional
        False where there is no data.
    scribbles : Scribbles, optional
        Labels that the user has drawn.
    model : Model, optional
        Start from its weights and value range instead of new ones; it is left as it is.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Segmentation
        As the generator's return value.

    Raises
    ------
    InputError
        If the image, the scribbles or the model cannot be used.
    """
    from nuriwake.learn.guidance import check_scribbles
    from nuriwake.model import Model
    from nuriwake.recipes.registry import steps_of

    started = time.perf_counter()
    raster = as_raster(image, valid)
    drawn = None
    if scribbles is not None:
        check_scribbles(scribbles, raster.shape, settings.max_labels)
        drawn = scribbles.labels
    if model is not None:
        check_start(model, settings)
    history: list[HistoryRow] = []
    unit, statistics, reduced = _prepare(raster, settings, model)
    start = model.weights if model else None
    steps = steps_of(settings.recipe)(unit, raster.valid, settings, drawn, start, reduced)
    found = yield from record_steps(steps, history)
    return Segmentation(
        tree=found.tree,
        label_tree=found.label_tree,
        own_labels=found.own_labels,
        confidence=found.confidence,
        picture=as_picture(unit),
        settings=settings,
        reading=Reading(prefers_labels=drawn is not None),
        georeference=raster.georeference,
        history=tuple(history),
        seconds={"total": time.perf_counter() - started},
        threads=settings.threads or count_cores(),
        raster=raster,
        model=Model(found.weights, statistics, settings, raster.band_names),
        notes=(scribbles.note,) if scribbles and scribbles.note else (),
    )


def _prepare(
    raster: Raster, settings: Settings, model: Model | None
) -> tuple[NDArray[np.float32], BandStatistics, Overview | None]:
    """Normalise a raster, and what is learned from where that is the raster reduced."""
    from nuriwake.learn.normalise import band_statistics, normalise
    from nuriwake.learn.overview import overview, square_side

    side = 1 if settings.method.is_local else square_side(raster.shape)
    seen = overview(raster.array, raster.valid, side)
    statistics = model.statistics if model else band_statistics(seen.image, seen.valid)
    unit = normalise(raster.array, raster.valid, statistics)
    return unit, statistics, None if side == 1 else seen.normalised(statistics)


def check_start(model: Model, settings: Settings) -> None:
    """Refuse to start from a network that another recipe or size of network needs.

    Raises
    ------
    UsageError
        If a setting that decides the network differs.
    """
    for name in ("recipe", "n_layers", "n_channels", "max_labels"):
        ours, theirs = getattr(settings, name), getattr(model.settings, name)
        if ours != theirs:
            hint = "Training that starts from a model keeps its recipe and its network's size."
            raise UsageError(out_of_range(name, f"{theirs!r}, as in the model", ours, hint))


def record_steps(
    training: Generator[Step, bool | None, Any], history: list[HistoryRow]
) -> Generator[Step, bool | None, Any]:
    """Pass steps on and answers back; note each step."""
    stop: bool | None = None
    while True:
        try:
            step = training.send(stop)
        except StopIteration as done:
            return done.value
        history.append(HistoryRow(step.iteration, step.n_labels, float(step.loss)))
        stop = yield step


def fit_steps(images: Sequence[Image], settings: Settings) -> Generator[Step, bool | None, Model]:
    """Train one model on several images, step by step.

    Parameters
    ----------
    images : sequence of Raster or ndarray
        Any sizes, all with the same number of bands.
    settings : Settings

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    Model
        As the generator's return value.

    Raises
    ------
    UsageError
        If there is no image.
    InputError
        If an image cannot be used, or their bands differ.
    """
    from nuriwake.learn.normalise import normalise, pooled_statistics
    from nuriwake.model import Model
    from nuriwake.recipes.crops import Reference
    from nuriwake.recipes.registry import learning_of

    if len(images) == 1:
        result = yield from segment_steps(images[0], settings)
        return result.model
    if not images:
        raise UsageError("training needs at least one image; got none.")
    rasters = [as_raster(image) for image in images]
    statistics = pooled_statistics([(raster.array, raster.valid) for raster in rasters])
    references = [
        Reference(normalise(raster.array, raster.valid, statistics), raster.valid)
        for raster in rasters
    ]
    weights = yield from learning_of(settings.recipe)(references, settings)
    return Model(weights, statistics, settings, rasters[0].band_names)


def finish_steps(
    steps: Generator[Step, bool | None, Result], on_step: StepReader | None = None
) -> Result:
    """Run a generator of steps to its end and return its result.

    Parameters
    ----------
    steps : generator
        From :func:`segment_steps` or :func:`fit_steps`.
    on_step : callable, optional
        Called with every step; returns True to end the training there.

    Returns
    -------
    Segmentation or Model
    """
    stop: bool | None = None
    while True:
        try:
            step = steps.send(stop)
        except StopIteration as done:
            result: Result = done.value
            return result
        stop = on_step(step) if on_step else None


@lists_settings
def segment(
    image: ImageLike,
    *,
    valid: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    channel_axis: int | None = -1,
    scribbles: NDArray[np.generic] | None = None,
    regions: int | Literal["auto"] = "auto",
    detail: Detail | None = None,
    labels: int | None = None,
    on_step: StepReader | None = None,
    **settings: object,
) -> Segmentation:
    """Segment one image by a network that is trained on it.

    Parameters
    ----------
    image : array of shape (height, width) or (height, width, bands), picture, dataset or path
        Any number of bands, any real dtype. NumPy, also masked; PyTorch; xarray, whose dimensions
        name the axes; Dask, Zarr, h5py; pictures of Pillow and SimpleITK; datasets of rasterio;
        :class:`Raster`; the path of a file.
    valid : array of bool, shape (height, width), optional
        False where there is no data. Pixels that are not finite never count, nor do those that the
        image itself says are masked, transparent or nodata.
    mask : array of bool, shape (height, width), optional
        Another name for ``valid``, as in scikit-image: True counts.
    channel_axis : int or None
        Where the bands are in an array of three dimensions; None for an array of two. The default
        is the last axis, and an array whose shape speaks against it is refused; a number of 0 or
        more is taken at its word.
    scribbles : ndarray of integers, shape (height, width), optional
        Labels that the user has drawn, 0 = not scribbled. 8-bit maps that are mostly 255 are read
        as the paper's authors wrote them: 255 = not scribbled, label k becomes k + 1.
    regions : int or "auto"
        How many connected regions ``regions`` shows; :meth:`Segmentation.cut` reads any other
        number without training.
    detail : {"fine", "medium", "coarse"}, optional
        How fine, in place of a number of regions: medium is about what a person would outline.
    labels : int, optional
        Merge the network's labels to so many materials; default: as they are.
    on_step : callable, optional
        Called with every training step, to show progress; returns True to stop there.
    **settings
        Any of these:

    Returns
    -------
    Segmentation

    Raises
    ------
    UsageError
        If a setting is unknown or out of its range, or the image has no such number of regions.
    InputError
        If the image or the scribbles cannot be used.

    References
    ----------
    Kanezaki, ICASSP 2018; Kim, Kanezaki, Tanaka, IEEE TIP 2020.

    Examples
    --------
    >>> image = np.zeros((8, 8, 3), np.uint8)
    >>> image[:, 4:] = 255
    >>> result = segment(image, regions=2)
    >>> result.regions[0]
    array([1, 1, 1, 1, 2, 2, 2, 2], dtype=int32)
    """
    asked, drawn = Asked(regions, detail, labels), None
    if scribbles is not None:
        from nuriwake.learn.guidance import decode_scribbles

        drawn = decode_scribbles(np.asarray(scribbles))
    chosen = Settings(**settings)
    raster = to_raster(image, valid, mask=mask, channel_axis=channel_axis)
    steps = segment_steps(raster, chosen, scribbles=drawn)
    result = finish_steps(steps, on_step)
    return asked.of(result)
