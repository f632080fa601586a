"""A result in one file, from which any number of regions is cut again without training.

The file is a NumPy ``.npz`` archive of plain arrays; loading it runs no code.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import ModelError, UsageError, out_of_range
from nuriwake.io.atomic import atomic_path
from nuriwake.raster import Georeference
from nuriwake.regions.tree import LabelTree, RegionTree
from nuriwake.segmentation import Partition, Reading
from nuriwake.settings import Settings

RESULT_SUFFIX = ".npz"
#: Raised whenever an older nuriwake could not read a newer file.
FORMAT = 1

Arrays = dict[str, NDArray[np.generic]]


def save_result(path: Path, partition: Partition) -> None:
    """Write everything that is needed to cut again.

    Parameters
    ----------
    path : pathlib.Path
        Ends in ``.npz``.
    partition : Partition

    Raises
    ------
    UsageError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    if path.suffix != RESULT_SUFFIX:
        raise UsageError(out_of_range("result", f"a name that ends in {RESULT_SUFFIX}", str(path)))
    tree, labels = partition.tree, partition.label_tree
    header = {
        "format": FORMAT,
        "name": partition.name,
        "settings": partition.settings.model_dump(),
        "automatic_altitude": tree.automatic_altitude,
        "min_regions": tree.min_regions,
        "speck_pixels": tree.speck_pixels,
        "detail_unit": tree.detail_unit,
        "crs": partition.georeference.crs if partition.georeference else None,
        "transform": partition.georeference.transform if partition.georeference else None,
    }
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


def load_result(path: Path) -> Partition:
    """Read a saved result.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Partition

    Raises
    ------
    ModelError
        If the file is missing, damaged, not a result of nuriwake, or from a newer nuriwake.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file.")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if "header" not in file:
                raise ModelError(f"{path}: not a result of nuriwake. Write one with --save result.")
            arrays = {name: file[name] for name in file.files}
        return _assemble(path, arrays)
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as e:
        if isinstance(e, ModelError):
            raise
        raise ModelError(f"{path}: not a result of nuriwake, or damaged ({e}).") from e


def _assemble(path: Path, arrays: Arrays) -> Partition:
    header = json.loads(arrays["header"].tobytes())
    if header["format"] > FORMAT:
        raise ModelError(
            f"{path}: a result of format {header['format']}; this nuriwake reads up to {FORMAT}. "
            "Update it: pip install -U nuriwake"
        )
    place = header["transform"]
    return Partition(
        tree=RegionTree(
            arrays["base"].astype(np.int32),
            arrays["merges"].astype(np.int32),
            arrays["altitudes"].astype(np.float64),
            float(header["automatic_altitude"]),
            int(header["min_regions"]),
            # Results of nuriwake 0.1 know neither specks nor details.
            float(header.get("speck_pixels", 0.0)),
            float(header.get("detail_unit", header["automatic_altitude"])),
        ),
        label_tree=LabelTree(
            arrays["label_base"].astype(np.int32),
            arrays["label_merges"].astype(np.int32),
            arrays["label_altitudes"].astype(np.float64),
        ),
        own_labels=arrays["own_labels"].astype(np.int32),
        confidence=arrays["confidence"].astype(np.float32),
        picture=arrays["picture"].astype(np.uint8),
        settings=Settings.recorded(header["settings"]),
        reading=Reading(),
        georeference=Georeference(header["crs"], tuple(place)) if place else None,
        name=str(header.get("name", "")),
    )
