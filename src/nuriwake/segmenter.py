"""Where the parts meet: an image and settings in, a :class:`Segmentation` out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError
from nuriwake.painting import as_picture
from nuriwake.raster import BoolMap, LabelMap, Raster, as_raster
from nuriwake.segmentation import HistoryRow, Segmentation
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.learn.training import Step

#: Reads a step; returns True to end the training there and keep what was reached.
StepReader = Callable[["Step"], bool | None]
Image = Raster | NDArray[np.generic]


def segment_steps(
    image: Image, settings: Settings, valid: BoolMap | None = None
) -> Generator[Step, bool | None, Segmentation]:
    """Segment one image, step by step.

    Parameters
    ----------
    image : Raster or ndarray of shape (height, width) or (height, width, bands)
    settings : Settings
    valid : ndarray of bool, shape (height, width), optional
        False where there is no data.

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
        If the image cannot be used.
    """
    from nuriwake.learn.compute import cpu_threads
    from nuriwake.learn.normalise import band_statistics, normalise
    from nuriwake.learn.published import label_map, learn, margin_map

    started = time.perf_counter()
    raster = as_raster(image, valid)
    history: list[HistoryRow] = []
    with cpu_threads(settings.threads) as threads:
        statistics = band_statistics(raster.array, raster.valid)
        unit = normalise(raster.array, raster.valid, statistics)
        training = learn(unit, raster.valid, settings)
        learned = yield from _record(training, history)
        trained = time.perf_counter()
        return Segmentation(
            labels=label_map(learned.responses, raster.valid),
            confidence=margin_map(learned.responses, raster.valid),
            history=tuple(history),
            settings=settings,
            seconds={"training": trained - started, "total": time.perf_counter() - started},
            threads=threads,
            raster=raster,
            picture=as_picture(unit),
            network=learned.network,
            statistics=statistics,
        )


def _record(
    training: Generator[Step, bool | None, Any], history: list[HistoryRow]
) -> Generator[Step, bool | None, Any]:
    """Pass steps on and answers back; note each step."""
    stop: bool | None = None
    while True:
        try:
            step = training.send(stop)
        except StopIteration as done:
            return done.value
        history.append(HistoryRow(step.iteration, step.n_labels, step.loss))
        stop = yield step


def finish_steps(
    steps: Generator[Step, bool | None, Segmentation], on_step: StepReader | None = None
) -> Segmentation:
    """Run a generator of steps to its end and return its result.

    Parameters
    ----------
    steps : generator
        From :func:`segment_steps`.
    on_step : callable, optional
        Called with every step; returns True to end the training there.

    Returns
    -------
    Segmentation
    """
    stop: bool | None = None
    while True:
        try:
            step = steps.send(stop)
        except StopIteration as done:
            result: Segmentation = done.value
            return result
        stop = on_step(step) if on_step else None


def segment(
    image: Image,
    *,
    valid: BoolMap | None = None,
    on_step: StepReader | None = None,
    **settings: object,
) -> Segmentation:
    """Segment one image by a network that is trained on it.

    Parameters
    ----------
    image : Raster or ndarray of shape (height, width) or (height, width, bands)
        Any number of bands, any real dtype.
    valid : ndarray of bool, shape (height, width), optional
        False where there is no data. Pixels that are not finite never count.
    on_step : callable, optional
        Called with every training step, to show progress; returns True to stop there.
    **settings
        Any of :class:`nuriwake.Settings`: ``recipe="tip2020"``, ``max_iter=100``, ``seed=1``, ...

    Returns
    -------
    Segmentation

    Raises
    ------
    UsageError
        If a setting is unknown or out of its range.
    InputError
        If the image cannot be used.

    References
    ----------
    Kanezaki, ICASSP 2018; Kim, Kanezaki, Tanaka, IEEE TIP 2020.

    Examples
    --------
    >>> image = np.zeros((8, 8, 3), np.uint8)
    >>> image[:, 4:] = 255
    >>> segment(image, recipe="icassp2018", max_iter=3, n_channels=8).labels.shape
    (8, 8)
    """
    return finish_steps(segment_steps(image, Settings(**settings), valid), on_step)


class Segmenter:
    """A segmenter with scikit-learn's conventions: ``fit``, ``predict``, ``labels_``, ``clone``.

    Parameters
    ----------
    **settings
        Any of :class:`nuriwake.Settings`; stored as given and checked by :meth:`fit`.

    Attributes
    ----------
    labels_ : ndarray of int32, shape (height, width)
        Labels of the fitted image; 0 = no data.
    segmentation_ : Segmentation
        The whole result.

    Examples
    --------
    >>> image = np.zeros((8, 8), np.uint8)
    >>> image[:, 4:] = 255
    >>> segmenter = Segmenter(recipe="icassp2018", max_iter=3, n_channels=8).fit(image)
    >>> bool((segmenter.predict(image) == segmenter.labels_).all())
    True
    """

    def __init__(self, **settings: object) -> None:
        self._params = settings

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002 - scikit-learn's
        """Return the settings that were given."""
        return dict(self._params)

    def set_params(self, **settings: object) -> Self:
        """Change settings; :meth:`fit` checks them."""
        self._params = {**self._params, **settings}
        return self

    def __repr__(self) -> str:
        return f"Segmenter({', '.join(f'{k}={v!r}' for k, v in self._params.items())})"

    def fit(self, image: Image, y: None = None) -> Self:  # noqa: ARG002 - scikit-learn's
        """Train a network on an image.

        Raises
        ------
        UsageError
            If a setting is unknown or out of its range.
        InputError
            If the image cannot be used.
        """
        self.segmentation_ = finish_steps(segment_steps(image, Settings(**self._params)))
        self.labels_ = self.segmentation_.labels
        return self

    def fit_predict(self, image: Image, y: None = None) -> LabelMap:
        """Train on an image and return its labels."""
        return self.fit(image, y).labels_

    def predict(self, image: Image) -> LabelMap:
        """Label an image with the trained network and its frozen statistics.

        Parameters
        ----------
        image : Raster or ndarray of shape (height, width) or (height, width, bands)
            With as many bands as the image of :meth:`fit`; any size.

        Returns
        -------
        ndarray of int32, shape (height, width)
            A label means what it means in ``labels_``.

        Raises
        ------
        UsageError
            If :meth:`fit` was not called.
        InputError
            If the image cannot be used.
        """
        from nuriwake.learn.normalise import normalise
        from nuriwake.learn.published import label_map, respond

        if not hasattr(self, "segmentation_"):
            raise UsageError("this Segmenter is not fitted yet. Call fit(image) first.")
        raster = as_raster(image)
        unit = normalise(raster.array, raster.valid, self.segmentation_.statistics)
        return label_map(respond(self.segmentation_.network, unit), raster.valid)
