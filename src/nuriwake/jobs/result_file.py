"""A result in one file, from which any number of regions is cut again without training.

The file is a NumPy ``.npz`` archive of plain arrays; loading it runs no code.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import ModelError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.io.faults import check_declared, check_file, reading
from nuriwake.io.header import header_settings, parse_header
from nuriwake.raster import Georeference
from nuriwake.regions.editing import Edit, EditedCut
from nuriwake.regions.soundness import check_tree
from nuriwake.regions.tree import DETAILS, LabelTree, RegionTree
from nuriwake.segmentation import Partition, Reading
from nuriwake.settings import Settings
from nuriwake.volume import Affine, check_spacing
from nuriwake.volume_segmentation import VolumePartition, shown_slices

RESULT_SUFFIX = ".npz"
#: Raised whenever an older nuriwake could not read a newer file: pictures are of 1, volumes of 2.
FORMAT = 2

_WHAT = "a result of nuriwake"
#: What the header of a volume says beside that of a picture.
_OF_VOLUMES = ("spacing", "unit", "affine")
#: The arrays of a result and the kinds of dtype that each may have.
_DTYPES: Mapping[str, str] = MappingProxyType(
    {
        "header": "u",
        "base": "iu",
        "merges": "iu",
        "altitudes": "f",
        "label_base": "iu",
        "label_merges": "iu",
        "label_altitudes": "f",
        "own_labels": "iu",
        "confidence": "f",
        "picture": "u",
    }
)

Arrays = dict[str, NDArray[np.generic]]


def save_result(path: str | Path, partition: Partition, cut: EditedCut | None = None) -> None:
    """Write everything that is needed to cut again.

    Parameters
    ----------
    path : str or pathlib.Path
        Ends in ``.npz``.
    partition : Partition
        What :func:`.segment` and :func:`.segment_volume` return.
    cut : EditedCut, optional
        How it was shown, for :func:`load_cut`.

    Raises
    ------
    UsageError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != RESULT_SUFFIX:
        raise UsageError(out_of_range("result", f"a name that ends in {RESULT_SUFFIX}", str(path)))
    tree, labels = partition.tree, partition.label_tree
    header = {
        "format": FORMAT if isinstance(partition, VolumePartition) else 1,
        "name": partition.name,
        "settings": partition.settings.model_dump(),
        "automatic_altitude": tree.automatic_altitude,
        "min_regions": tree.min_regions,
        "speck_pixels": tree.speck_pixels,
        "detail_unit": tree.detail_unit,
        "crs": partition.georeference.crs if partition.georeference else None,
        "transform": partition.georeference.transform if partition.georeference else None,
        "cut": None if cut is None else asdict(cut),
        "prefers_labels": partition.reading.prefers_labels,
        "reading": asdict(partition.reading),
    }
    if isinstance(partition, VolumePartition):
        header |= {name: getattr(partition, name) for name in _OF_VOLUMES}
    arrays: Arrays = {
        "header": np.frombuffer(json.dumps(header).encode(), np.uint8),
        "base": tree.base,
        "merges": tree.merges,
        "altitudes": tree.altitudes,
        "label_base": labels.base,
        "label_merges": labels.merges,
        "label_altitudes": labels.altitudes,
        "own_labels": partition.own_labels,
        "confidence": partition.confidence.astype(np.float16),
        "picture": partition.picture,
    }
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def load_result(path: str | Path) -> Partition:
    """Read a saved result.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Partition
        Showing the cuts that were shown; of a volume a :class:`.VolumePartition`.

    Raises
    ------
    ModelError
        If the file is missing, damaged, not a result of nuriwake, or from a newer nuriwake.

    Examples
    --------
    >>> import tempfile
    >>> from nuriwake import segment
    >>> halves = np.repeat(np.uint8([[0, 200]]), 4, axis=1)
    >>> path = f"{tempfile.mkdtemp()}/halves.npz"
    >>> save_result(path, segment(halves, max_iter=2))
    >>> load_result(path).cut(2)
    array([[1, 1, 1, 1, 2, 2, 2, 2]], dtype=int32)
    """
    path = Path(path)
    check_file(path, ModelError)
    with reading(path, _WHAT, ModelError):
        arrays = _read_arrays(path)
    if "header" not in arrays:
        raise ModelError(f"{path}: not a result of nuriwake. Write one with --save result.")
    header = parse_header(path, arrays["header"].tobytes(), _WHAT, FORMAT)
    settings = header_settings(path, header.get("settings"), _WHAT)
    with reading(path, _WHAT, ModelError):
        return _assemble(arrays, header, settings)


def load_cut(path: Path) -> EditedCut | None:
    """Read the cut that was made by hand; None where there was none.

    Raises
    ------
    ModelError
        If the file is damaged or not a result of nuriwake.
    """
    check_file(path, ModelError)
    with reading(path, _WHAT, ModelError):
        arrays = _read_arrays(path, {"header"})
        header = parse_header(path, arrays["header"].tobytes(), _WHAT, FORMAT)
        said = header.get("cut")
        return None if said is None else _parse_cut(said)


def _parse_cut(said: Mapping[str, Any]) -> EditedCut:
    n_regions, detail = said["n_regions"], said["detail"]
    if not isinstance(n_regions, int | None) or detail not in (None, *DETAILS):
        raise ValueError("its cut is neither a number of regions nor a detail")
    edits = [(edit["merge"], edit["node"]) for edit in said["edits"]]
    if not all(isinstance(merge, bool) and isinstance(node, int) for merge, node in edits):
        raise ValueError("its edits are not merges and splits of nodes")
    return EditedCut(n_regions, detail, tuple(Edit(merge, node) for merge, node in edits))


def _read_arrays(path: Path, names: Collection[str] = _DTYPES.keys()) -> Arrays:
    """Read the arrays that a result has, each as large as the archive says."""
    arrays: Arrays = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name not in names:
                continue
            check_declared(path, entry.file_size, path.stat().st_size, f"an array `{name}`")
            with archive.open(entry) as stream:
                shape, order, dtype = _array_header(stream)
                if dtype.kind not in _DTYPES[name]:
                    raise ValueError(f"its array `{name}` is of dtype {dtype}")
                n_bytes = math.prod(shape) * dtype.itemsize
                if n_bytes > entry.file_size:
                    raise ValueError(f"its array `{name}` declares {n_bytes} bytes")
                values = np.frombuffer(stream.read(n_bytes), dtype)
                arrays[name] = values.reshape(shape, order=order)
    return arrays


def _array_header(
    stream: IO[bytes],
) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[np.generic]]:
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    shape, is_fortran, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("its arrays are not as nuriwake writes them")
    # NumPy keeps the order of an array in memory, such as that of a picture of one row.
    return shape, "F" if is_fortran else "C", dtype


def _assemble(arrays: Arrays, header: Mapping[str, Any], settings: Settings) -> Partition:
    automatic = float(header["automatic_altitude"])
    tree = RegionTree(
        arrays["base"].astype(np.int32),
        arrays["merges"].astype(np.int32),
        arrays["altitudes"].astype(np.float64),
        automatic,
        int(header["min_regions"]),
        # Results of nuriwake 0.1 know neither specks nor details.
        float(header.get("speck_pixels", 0.0)),
        float(header.get("detail_unit", automatic)),
    )
    label_tree = LabelTree(
        arrays["label_base"].astype(np.int32),
        arrays["label_merges"].astype(np.int32),
        arrays["label_altitudes"].astype(np.float64),
    )
    check_tree(tree)
    check_tree(label_tree)
    own_labels = arrays["own_labels"].astype(np.int32)
    confidence = arrays["confidence"].astype(np.float32)
    picture = arrays["picture"].astype(np.uint8)
    partition = Partition(
        tree=tree,
        label_tree=label_tree,
        own_labels=own_labels,
        confidence=confidence,
        picture=picture,
        settings=settings,
        reading=_parse_reading(header, tree, label_tree),
        georeference=_place(header),
        name=str(header.get("name", "")),
    )
    is_volume = header["format"] > 1
    _check_maps(partition, is_volume)
    return _as_volume(partition, header) if is_volume else partition


def _check_maps(partition: Partition, is_volume: bool) -> None:
    trees, own_labels = (partition.tree, partition.label_tree), partition.own_labels
    maps = (*(tree.base for tree in trees), own_labels, partition.confidence)
    seen = own_labels.shape
    if is_volume:
        seen = (len(shown_slices(seen[0])), *seen[1:])
    is_one_size = len({one.shape for one in maps}) == 1 and partition.picture.shape == (*seen, 3)
    if not is_one_size or own_labels.ndim != 2 + is_volume:
        raise ValueError("its maps are not of one size")
    most = partition.settings.max_labels
    if own_labels.min() < 0 or own_labels.max() > most:
        raise ValueError(f"its labels are not in [0, {most}]")


def _as_volume(partition: Partition, header: Mapping[str, Any]) -> VolumePartition:
    kept = {field.name: getattr(partition, field.name) for field in fields(Partition)}
    unit, rows = header["unit"], header["affine"]
    affine: Affine | None = None if rows is None else tuple(tuple(map(float, r)) for r in rows)
    if not isinstance(unit, str) or (affine and np.array(affine).shape != (4, 4)):
        raise ValueError("its unit is no text, or its place not four rows of four numbers")
    try:
        spacing = check_spacing(header["spacing"])
    except UsageError as error:
        raise ValueError(str(error)) from error
    return VolumePartition(**kept, spacing=spacing, unit=unit, affine=affine)


def _parse_reading(header: Mapping[str, Any], tree: RegionTree, labels: LabelTree) -> Reading:
    # Results of nuriwake 0.1 do not say which cuts were shown.
    shows_labels = header.get("prefers_labels") is True
    said = header.get("reading") or asdict(Reading(prefers_labels=shows_labels))
    reading = Reading(said["n_regions"], said["n_labels"], said["prefers_labels"], said["detail"])
    counts = ((reading.n_regions, tree), (reading.n_labels, labels))
    are_fine = all(
        n is None or (type(n) is int and of.min_regions <= n <= of.n_leaves) for n, of in counts
    )
    if not are_fine or reading.detail not in (None, *DETAILS):
        raise ValueError("the cuts that it shows are none of its trees")
    if not isinstance(reading.prefers_labels, bool):
        raise ValueError("it does not say whether it shows labels")
    return reading


def _place(header: Mapping[str, Any]) -> Georeference | None:
    crs, transform = header["crs"], header["transform"]
    if transform is None:
        return None
    numbers = tuple(map(float, transform))
    if len(numbers) != 6 or not all(map(math.isfinite, numbers)):
        raise ValueError("its place on the ground is not six numbers")
    if crs is not None and not isinstance(crs, str):
        raise ValueError("its coordinate reference system is no text")
    return Georeference(crs, (numbers[0], *numbers[1:5], numbers[5]))
