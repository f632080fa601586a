"""The recipe ``fast`` on rasters larger than the memory: one scene, many trees, one map of regions.

The network learns on the same coarse grid as ever, which is made from the scene at a reduced
resolution, as that of a large picture in memory is. Each tile then grows the tree of what was read
for it, core and halo, with the scene's textons and lengths, and is cut low; its leaves are joined
over the halos (:mod:`.overlaps`), and merged in one tree of the scene.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.learn.normalise import BandStatistics, band_statistics, normalise
from nuriwake.learn.overview import VIEW_PIXELS, Overview, rows_at_once, square_means, square_side
from nuriwake.learn.view import SCENE_PIXELS
from nuriwake.raster import BoolMap, LabelMap, Raster, Window, WindowedSource
from nuriwake.scale.executors import Executor, SerialExecutor
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.model import Model
    from nuriwake.recipes.training import Step
    from nuriwake.regions.cues import GridCues

#: Pixels around a core: edges are smoothed over 40 at most, and leaves are some 20 to 50 across, so
#: that both sides see those that cross a seam whole.
HALO = 96


@dataclass(frozen=True, eq=False)
class SceneTextons:
    """What a scene taught, small enough for every worker.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the scene.
    valid_share : float
        Share of its pixels that hold data.
    textons : ndarray of float32, shape (h, w, q)
        Probability of each learned label in each cell of the coarse grid.
    texture : ndarray of float32, shape (h, w, 3)
        What the view of the scene measures of its texture.
    statistics : BandStatistics
        The same for every tile.
    settings : Settings
    """

    shape: tuple[int, int]
    valid_share: float
    textons: NDArray[np.float32]
    texture: NDArray[np.float32]
    statistics: BandStatistics
    settings: Settings

    def partition(
        self,
        window: Window,
        raster: Raster,
        share: float = 1.0,
        scribbles: LabelMap | None = None,
    ) -> LabelMap:
        """Grow the tree of one window and cut it at the scene's altitude, or at a share of it.

        Parameters
        ----------
        window : Window
            Where in the scene.
        raster : Raster
            Its pixels.
        share : float
            Of the scene's altitude, in (0, 1].
        scribbles : ndarray of int32, shape (height, width), optional
            Two different labels never come into one region; 0 = not scribbled.

        Returns
        -------
        ndarray of int32, shape (height, width)
            Regions 1..n; 0 = no data.
        """
        if not raster.valid.any():
            return np.zeros(raster.shape, np.int32)
        colours, edges = self.look(raster)
        return self.grow_leaves(window, raster.valid, colours, edges, share, scribbles)

    def grow_leaves(
        self,
        window: Window,
        valid: BoolMap,
        colours: NDArray[np.float32],
        edges: NDArray[np.float32],
        share: float = 1.0,
        scribbles: LabelMap | None = None,
        most: int | None = None,
    ) -> LabelMap:
        """Partition a window as :meth:`partition` does, from its :meth:`look`.

        ``most`` is how many regions there may be: where there would be more, the cut is higher.
        """
        from nuriwake.recipes.growing import grow_tree
        from nuriwake.regions.basins import catchment_basins
        from nuriwake.regions.cues import sum_cues
        from nuriwake.regions.graph import Frame, region_graph

        if not valid.any():
            return np.zeros(valid.shape, np.int32)
        graph = region_graph(catchment_basins(edges, valid))
        frame = Frame((window.row, window.col), self.shape)
        sums = sum_cues(graph, colours, edges, self.grid, self.settings, frame)
        groups = None
        if scribbles is not None and scribbles.any():
            from nuriwake.recipes.fast import scribbled_leaves

            groups = scribbled_leaves(graph.base, scribbles)
        tree = grow_tree(graph, sums.evidence(), self.settings, groups, has_things=False)
        altitude = share * self._altitude(int(valid.sum()))
        if most is not None and tree.count_at(altitude) > most:
            return tree.cut(max(most, tree.min_regions))
        return tree.cut(altitude=altitude)

    @cached_property
    def grid(self) -> GridCues:
        """What is read from the coarse grid, prepared once."""
        from nuriwake.regions.cues import grid_cues

        return grid_cues(self.textons, self.texture, self.settings)

    def look(self, raster: Raster) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the colours of a part of the scene and their edges, per reference pixel."""
        from nuriwake.learn.view import perceptual_colours
        from nuriwake.regions.evidence import colour_edges

        colours = perceptual_colours(normalise(raster.array, raster.valid, self.statistics))
        return colours, colour_edges(colours, raster.valid, self.settings.edge_sigma, self.shape)

    def _altitude(self, n_valid: int) -> float:
        """Turn the scene's altitude into that of a part with so many valid pixels.

        Altitudes grow with areas as shares of what is segmented, to the power ``size_power``.
        """
        scene = self.shape[0] * self.shape[1] * self.valid_share
        units = min(scene, SCENE_PIXELS) / min(n_valid, SCENE_PIXELS)
        return float(self.settings.altitude * units**self.settings.size_power)


def learn_scene_steps(
    source: WindowedSource,
    settings: Settings,
    model: Model | None = None,
    max_pixels: int = VIEW_PIXELS,
    executor: Executor | None = None,
) -> Generator[Step, bool | None, SceneTextons]:
    """Train the network of the recipe ``fast`` on a scene of any size, step by step.

    Parameters
    ----------
    source : WindowedSource
    settings : Settings
    model : Model, optional
        Start from its weights and value range instead of new ones; it is left as it is.
    max_pixels : int
        Pixels of the reduced scene at most, about.
    executor : Executor, optional
        Where it is reduced. Default: in this process.

    Yields
    ------
    Step
        After each training iteration. Sending True ends the training there.

    Returns
    -------
    SceneTextons
        As the generator's return value.

    Raises
    ------
    InputError
        If the scene has no valid pixel.
    """
    from nuriwake.engine.grid_respond import respond
    from nuriwake.learn.view import coarse_view, fill_cells, perceptual_colours, texture_of
    from nuriwake.recipes.fast import texton_map
    from nuriwake.recipes.many_bands import learn_view

    array, valid = read_reduced(source, max_pixels, executor)
    if not valid.any():
        name = getattr(source, "path", None) or "the raster"
        raise InputError(f"{name}: no valid pixel.")
    statistics = model.statistics if model else band_statistics(array, valid)
    colours = perceptual_colours(normalise(array, valid, statistics))
    view, view_valid = coarse_view(colours, valid, settings.grid_cells)
    weights = yield from learn_view(view, view_valid, settings, model.weights if model else None)
    textons = texton_map(respond(weights, view), view_valid)
    texture = fill_cells(texture_of(view), view_valid)
    share = float(valid.mean())
    return SceneTextons(source.shape, share, textons, texture, statistics, settings)


def read_reduced(
    source: WindowedSource,
    max_pixels: int = VIEW_PIXELS,
    executor: Executor | None = None,
) -> tuple[NDArray[np.generic], BoolMap]:
    """Read a whole raster, if it is large at a reduced resolution.

    Parameters
    ----------
    source : WindowedSource
    max_pixels : int
        Pixels of the result at most, about.
    executor : Executor, optional
        Where a large raster is reduced. Default: in this process.

    Returns
    -------
    array : ndarray of shape (h, w, n_bands)
        Of the raster's dtype; means of the valid pixels of k x k squares where it was reduced.
    valid : ndarray of bool, shape (h, w)
        Which squares hold a valid pixel.
    """
    side = square_side(source.shape, max_pixels)
    if side == 1:
        whole = source.read(Window.full(source.shape))
        return whole.array, whole.valid
    (height, width), step = source.shape, rows_at_once(side)
    strips = [
        _Strip(source, Window(row, 0, min(step, height - row), width), side)
        for row in range(0, height, step)
    ]
    reduced = dict((executor or SerialExecutor()).run(reduce_strip, strips))
    parts = [reduced[i] for i in range(len(strips))]
    return np.concatenate([p.image for p in parts]), np.concatenate([p.valid for p in parts])


@dataclass(frozen=True, eq=False)
class _Strip:
    """Rows of a raster, to be reduced to means of squares."""

    source: WindowedSource
    window: Window
    side: int


def reduce_strip(strip: _Strip) -> Overview:
    """Reduce some rows of a raster; this is what workers run."""
    part = strip.source.read(strip.window)
    return square_means(part.array, part.valid, strip.side)
