"""A trained network with everything needed to apply it to other images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nuriwake.errors import InputError
from nuriwake.io.arrays import ArrayLike, ImageLike, to_raster
from nuriwake.learn.normalise import BandStatistics, normalise
from nuriwake.learn.overview import unit_overview
from nuriwake.learn.weights import Weights
from nuriwake.raster import LabelMap
from nuriwake.recipes.fast import fast_labels
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.learn.network import Network


@dataclass(frozen=True, eq=False)
class Model:
    """A network whose statistics are frozen, so that a label means the same in every image.

    Parameters
    ----------
    weights : Weights
        Of the network, with its statistics.
    statistics : BandStatistics
        Of the images it was trained on.
    settings : Settings
        It was trained with.
    band_names : tuple of str
        Names of the bands, empty where the files had none.

    References
    ----------
    Kim, Kanezaki, Tanaka, IEEE TIP 2020, section IV-C (reference images), with the statistics
    frozen where the published program recomputes them for each image.
    """

    weights: Weights
    statistics: BandStatistics
    settings: Settings
    band_names: tuple[str, ...] = ()

    @property
    def n_bands(self) -> int:
        """Bands of the images that it takes."""
        return self.statistics.n_bands

    @property
    def n_labels(self) -> int:
        """q, labels at most."""
        return self.weights.n_labels

    @cached_property
    def network(self) -> Network:
        """The network of PyTorch, in evaluation mode, built when it is first asked for."""
        from nuriwake.learn.network import network_of

        return network_of(self.weights)

    @property
    def is_local(self) -> bool:
        """Whether a label depends on nothing but the pixels around it, so that tiles are exact.

        The recipe ``fast`` sees a whole image on a grid of fixed size; its models label whole
        images only.
        """
        return self.settings.method.is_local

    def predict(
        self,
        image: ImageLike,
        *,
        valid: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        channel_axis: int | None = -1,
    ) -> LabelMap:
        """Label an image.

        Parameters
        ----------
        image : whatever :func:`nuriwake.segment` takes
            Any size, with as many bands as the images of the training.
        valid, mask, channel_axis
            As in :func:`nuriwake.segment`.

        Returns
        -------
        ndarray of int32, shape (height, width)
            1 to :attr:`n_labels`; 0 = no data.

        Raises
        ------
        InputError
            If the image cannot be used or has another number of bands.
        """
        raster = to_raster(image, valid, mask=mask, channel_axis=channel_axis)
        if raster.n_bands != self.n_bands:
            raise InputError(
                f"{raster.name} has {raster.n_bands} bands where the model was trained on "
                f"{self.n_bands}. Choose the same bands with --bands."
            )
        unit = normalise(raster.array, raster.valid, self.statistics)
        if not self.is_local:
            seen = unit_overview(raster.array, raster.valid, self.statistics)
            return fast_labels(self.weights, unit, raster.valid, self.settings, seen)[0]
        from nuriwake.engine.compute import cpu_threads
        from nuriwake.engine.predict import Predictor

        with cpu_threads(self.settings.threads):
            return Predictor(self.network, self.settings.precision).labels(unit, raster.valid)
