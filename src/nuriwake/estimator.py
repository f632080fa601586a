"""Segmentation with scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from nuriwake.errors import UsageError
from nuriwake.io.arrays import ArrayLike, ImageLike, to_raster, to_rasters
from nuriwake.model_file import save_model
from nuriwake.raster import LabelMap
from nuriwake.segmenter import finish_steps, fit_steps, segment_steps
from nuriwake.settings import Settings, lists_settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.segmentation import Segmentation


@lists_settings
class Segmenter:
    """A segmenter with scikit-learn's conventions: ``fit``, ``predict``, ``labels_``, ``clone``.

    Parameters
    ----------
    **settings
        Any of these, stored as given and checked by :meth:`fit`:

    Attributes
    ----------
    labels_ : ndarray of int32, shape (height, width)
        Labels of the fitted image; 0 = no data.
    segmentation_ : Segmentation
        The whole result.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((8, 8), np.uint8)
    >>> image[:, 4:] = 255
    >>> segmenter = Segmenter(recipe="icassp2018", max_iter=3, n_channels=8).fit(image)
    >>> bool((segmenter.predict(image) == segmenter.labels_).all())
    True
    """

    labels_: LabelMap | list[LabelMap]
    segmentation_: Segmentation
    model_: Model

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

    def fit(
        self,
        image: ImageLike | Sequence[ImageLike],
        y: None = None,  # noqa: ARG002 - scikit-learn's
        *,
        valid: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        channel_axis: int | None = -1,
    ) -> Self:
        """Train a network on an image, or on several.

        Parameters
        ----------
        image : whatever :func:`nuriwake.segment` takes, or a list of such
            A list trains one network on crops of all its images, whatever their sizes;
            ``labels_`` is then a list of label maps and there is no ``segmentation_``.
        valid, mask, channel_axis
            As in :func:`nuriwake.segment`; the images of a list carry their masks themselves.

        Raises
        ------
        UsageError
            If a setting is unknown or out of its range.
        InputError
            If an image cannot be used, or their bands differ.
        """
        settings = Settings(**self._params)
        if isinstance(image, list | tuple):
            masks = mask if valid is None else valid
            rasters = to_rasters(image, masks, channel_axis=channel_axis)
            self.model_ = finish_steps(fit_steps(rasters, settings))
            self.labels_ = [self.model_.predict(raster) for raster in rasters]
            return self
        # A sequence of images is a list or a tuple; anything else is one image.
        raster = to_raster(image, valid, mask=mask, channel_axis=channel_axis)  # type: ignore[arg-type]
        self.segmentation_ = finish_steps(segment_steps(raster, settings))
        self.model_ = self.segmentation_.model
        self.labels_ = self.segmentation_.labels
        return self

    def fit_predict(
        self,
        image: ImageLike | Sequence[ImageLike],
        y: None = None,
        *,
        valid: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        channel_axis: int | None = -1,
    ) -> LabelMap | list[LabelMap]:
        """Train on an image, or on several, and return the labels; as :meth:`fit`."""
        return self.fit(image, y, valid=valid, mask=mask, channel_axis=channel_axis).labels_

    def predict(
        self,
        image: ImageLike,
        *,
        valid: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        channel_axis: int | None = -1,
    ) -> LabelMap:
        """Label an image with the trained network and its frozen statistics.

        Parameters
        ----------
        image : whatever :func:`nuriwake.segment` takes
            With as many bands as the image of :meth:`fit`; any size.
        valid, mask, channel_axis
            As in :func:`nuriwake.segment`.

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
        return self._fitted().predict(image, valid=valid, mask=mask, channel_axis=channel_axis)

    def save(self, path: str | Path) -> None:
        """Write the trained model as a safetensors file; :func:`nuriwake.load_model` reads it.

        Raises
        ------
        UsageError
            If :meth:`fit` was not called, or the name does not end in ``.safetensors``.
        OutputError
            If the file cannot be written.
        """
        save_model(Path(path), self._fitted())

    def _fitted(self) -> Model:
        if not hasattr(self, "model_"):
            raise UsageError("this Segmenter is not fitted yet. Call fit(image) first.")
        return self.model_
