"""A trained network and the statistics of its input: what labels a tile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nuriwake.raster import LabelMap, Raster, Window

if TYPE_CHECKING:
    from nuriwake.learn.network import Network
    from nuriwake.learn.normalise import BandStatistics

#: Pixels whose activations are held at once.
STRIP_PIXELS = 1 << 16


@dataclass(frozen=True, eq=False)
class PixelModel:
    """Everything that decides a pixel's label.

    Parameters
    ----------
    network : Network
        Its statistics are frozen.
    statistics : BandStatistics
        Of the raster it was trained on; the same for every tile.
    """

    network: Network
    statistics: BandStatistics

    @property
    def radius(self) -> int:
        """How far, in pixels, a label looks."""
        return self.network.radius

    def digest(self) -> str:
        """Return the SHA-256 of the weights and the statistics, in hexadecimal."""
        digest = hashlib.sha256(repr(self.statistics).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().numpy().tobytes())
        return digest.hexdigest()

    def label(self, raster: Raster) -> LabelMap:
        """Label a raster.

        Parameters
        ----------
        raster : Raster

        Returns
        -------
        ndarray of int32, shape (height, width)
            1..q; 0 where there is no data.
        """
        from nuriwake.learn.normalise import normalise
        from nuriwake.learn.published import label_map, respond

        labels = np.zeros(raster.shape, np.int32)
        if not raster.valid.any():
            return labels
        unit = normalise(raster.array, raster.valid, self.statistics)
        network = self.network.eval()
        height, width = raster.shape
        rows = max(1, STRIP_PIXELS // width)
        for row in range(0, height, rows):
            core = Window(row, 0, min(rows, height - row), width)
            read = core.expand(self.radius, within=raster.shape)
            strip = label_map(respond(network, unit[read.slices]), raster.valid[read.slices])
            labels[core.slices] = strip[core.relative_to(read).slices]
        return labels
