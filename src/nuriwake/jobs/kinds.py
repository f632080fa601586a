"""The kinds of result: one table of what each is called, which files hold it, and who writes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from nuriwake.errors import UsageError, out_of_range, require
from nuriwake.io.suffix import suffix_of

if TYPE_CHECKING:
    from nuriwake.segmentation import Partition

TIFF = (".tif", ".tiff")
ZARR = ".zarr"
NIFTI = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Kind:
    """One kind of result.

    Parameters
    ----------
    name : str
    suffixes : tuple of str
        What the name of its file may end in, the usual one first.
    write : callable
        Writes it from a partition in memory.
    holds_ids : bool
        Whether its pixels are ids, which must be kept exactly and keep their place on the ground.
    from_tiles : bool
        Whether it can be written tile by tile, from a raster beyond the memory.
    from_result : bool
        Whether ``cut`` reads it from a saved result.
    from_model : bool
        Whether ``apply`` writes it.
    needs : pair of str, optional
        A package that its writer needs, and the extra that brings it.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Path, Partition], None]
    holds_ids: bool = False
    from_tiles: bool = False
    from_result: bool = True
    from_model: bool = False
    needs: tuple[str, str] | None = None

    @property
    def suffix(self) -> str:
        """What its file ends in unless told otherwise."""
        return self.suffixes[0]


def _write_labels(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.writers import write_label_map

    write_label_map(path, partition.labels, partition.georeference)


def _write_regions(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.writers import write_label_map

    write_label_map(path, partition.regions, partition.georeference)


def _write_overlay(path: Path, partition: Partition) -> None:
    from nuriwake.io.image import write_picture

    write_picture(path, partition.overlay())


def _write_contours(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.writers import finite, write_float_map

    write_float_map(path, finite(partition.tree.contours()))


def _write_confidence(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.writers import write_float_map

    write_float_map(path, partition.confidence)


def _write_polygons(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.writers import write_region_polygons

    write_region_polygons(path, partition)


def _write_result(path: Path, partition: Partition) -> None:
    from nuriwake.jobs.result_file import save_result

    save_result(path, partition)


def _annotates(form: str) -> Callable[[Path, Partition], None]:
    def write(path: Path, partition: Partition) -> None:
        from nuriwake.jobs.annotations import write_annotation

        write_annotation(path, partition, form)

    return write


#: What maps of ids of a picture may be written as.
PICTURE_IDS = (".png", *TIFF, ZARR)
_IDS = (*PICTURE_IDS, *NIFTI)
_VECTOR = (".gpkg", ".geojson", ".fgb")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind("labels", _IDS, _write_labels, holds_ids=True, from_tiles=True, from_model=True),
            Kind("regions", _IDS, _write_regions, holds_ids=True, from_tiles=True, from_model=True),
            Kind("overlay", (".png",), _write_overlay, from_model=True),
            Kind("contours", TIFF, _write_contours),
            Kind("confidence", TIFF, _write_confidence),
            Kind("polygons", _VECTOR, _write_polygons, from_tiles=True, from_model=True),
            Kind("result", (".npz",), _write_result, from_result=False),
            Kind("coco", (".json",), _annotates("coco")),
            Kind("coco-polygons", (".json",), _annotates("coco-polygons")),
            Kind("labelme", (".json",), _annotates("labelme")),
            Kind("label-studio", (".json",), _annotates("label-studio")),
            Kind("label-studio-polygons", (".json",), _annotates("label-studio-polygons")),
            Kind("cvat", (".xml",), _annotates("cvat")),
            Kind("yolo", (".txt",), _annotates("yolo")),
            Kind("imagej", (".zip",), _annotates("imagej"), needs=("roifile", "annotate")),
            Kind("qupath", (".geojson",), _annotates("qupath")),
            Kind("voc", (".png",), _annotates("voc")),
        )
    }
)
#: What can be written tile by tile.
TILED_KINDS = tuple(kind.name for kind in KINDS.values() if kind.from_tiles)
#: What ``cut`` can read from a saved result.
CUT_KINDS = tuple(kind.name for kind in KINDS.values() if kind.from_result)
#: What ``apply`` can write.
APPLY_KINDS = tuple(kind.name for kind in KINDS.values() if kind.from_model)


def parse_kinds(text: str, among: Collection[str] = tuple(KINDS)) -> tuple[str, ...]:
    """Read the value of ``--save``.

    Parameters
    ----------
    text : str
        Kinds, separated by commas.
    among : collection of str
        The kinds that the command can write.

    Returns
    -------
    tuple of str

    Raises
    ------
    UsageError
        If a kind is unknown or none is given.
    MissingDependencyError
        If a package that a kind needs is not installed.

    Examples
    --------
    >>> parse_kinds("labels, overlay")
    ('labels', 'overlay')
    """
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",") if kind.strip()))
    if not kinds or not set(kinds) <= set(among):
        expected = f"a comma-separated list of {', '.join(among)}"
        raise UsageError(out_of_range("--save", expected, text))
    for kind in kinds:
        if needs := KINDS[kind].needs:
            require(needs[0], extra=needs[1])
    return kinds


def check_name(kind: str, path: Path) -> None:
    """Refuse a name that says something else than what the file will hold.

    Raises
    ------
    UsageError
        If the suffix is none of the kind's.

    Examples
    --------
    >>> check_name("overlay", Path("a.png"))
    """
    suffixes = KINDS[kind].suffixes
    if suffix_of(path).lower() not in suffixes:
        hint = "Other formats would change the labels." if KINDS[kind].holds_ids else ""
        expected = f"a name that ends in {' or '.join(suffixes)} for {kind}"
        raise UsageError(out_of_range("-o", expected, str(path), hint))
