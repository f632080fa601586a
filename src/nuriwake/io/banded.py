"""What raster files that are read by windows have in common: bands, of which some are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from nuriwake.errors import UsageError, out_of_range
from nuriwake.raster import Georeference


@dataclass(frozen=True, kw_only=True)
class BandedFile:
    """A raster file and the bands of it that are read.

    It holds no open file, so it can be sent to other processes.

    Parameters
    ----------
    path : pathlib.Path
    bands : tuple of int
        Bands to read, in this order, numbered from 1.
    n_file_bands : int
        Bands in the file, alpha included.
    shape : tuple of int
        Height and width.
    block_shape : tuple of int
        Height and width of the file's blocks.
    dtype : str
        NumPy's name of the pixels' dtype.
    georeference : Georeference or None
    file_band_names : tuple of str
        Names of all the file's bands; empty where it has none.

    Examples
    --------
    >>> file = BandedFile(path=Path("a.tif"), bands=(1, 2), n_file_bands=2, shape=(4, 4),
    ...     block_shape=(4, 4), dtype="uint8", file_band_names=("red", "nir"))
    >>> file.select([2]).band_names
    ('nir',)
    """

    path: Path
    bands: tuple[int, ...]
    n_file_bands: int
    shape: tuple[int, int]
    block_shape: tuple[int, int]
    dtype: str
    georeference: Georeference | None = None
    file_band_names: tuple[str, ...] = ()

    @property
    def n_bands(self) -> int:
        """Number of bands that are read."""
        return len(self.bands)

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands that are read; empty where the file has none."""
        return tuple(self.file_band_names[band - 1] for band in self.bands if self.file_band_names)

    def select(self, bands: Sequence[int]) -> Self:
        """Read these bands of the file, in this order; numbered from 1.

        Raises
        ------
        UsageError
            If a band does not exist.
        """
        if not bands or not all(1 <= band <= self.n_file_bands for band in bands):
            expected = f"a list of band numbers in [1, {self.n_file_bands}] ({self.path})"
            hint = "With --channels they are counted from 0."
            raise UsageError(out_of_range("bands", expected, list(bands), hint))
        return replace(self, bands=tuple(bands))
