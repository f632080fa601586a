"""The hidden folder beside an output in which a run keeps what is done, so that it can go on."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import OutputError
from nuriwake.io.atomic import atomic_path
from nuriwake.io.identity import file_identity
from nuriwake.raster import LabelMap, Raster, WindowedSource
from nuriwake.scale.tile_components import TileComponents
from nuriwake.scale.tiles import Shape

#: What a fingerprint is made from.
Facts = dict[str, str | int | float | list[int]]
#: What one file of a work folder holds, by name.
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class WorkFolder:
    """Tiles that are done, under a name that holds what they depend on.

    Parameters
    ----------
    path : pathlib.Path
        ``.<output name>.<fingerprint>.work`` beside the output.
    """

    path: Path

    @classmethod
    def beside(cls, output: Path, fingerprint: str) -> WorkFolder:
        """Name the folder for an output and a fingerprint."""
        return cls(output.with_name(f".{output.name}.{fingerprint[:16]}.work"))

    def tile_path(self, index: int) -> Path:
        """Return the file of a tile."""
        return self.path / f"{index:06d}.npz"

    def start(self, tile_shape: Shape) -> Shape:
        """Create the folder, or take up the one that an interrupted run left.

        Parameters
        ----------
        tile_shape : tuple of int
            Height and width wished for.

        Returns
        -------
        tuple of int
            That of the interrupted run where there was one: its tiles can then be used.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        manifest = self.path / "plan.json"
        if manifest.exists():
            height, width = json.loads(manifest.read_text(encoding="utf-8"))["tile_shape"]
            return height, width
        with atomic_path(manifest) as temporary:
            temporary.write_text(json.dumps({"tile_shape": tile_shape}), encoding="utf-8")
        return tile_shape

    def remove(self) -> None:
        """Remove the folder and all in it; it is no error if there is none."""
        if self.path.exists():
            shutil.rmtree(self.path)

    def remove_others(self, output: Path) -> None:
        """Remove what older runs with other settings or another input left for this output."""
        for other in output.parent.glob(f".{output.name}.*.work"):
            if other != self.path:
                shutil.rmtree(other)

    def save_tile(
        self, index: int, labels: LabelMap, components: TileComponents | None, max_label: int
    ) -> None:
        """Keep the labels of a tile, and its components where they will be needed.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        arrays: Arrays = {"label_map": labels.astype(_dtype(max_label))}
        if components is not None:
            arrays |= {f.name: getattr(components, f.name) for f in fields(components)}
        self.save_arrays(self.tile_path(index), arrays)

    def save_arrays(self, path: Path, arrays: Arrays) -> None:
        """Keep arrays in one file, which appears whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            # Not compressed: it would take as long as a good part of the labelling.
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def load_labels(self, index: int) -> LabelMap:
        """Return the labels of a tile."""
        with self.open_arrays(self.tile_path(index)) as arrays:
            return arrays["label_map"].astype(np.int32)

    def load_components(self, index: int) -> TileComponents:
        """Return the components of a tile."""
        with self.open_arrays(self.tile_path(index)) as arrays:
            return TileComponents(**{f.name: arrays[f.name] for f in fields(TileComponents)})

    def open_arrays(self, path: Path) -> np.lib.npyio.NpzFile:
        """Open what :meth:`save_arrays` kept; each array is read when it is asked for.

        Raises
        ------
        OutputError
            If the file is missing or damaged.
        """
        try:
            return np.load(path)  # type: ignore[no-any-return]
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise OutputError(
                f"{path}: cannot be read back ({error}). Remove the folder and run again."
            ) from error


def _dtype(max_label: int) -> np.dtype[np.generic]:
    return np.min_scalar_type(max_label)


def fingerprint(facts: Facts) -> str:
    """Return a SHA-256 of everything that decides a result.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def source_identity(source: WindowedSource) -> str:
    """Return a digest that changes when the pixels of a source do."""
    path = getattr(source, "path", None)
    if isinstance(source, Raster):
        digest = hashlib.sha256(np.ascontiguousarray(source.array).tobytes())
        digest.update(source.valid.tobytes())
        return digest.hexdigest()
    return file_identity(Path(path)) if path else ""
