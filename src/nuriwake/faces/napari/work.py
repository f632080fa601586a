"""What the plugin computes beside the window: generators that napari's threads read.

Nothing here touches a layer. Between two steps the thread looks whether it shall go on, so that
cancelling stops the training at once.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import NuriwakeError
from nuriwake.faces.napari.subject import Subject
from nuriwake.raster import LabelMap, Raster
from nuriwake.segmentation import Partition
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step

Result = TypeVar("Result")
#: Seconds between two pictures of the labels while they form, and their longest side.
_PAUSE, _SIDE = 0.15, 512


@dataclass(frozen=True, eq=False)
class Look:
    """One look at work that is going on.

    Parameters
    ----------
    done, total : int
    text : str
        For people.
    labels : ndarray of int, shape (h, w) or (d, h, w), optional
        Of the shown picture or volume, from 1; of any size.
    """

    done: int
    total: int
    text: str
    labels: NDArray[np.integer] | None = None


@dataclass(frozen=True, eq=False)
class Done:
    """What the work leaves.

    Parameters
    ----------
    subject : Subject
    labels : ndarray of int32
        Of the subject's shape.
    model : Model or None
        None for a volume.
    partition : Partition or None
        Where there is a tree to cut.
    drawn : ndarray of int32, shape (height, width), optional
        The scribbles that it followed.
    """

    subject: Subject
    labels: LabelMap
    model: Model | None = None
    partition: Partition | None = None
    drawn: LabelMap | None = None


Work = Generator[Look, bool | None, Done]


@dataclass
class _Clock:
    """Says when the next picture is due."""

    due: float = 0.0

    def rings(self) -> bool:
        now = time.monotonic()
        if now < self.due:
            return False
        self.due = now + _PAUSE
        return True


def segment_work(subject: Subject, settings: Settings, drawn: LabelMap | None = None) -> Work:
    """Segment what was chosen of a layer.

    Parameters
    ----------
    subject : Subject
    settings : Settings
    drawn : ndarray of int32, shape (height, width), optional
        Scribbles on the shown picture.

    Yields
    ------
    Look
        After every step of the training. Sending True ends the training and keeps what it reached.

    Returns
    -------
    Done
        As the generator's return value. Of one picture a tree; of several labels.

    Raises
    ------
    NuriwakeError
        If the image or the scribbles cannot be used, or the computation fails.
    """
    try:
        if subject.scope == "plane":
            return (yield from _segment_picture(subject, settings, drawn))
        if subject.scope == "volume":
            return (yield from _segment_volume(subject, settings))
        return (yield from _segment_planes(subject, settings))
    except RuntimeError as error:
        # Of PyTorch, as when the memory of a GPU is used up; napari's threads would drop it.
        raise NuriwakeError(f"the computation failed: {str(error).splitlines()[0]}") from error


def _segment_picture(subject: Subject, settings: Settings, drawn: LabelMap | None) -> Work:
    from nuriwake.learn.guidance import Scribbles
    from nuriwake.segmenter import segment_steps

    yield Look(0, settings.max_iter, "Loading")
    scribbles = None if drawn is None else Scribbles(drawn)
    steps = segment_steps(subject.picture(), settings, scribbles=scribbles)
    result = yield from _watched(steps, settings)
    # Without the raster, which the layer has.
    kept = {field.name: getattr(result, field.name) for field in fields(Partition)}
    partition = Partition(**{**kept, "name": subject.name})
    shown = partition.regions if partition.shows_regions else partition.labels
    labels = shown.reshape(subject.shape)
    return Done(subject, labels, result.model, partition, drawn)


def _segment_volume(subject: Subject, settings: Settings) -> Work:
    from nuriwake.volume_segmentation import VolumePartition
    from nuriwake.volume_segmenter import segment_volume_steps

    yield Look(0, settings.max_iter, "Loading")
    steps = segment_volume_steps(subject.volume(), settings)
    result = yield from _watched(steps, settings, margin=settings.n_layers)
    kept = {field.name: getattr(result, field.name) for field in fields(VolumePartition)}
    partition = VolumePartition(**{**kept, "name": subject.name})
    return Done(subject, partition.regions.reshape(subject.shape), partition=partition)


def _segment_planes(subject: Subject, settings: Settings) -> Work:
    from nuriwake.scale.pages import N_PAGES, N_VIEWS
    from nuriwake.segmenter import fit_steps

    yield Look(0, settings.max_iter, "Loading")
    n_wanted = N_PAGES if settings.method.is_local else N_VIEWS
    positions = subject.positions
    chosen = np.linspace(0, len(positions) - 1, min(n_wanted, len(positions))).round()
    rasters = [subject.raster(positions[int(index)]) for index in chosen]
    pictures = [raster for raster in rasters if raster.valid.any()]
    model = yield from _watched(fit_steps(pictures, settings), settings, pictured=False)
    return (yield from apply_work(subject, model))


def apply_work(subject: Subject, model: Model) -> Work:
    """Label what was chosen of a layer with a trained model.

    Yields
    ------
    Look
        After every picture.

    Returns
    -------
    Done
        As the generator's return value.

    Raises
    ------
    InputError
        If the image has another number of bands than those of the training.
    """
    positions = subject.positions
    pages = []
    for count, position in enumerate(positions):
        yield Look(count, len(positions), f"Labelling picture {count + 1} of {len(positions)}")
        pages.append(_label(model, subject.raster(position)))
    labels = np.stack(pages).reshape(subject.shape)
    return Done(subject, labels, model)


def _label(model: Model, raster: Raster) -> LabelMap:
    if not raster.valid.any():
        return np.zeros(raster.shape, np.int32)
    return model.predict(raster)


def _watched(
    steps: Generator[Step, bool | None, Result],
    settings: Settings,
    *,
    pictured: bool = True,
    margin: int | None = None,
) -> Generator[Look, bool | None, Result]:
    """Turn steps into looks; answers go back to the training."""
    clock = _Clock()
    stop: bool | None = None
    while True:
        try:
            step = steps.send(stop)
        except StopIteration as finished:
            result: Result = finished.value
            return result
        text = f"Learning: {step.n_labels} labels, loss {step.loss:.3f}"
        labels = _labels_of(step, margin) if pictured and clock.rings() else None
        stop = yield Look(step.iteration, settings.max_iter, text, labels)


def _labels_of(step: Step, margin: int | None) -> NDArray[np.integer]:
    """Take the labels of the picture, or of the slices of a volume without their margin."""
    labels: NDArray[np.integer] = step.labels()
    if margin is None:
        return thin(labels[0])
    return labels[:, margin:-margin, margin:-margin] + 1


def thin(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Leave out rows and columns of a large map, and count its labels from 1.

    Examples
    --------
    >>> thin(np.zeros((600, 300), np.int64)).shape
    (300, 150)
    """
    stride = -(-max(labels.shape) // _SIDE)
    return labels[::stride, ::stride] + 1
