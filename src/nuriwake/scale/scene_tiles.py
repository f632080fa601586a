"""What workers do with each tile of a scene: divide it into leaves, measure them, match its seams.

A tile is read once. Its leaves have numbers of their own, those of the core first; what is
measured of them goes into the work folder beside their map, so that the scene's tree is grown
without looking at a pixel again. The seams are measured by a second task, which knows both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.raster import LabelMap, WindowedSource
from nuriwake.regions.cues import CueSums
from nuriwake.regions.graph import Frame
from nuriwake.regions.parts import PartSums, sum_part, sum_seam
from nuriwake.scale.overlaps import JoinedRegions, join_regions, match_over_seam
from nuriwake.scale.tiles import Seam, Tile, TilePlan
from nuriwake.scale.trees import SceneTextons
from nuriwake.scale.workfolder import Arrays, WorkFolder

if TYPE_CHECKING:
    # It knows scribbles, and those PyTorch, which workers would take seconds and memory to load.
    from nuriwake.io.drawn import DrawnLabels

#: The share of the scene's altitude at which tiles are cut into leaves, well below that of `fine`:
#: what is merged there is merged by all workers at once, and not by the scene's tree.
LEAF_SHARE = 0.1
#: A scene has so many leaves at most (one more for each tile that has less than one's share),
#: given to its tiles as their cores have pixels, and the tree holds some 4 kB of each: tiles that
#: would have more are cut higher.
MAX_LEAVES = 200_000
#: Changes with what is kept of a tile, so that a run takes up only what it understands.
LEAF_FORMAT = 4
#: What is kept in single precision: histograms, which are most of what is kept.
_SINGLE = ("textons", "tones")


@dataclass(frozen=True, eq=False)
class SceneJob:
    """What a worker needs for one tile."""

    scene: SceneTextons
    source: WindowedSource
    plan: TilePlan
    folder: WorkFolder
    drawn: DrawnLabels | None
    index: int

    @property
    def tile(self) -> Tile:
        """The tile."""
        return self.plan[self.index]


def find_leaves(job: SceneJob) -> None:
    """Cut the tree of one tile low, measure the parts of its core, and keep both."""
    tile, scene = job.tile, job.scene
    raster = job.source.read(tile.read)
    drawn = None if job.drawn is None else job.drawn.read(tile.read)
    colours, edges = scene.look(raster)
    height, width = scene.shape
    most = max(1, MAX_LEAVES * tile.core.height * tile.core.width // (height * width))
    leaves = scene.grow_leaves(tile.read, raster.valid, colours, edges, LEAF_SHARE, drawn, most)
    inside = tile.core_in_read.slices
    leaves = _core_first(leaves, leaves[inside])
    core = leaves[inside]
    frame = Frame((tile.core.row, tile.core.col), scene.shape)
    part = sum_part(
        core, core.shape, colours[inside], edges[inside], scene.grid, scene.settings, frame
    )
    kept = _arrays_of(part) | _faces(tile, edges)
    if job.drawn is not None and drawn is not None:
        kept["drawn"] = _count_drawn(core, drawn[inside], part.ids.size, job.drawn)
    n_leaves = int(leaves.max(initial=0))
    kept["label_map"] = leaves.astype(np.min_scalar_type(n_leaves))
    job.folder.save_arrays(job.folder.tile_path(tile.index), kept)


def match_seams(job: SceneJob) -> None:
    """Match the leaves on both sides of a tile's lower and right seam, and measure the borders."""
    kept: Arrays = {}
    leaves = job.folder.load_labels(job.index)
    with job.folder.open_arrays(job.folder.tile_path(job.index)) as arrays:
        n_leaves = arrays["ids"].size
        faces = {name: arrays[name] for name in ("below", "beside")}
    for seam in job.plan.seams_after(job.index):
        name = "below" if seam.is_horizontal else "beside"
        other = job.folder.load_labels(seam.second)
        kept[f"{name}_matches"] = match_over_seam(job.plan, seam, leaves, other)
        part = _measure_seam(job, seam, leaves, other, n_leaves, faces[name])
        kept |= _arrays_of(part, f"{name}_")
    job.folder.save_arrays(seams_path(job.folder, job.index), kept)


def seams_path(folder: WorkFolder, index: int) -> Path:
    """Return the file of a tile's seams."""
    return folder.path / f"{index:06d}.seams.npz"


def join_leaves(plan: TilePlan, folder: WorkFolder) -> JoinedRegions:
    """Decide which leaves of all tiles are one, from the matches that workers found.

    The matches are few, a handful for each seam, so that one union of them all takes milliseconds.
    """
    counts, matches = [], []
    for tile in plan:
        with folder.open_arrays(folder.tile_path(tile.index)) as arrays:
            counts.append(arrays["ids"].size)
        with folder.open_arrays(seams_path(folder, tile.index)) as arrays:
            for seam in plan.seams_after(tile.index):
                name = "below" if seam.is_horizontal else "beside"
                matches.append((seam.first, seam.second, arrays[f"{name}_matches"]))
    return join_regions(counts, matches)


@dataclass(frozen=True, eq=False)
class SceneParts:
    """What was measured of all tiles and all seams, with the joined numbers; read as it is used."""

    plan: TilePlan
    folder: WorkFolder
    joined: JoinedRegions

    def __iter__(self) -> Iterator[PartSums]:
        for tile in self.plan:
            table = self.joined.table(tile.index)
            with self.folder.open_arrays(self.folder.tile_path(tile.index)) as arrays:
                part = _part_of(arrays)
            yield PartSums(table[part.ids], table[part.pairs], part.sums)
            with self.folder.open_arrays(seams_path(self.folder, tile.index)) as arrays:
                for seam in self.plan.seams_after(tile.index):
                    part = _part_of(arrays, "below_" if seam.is_horizontal else "beside_")
                    ends = table[part.pairs[:, 0]], self.joined.table(seam.second)[part.pairs[:, 1]]
                    yield PartSums(part.ids, np.stack(ends, axis=1), part.sums)

    def drawn(self, n_names: int) -> NDArray[np.int64]:
        """Count the pixels of each drawn label in each leaf of the scene."""
        counts = np.zeros((self.joined.n_regions, n_names), np.int64)
        for tile in self.plan:
            with self.folder.open_arrays(self.folder.tile_path(tile.index)) as arrays:
                np.add.at(counts, self.joined.table(tile.index)[arrays["ids"]] - 1, arrays["drawn"])
        return counts


def _core_first(leaves: LabelMap, core: LabelMap) -> LabelMap:
    """Give the leaves that lie in the core the numbers from 1, those in the halo alone the rest."""
    inside = np.zeros(int(leaves.max(initial=0)) + 1, bool)
    inside[np.unique(core)] = True
    inside[0] = False
    number = np.where(inside, np.cumsum(inside), inside.sum() + np.cumsum(~inside) - 1)
    number[0] = 0
    return number.astype(np.int32)[leaves]


def _faces(tile: Tile, edges: NDArray[np.float32]) -> Arrays:
    """Edges of the two lines along each seam that this tile is the first of."""
    rows, cols = tile.core_in_read.slices
    return {
        "below": edges[rows.stop - 1 : rows.stop + 1, cols],
        "beside": edges[rows, cols.stop - 1 : cols.stop + 1],
    }


def _measure_seam(
    job: SceneJob,
    seam: Seam,
    leaves: LabelMap,
    other: LabelMap,
    n_leaves: int,
    face: NDArray[np.float32],
) -> PartSums:
    """Sum up the borders along a seam; pairs are of a leaf of the first tile and of the second."""
    first, second = job.plan[seam.first], job.plan[seam.second]
    before = leaves[seam.before.relative_to(first.read).slices].ravel()
    after = other[seam.after.relative_to(second.read).slices].ravel()
    # The second tile's numbers after the first's: the order of each pair stays.
    part = sum_seam(
        before,
        np.where(after > 0, after + n_leaves, 0),
        0 if seam.is_horizontal else 1,
        face,
        job.scene.grid,
        job.scene.settings,
        Frame((seam.before.row, seam.before.col), job.scene.shape),
    )
    return PartSums(part.ids, part.pairs - np.array([0, n_leaves]), part.sums)


def _count_drawn(
    leaves: LabelMap, labels: LabelMap, n_leaves: int, drawn: DrawnLabels
) -> NDArray[np.int64]:
    """Count the pixels of each drawn label in each leaf of a core."""
    names = np.array(sorted(drawn.sizes), np.int32)
    counts = np.zeros((n_leaves, names.size), np.int64)
    is_drawn = (labels > 0) & (leaves > 0)
    place = leaves[is_drawn] - 1, np.searchsorted(names, labels[is_drawn])
    np.add.at(counts, place, 1)
    return counts


def _arrays_of(part: PartSums, prefix: str = "") -> Arrays:
    sums = {field.name: getattr(part.sums, field.name) for field in fields(CueSums)}
    sums |= {name: sums[name].astype(np.float32) for name in _SINGLE}
    sums |= {"ids": part.ids, "pairs": part.pairs}
    return {prefix + name: each for name, each in sums.items()}


def _part_of(arrays: np.lib.npyio.NpzFile, prefix: str = "") -> PartSums:
    sums = CueSums(**{field.name: arrays[prefix + field.name] for field in fields(CueSums)})
    return PartSums(arrays[f"{prefix}ids"], arrays[f"{prefix}pairs"], sums)
