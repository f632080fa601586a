"""The files that a map of any size is written to, from the tiles that are done."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import OutputError, UsageError
from nuriwake.io.geotiff import read_tags, write_label_geotiff
from nuriwake.io.image import MAX_IN_PNG, write_labels
from nuriwake.io.label_zarr import write_label_zarr
from nuriwake.io.moments import MapTile
from nuriwake.io.vector import write_polygons
from nuriwake.io.zarr import ZARR_SUFFIX, read_zarr_tags
from nuriwake.raster import LabelMap, Window, WindowedSource
from nuriwake.scale.seams import MAX_INT32, Numbering
from nuriwake.scale.tile_components import label_components
from nuriwake.scale.tiles import TilePlan
from nuriwake.scale.workfolder import WorkFolder

#: What to do where results are there already; ``continue`` also takes what an unfinished run did.
Existing = Literal["refuse", "resume", "overwrite", "continue"]
RUN_TAG = "NURIWAKE_RUN"


@dataclass(frozen=True)
class MosaicOutputs:
    """The files to write.

    Parameters
    ----------
    labels : pathlib.Path, optional
        The labels: a GeoTIFF, a folder that ends in ``.zarr``, or, of what fits the memory, a PNG.
    regions : pathlib.Path, optional
        The regions, likewise.
    polygons : pathlib.Path, optional
        The regions as polygons: ``.gpkg``, ``.geojson`` or ``.fgb``.
    beside : pathlib.Path, optional
        Where the run keeps its work. Default: beside the first file.

    Raises
    ------
    ValueError
        If there is none.
    """

    labels: Path | None = None
    regions: Path | None = None
    polygons: Path | None = None
    beside: Path | None = None

    def __post_init__(self) -> None:
        if not self.paths and self.beside is None:
            raise ValueError("labels, regions or polygons must be written")

    @property
    def anchor(self) -> Path:
        """The file beside which the run keeps its work."""
        return self.beside or self.paths[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file."""
        return tuple(path for path in (self.labels, self.regions, self.polygons) if path)

    @property
    def has_regions(self) -> bool:
        """Whether the components of the labels are needed."""
        return self.regions is not None or self.polygons is not None


class DoneMap(Protocol):
    """A map whose tiles are done; each method yields one map, tile by tile."""

    @property
    def source(self) -> WindowedSource:
        """The input."""

    @property
    def plan(self) -> TilePlan:
        """Its tiles."""

    @property
    def folder(self) -> WorkFolder:
        """Where the tiles are kept."""

    @property
    def n_labels(self) -> int:
        """The largest label that may occur."""

    @property
    def n_regions(self) -> int:
        """The number of regions; 0 where they are not known."""

    def count_labels(self) -> int:
        """Count the labels in use."""

    def labels(self) -> Iterator[tuple[Window, LabelMap]]:
        """Yield the labels."""

    def regions(self) -> Iterator[tuple[Window, NDArray[np.integer]]]:
        """Yield the regions, of int32 or, where there are too many, of int64."""

    def map_tiles(self) -> Iterator[MapTile]:
        """Yield regions, labels and bands, for the polygons."""


@dataclass(frozen=True, eq=False)
class LabelledTiles:
    """The labels of a model, and their 4-connected components as regions.

    Parameters
    ----------
    source : WindowedSource
        The input.
    plan : TilePlan
    folder : WorkFolder
        Where the tiles are kept.
    n_labels : int
    numbering : Numbering or None
        None where regions are not wanted and nothing was sieved.
    """

    source: WindowedSource
    plan: TilePlan
    folder: WorkFolder
    n_labels: int
    numbering: Numbering | None

    @property
    def n_regions(self) -> int:
        """The number of regions; 0 where they are not known."""
        return self.numbering.n_regions if self.numbering else 0

    def count_labels(self) -> int:
        """Count the labels in use."""
        used = np.zeros(self.n_labels + 1, bool)
        for _, labels in self.labels():
            used[np.unique(labels)] = True
        return int(used[1:].sum())

    def labels(self) -> Iterator[tuple[Window, LabelMap]]:
        """Yield the labels of each tile, sieved where that was asked for."""
        for tile in self.plan:
            labels = self.folder.load_labels(tile.index)
            if self.numbering is not None:
                _, label_of = self.numbering.lookup(tile.index)
                labels = label_of[label_components(labels)]
            yield tile.core, labels

    def regions(self) -> Iterator[tuple[Window, NDArray[np.integer]]]:
        """Yield the regions of each tile."""
        for tile in self.plan:
            region_of, _ = self._numbered().lookup(tile.index)
            yield tile.core, region_of[label_components(self.folder.load_labels(tile.index))]

    def map_tiles(self) -> Iterator[MapTile]:
        """Yield regions, labels and bands of each tile, for the polygons."""
        for tile in self.plan:
            ids = label_components(self.folder.load_labels(tile.index))
            region_of, label_of = self._numbered().lookup(tile.index)
            bands = self.source.read(tile.core).array
            yield MapTile(tile.core, region_of[ids].astype(np.int32), label_of[ids], bands)

    def _numbered(self) -> Numbering:
        if self.numbering is None:
            raise ValueError("the components were not numbered")
        return self.numbering


#: Gives finished files, by kind, their final names.
Publish = Callable[[Mapping[str, Path], DoneMap], None]


def write_products(
    outputs: MosaicOutputs,
    done: DoneMap,
    tolerance: float,
    run: str,
    publish: Publish | None = None,
) -> None:
    """Write each result in the work folder, then rename all: a killed run shows none of them.

    Parameters
    ----------
    outputs : MosaicOutputs
    done : DoneMap
    tolerance : float
        How much the polygons' borders may be simplified, in pixels.
    run : str
        Fingerprint, kept in the rasters' tags for :func:`holds_results`.
    publish : callable, optional
        Gives the finished files their names. Default: they replace what is there.

    Raises
    ------
    UsageError
        If a PNG cannot hold so many regions.
    OutputError
        If a file cannot be written.
    """
    for path, number in ((outputs.regions, done.n_regions), (outputs.labels, done.n_labels)):
        if path is not None and _is_png(path) and number > MAX_IN_PNG:
            raise UsageError(
                f"{path}: a PNG holds at most {MAX_IN_PNG} regions; there are {number}. Give -o a "
                "name that ends in .tif, or a larger --min-area."
            )
    finished: dict[str, Path] = {}
    if outputs.polygons is not None:
        if done.n_regions > MAX_INT32:
            raise OutputError(
                f"{outputs.polygons}: polygons have ids up to {MAX_INT32}; there are "
                f"{done.n_regions} regions. Give a larger --min-area, or a raster of regions alone."
            )
        finished["polygons"] = inner = _inner(done, "polygons", outputs.polygons)
        place = done.source.georeference
        write_polygons(inner, done.map_tiles(), done.plan.shape, place, tolerance=tolerance)
    if outputs.regions is not None:
        finished["regions"] = inner = _inner(done, "regions", outputs.regions)
        _write_map(inner, done, done.regions(), done.n_regions, run)
    if outputs.labels is not None:
        finished["labels"] = inner = _inner(done, "labels", outputs.labels)
        _write_map(inner, done, done.labels(), done.n_labels, run)
    if publish is not None:
        publish(finished, done)
        return
    for kind, inner in finished.items():
        final: Path = getattr(outputs, kind)
        if final.is_dir():
            shutil.rmtree(final)
        inner.replace(final)


def _inner(done: DoneMap, kind: str, final: Path) -> Path:
    """Name the file of a kind in the work folder, free of what a killed run left there."""
    inner = done.folder.path / f"{kind}{final.suffix}"
    if inner.is_dir():
        shutil.rmtree(inner)
    return inner


def _is_png(path: Path) -> bool:
    return path.suffix.lower() == ".png"


def _write_map(
    path: Path,
    done: DoneMap,
    blocks: Iterator[tuple[Window, NDArray[np.integer]]],
    max_label: int,
    run: str,
) -> None:
    if _is_png(path):  # of a picture that fits the memory
        whole = np.zeros(done.plan.shape, np.uint16)
        for window, part in blocks:
            whole[window.slices] = part
        write_labels(path, whole)
        return
    write = write_label_zarr if path.suffix == ZARR_SUFFIX else write_label_geotiff
    write(
        path,
        done.plan.shape,
        blocks,
        max_label=max_label,
        georeference=done.source.georeference,
        tags={RUN_TAG: run},
    )


def holds_results(outputs: MosaicOutputs, run: str, existing: Existing) -> bool:
    """Tell whether the results are there and belong to this run.

    Raises
    ------
    UsageError
        If results are there and ``existing`` is ``refuse``, or they are of another run.
    """
    there = [path for path in outputs.paths if path.exists()]
    if not there or existing in ("overwrite", "continue"):
        return False
    if existing == "refuse":
        raise UsageError(f"{there[0]}: exists already. Give --resume or --overwrite.")
    # Polygons are renamed first, so that they are there, and of this run, if the rasters are.
    rasters = [path for path in there if path != outputs.polygons]
    foreign = [path for path in rasters if _run_of(path) != run]
    if foreign:
        raise UsageError(
            f"{foreign[0]}: was made from another input or with other settings. Give --overwrite "
            "to replace it."
        )
    # Polygons alone do not tell which run they are of.
    return bool(rasters) and len(there) == len(outputs.paths)


def _run_of(path: Path) -> str | None:
    """Return the fingerprint of the run that made a raster; None where nuriwake did not."""
    tags = read_zarr_tags(path) if path.suffix == ZARR_SUFFIX else read_tags(path)
    return tags.get(RUN_TAG)
