"""A model and a file of any size: what the command ``apply`` does for large rasters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nuriwake.io.ground import minimum_pixels
from nuriwake.io.sources import open_source
from nuriwake.scale.executors import choose_executor
from nuriwake.scale.memory import default_memory, fits_in_memory, parse_bytes
from nuriwake.scale.mosaic import MosaicOptions, MosaicReport, Progress, apply_model
from nuriwake.scale.products import Existing, MosaicOutputs

if TYPE_CHECKING:
    from nuriwake.model import Model


@dataclass(frozen=True)
class ScaleFlags:
    """How to run, as a user types it.

    Parameters
    ----------
    memory : str
        ``--memory``, such as ``2G``; empty for half of what is free.
    workers : int
        ``--workers``: processes on this machine.
    scheduler : str or None
        ``--scheduler``: address of a Dask scheduler, or ``local``.
    min_area : str
        ``--min-area``: the minimum mapping unit in pixels (``20``) or on the ground (``2ha``).
    tolerance : float
        ``--tolerance``: how much polygons may be simplified, in pixels.
    existing : str
        ``resume`` for ``--resume``, ``overwrite`` for ``--overwrite``, else ``refuse``.
    """

    memory: str = ""
    workers: int = 1
    scheduler: str | None = None
    min_area: str = "1"
    tolerance: float = 0.0
    existing: Existing = "refuse"

    @property
    def memory_bytes(self) -> int:
        """The memory in bytes."""
        return parse_bytes(self.memory) if self.memory else default_memory()


def apply_to_file(
    model: Model,
    path: Path,
    outputs: MosaicOutputs,
    flags: ScaleFlags | None = None,
    *,
    bands: tuple[int, ...] = (),
    on_progress: Progress | None = None,
) -> MosaicReport:
    """Label a raster file of any size with a trained model.

    Parameters
    ----------
    model : Model
    path : pathlib.Path
        GeoTIFF, OME-Zarr, or whatever else GDAL reads.
    outputs : MosaicOutputs
    flags : ScaleFlags, optional
    bands : tuple of int, optional
        Bands to read, numbered from 1. Default: all but an alpha band.
    on_progress : callable, optional
        Called with the tiles done and all tiles.

    Returns
    -------
    MosaicReport

    Raises
    ------
    UsageError
        If a flag is out of its range or results are there already.
    InputError
        If the file cannot be read, or its CRS does not tell the area asked for.
    OutputError
        If a result cannot be written.
    """
    flags = flags or ScaleFlags()
    source = open_source(path, bands)
    options = MosaicOptions(
        memory=flags.memory_bytes,
        min_pixels=minimum_pixels(flags.min_area, source.georeference, source.shape, path),
        tolerance=flags.tolerance,
        existing=flags.existing,
        threads=model.settings.threads,
    )
    with choose_executor(flags.workers, flags.scheduler) as executor:
        return apply_model(
            model, source, outputs, options, executor=executor, on_progress=on_progress
        )


def needs_tiles(path: Path, memory: int, n_channels: int, n_labels: int) -> bool:
    """Tell whether training on a whole file and labelling it would not fit the memory.

    Parameters
    ----------
    path : pathlib.Path
    memory : int
        Bytes.
    n_channels, n_labels : int
        Of the network.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    source = open_source(path)
    height, width = source.shape
    return not fits_in_memory(memory, height * width, source.n_bands, n_channels, n_labels)
