"""The cues of the recipe ``fast``, as sums: what regions look like, what lies along their borders.

Sums add over the tiles of a scene; divided by areas and lengths they are the evidence that the
merge looks at. Lengths are in pixels of the reference size, so that a photograph and its
enlargement give the same evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from nuriwake.beside import Start, later
from nuriwake.learn.view import pixel_scale
from nuriwake.regions.evidence import texton_edges, texton_surprises
from nuriwake.regions.graph import Frame, RegionGraph
from nuriwake.regions.linkage import Evidence
from nuriwake.regions.tones import sum_tones, toned
from nuriwake.settings import Settings

Floats = NDArray[np.float64]
#: Lab units that count as 1 beside a change of textons.
_COLOUR_UNIT = 10.0
#: Reference pixels from a border to where its two hands are compared.
_REACH = 8.5
#: Directions in which textons differ most: the others hardly add to a difference.
_DIRECTIONS = 16
#: Smoothing of the grid before hands are compared, in cells: of textons, of texture.
_TEXTON_SIGMA, _TEXTURE_SIGMA = 1.5, 1.0
#: Smoothing of the textons before their edges are found, in cells.
_EDGE_SIGMA = 1.0
#: The surprise, in these units, is on the whole as large as the edges of the textons.
_SURPRISE = 0.1257
#: Sums over borders; the others are over regions.
_OF_BORDERS = ("lengths", "strengths", "texton_strengths", "texton_jumps", "texture_jumps")


@dataclass(frozen=True, eq=False)
class GridCues:
    """What the coarse grid shows of an image, all of it.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q)
        Probability of each learned label in each cell.
    edges : ndarray of float32, shape (h, w)
        How fast that mixture changes, and how rarely such mixtures are neighbours: the geometric
        mean of the two.
    surfaces : tuple of ndarray of float32, shape (h, w, K)
        Smooth embeddings of the textons and of the texture, weighted: distances in them say how
        different the two hands of a border look from some way off.
    """

    textons: NDArray[np.float32]
    edges: NDArray[np.float32]
    surfaces: tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class CueSums:
    """Sums over regions (rows of the first five) and over borders (of the last five).

    Parameters
    ----------
    areas : ndarray of float64, shape (n,)
        Pixels.
    colours, textons, tones : ndarray of float64, shape (n, channels)
        Tones are a histogram of the colours.
    roughness : ndarray of float64, shape (n,)
        Colour edges inside.
    lengths : ndarray of float64, shape (E,)
        Pixel sides.
    strengths, texton_strengths : ndarray of float64, shape (E,)
        Edges of colour, edges of textons.
    texton_jumps, texture_jumps : ndarray of float64, shape (E, K)
        Change of the surfaces from the first region to the second.
    """

    areas: Floats
    colours: Floats
    textons: Floats
    tones: Floats
    roughness: Floats
    lengths: Floats
    strengths: Floats
    texton_strengths: Floats
    texton_jumps: Floats
    texture_jumps: Floats

    def evidence(self) -> Evidence:
        """Divide by areas and lengths."""
        return Evidence(
            colours=self.colours / self.areas[:, np.newaxis],
            textons=self.textons / self.areas[:, np.newaxis].astype(self.textons.dtype),
            tones=self.tones / self.areas[:, np.newaxis].astype(self.tones.dtype),
            roughness=self.roughness / self.areas,
            border=self.strengths / self.lengths,
            texton_border=self.texton_strengths / self.lengths,
            texton_jumps=self.texton_jumps / self.lengths[:, np.newaxis],
            texture_jumps=self.texture_jumps / self.lengths[:, np.newaxis],
        )


def grid_cues(
    textons: NDArray[np.float32],
    texture: NDArray[np.float32],
    settings: Settings,
    start: Start = later,
) -> GridCues:
    """Prepare what is read from the grid.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q)
        Probability of each learned label in each cell.
    texture : ndarray of float32, shape (h, w, channels)
        Of the view; no channels leave it out.
    settings : Settings
    start : callable, optional
        Of :func:`.beside.second_thread`, to share the work with.

    Returns
    -------
    GridCues
    """
    from threadpoolctl import threadpool_limits

    # On products so small, the threads of BLAS mostly wait for each other: beside another process
    # for ten times as long.
    with threadpool_limits(limits=1, user_api="blas"):
        surfaces = start(_surfaces, textons, texture, settings)
        # A change of textons counts where it is both large and rare.
        smooth = _smooth(textons, _EDGE_SIGMA)
        edges = start(texton_edges, smooth, sigma=0.0)
        surprises = texton_surprises(textons, smooth)
        changes = edges() * (np.float32(_SURPRISE) * surprises)
        return GridCues(textons, np.sqrt(changes, out=changes), surfaces())


def _surfaces(
    textons: NDArray[np.float32], texture: NDArray[np.float32], settings: Settings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    directions = _leading(np.sqrt(_smooth(textons, _TEXTON_SIGMA)), _DIRECTIONS)
    return (
        np.float32(settings.texton_contrast) * directions,
        np.float32(settings.texture_contrast) * _smooth(texture, _TEXTURE_SIGMA),
    )


def _smooth(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Smooth a grid of vectors."""
    from scipy.ndimage import gaussian_filter

    smooth: NDArray[np.float32] = gaussian_filter(field, (*(sigma,) * (field.ndim - 1), 0))
    return smooth


def sum_cues(
    graph: RegionGraph,
    colours: NDArray[np.float32],
    edges: NDArray[np.float32],
    grid: GridCues,
    settings: Settings,
    frame: Frame | None = None,
    weights: NDArray[np.float32] | None = None,
) -> CueSums:
    """Sum the cues over every region and every border.

    Parameters
    ----------
    graph : RegionGraph
    colours : ndarray of float32, shape (height, width, bands)
        Of the graph's pixels, from :func:`nuriwake.learn.view.perceptual_colours`.
    edges : ndarray of float32, shape (height, width)
        Gradient of the colours per reference pixel.
    grid : GridCues
    settings : Settings
    frame : Frame, optional
        Which part of the image the graph is of. Default: all.
    weights : ndarray of float32, shape (height, width), optional
        How much each pixel counts for colours, tones and the size of its region. Default: 1.

    Returns
    -------
    CueSums
    """
    sums = sum_colour_cues(graph, colours, edges, weights)
    return add_grid_cues(sums, graph, grid, settings, frame)


def sum_colour_cues(
    graph: RegionGraph,
    colours: NDArray[np.float32],
    edges: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
) -> CueSums:
    """Sum those cues that need no grid; parameters as in :func:`sum_cues`.

    Returns
    -------
    CueSums
        Without textons and jumps: these have no channels yet.
    """
    core = tuple(map(slice, graph.core))
    channels, low, high = toned(colours[core])
    tones = channels.reshape(-1, channels.shape[-1])
    counts = np.zeros(0, np.float32) if weights is None else weights[core].ravel()
    sums = CueSums(
        areas=graph.areas,
        colours=graph.region_sums(colours) / _COLOUR_UNIT,
        textons=np.zeros((graph.n_regions, 0)),
        tones=sum_tones(graph.base[core].ravel(), graph.n_regions, tones, counts, low, high),
        roughness=graph.region_sums(edges[..., np.newaxis] / np.float32(_COLOUR_UNIT))[:, 0],
        lengths=graph.lengths,
        strengths=sum_colour_edges(graph, edges),
        texton_strengths=np.zeros(graph.n_edges),
        texton_jumps=np.zeros((graph.n_edges, 0)),
        texture_jumps=np.zeros((graph.n_edges, 0)),
    )
    return sums if weights is None else _weighted(sums, graph, colours, weights)


def _weighted(
    sums: CueSums,
    graph: RegionGraph,
    colours: NDArray[np.float32],
    weights: NDArray[np.float32],
) -> CueSums:
    """Let pixels count by their weights in colours and sizes too."""
    each = weights[..., np.newaxis]
    areas = graph.region_sums(each)[:, 0]
    return replace(
        sums,
        areas=areas,
        colours=graph.region_sums(colours * each) / _COLOUR_UNIT,
        roughness=sums.roughness * _share(areas, graph),
    )


def _share(areas: Floats, graph: RegionGraph) -> Floats:
    """How much a region's pixels count in the mean; 0 for what is there as a far side alone."""
    return areas / np.maximum(graph.areas, 1.0)


def add_grid_cues(
    sums: CueSums,
    graph: RegionGraph,
    grid: GridCues,
    settings: Settings,
    frame: Frame | None = None,
    start: Start = later,
) -> CueSums:
    """Complete :func:`sum_colour_cues` by what the grid shows.

    Parameters
    ----------
    sums : CueSums
    graph, grid, settings, frame
        As in :func:`sum_cues`.
    start : callable, optional
        As in :func:`grid_cues`.

    Returns
    -------
    CueSums
    """
    frame = frame or graph.frame
    textons = start(graph.region_sums, grid.textons, frame)
    strengths, jumps = sum_border_cues(graph, grid, settings, frame, start)
    return replace(
        sums,
        textons=textons() * _share(sums.areas, graph)[:, np.newaxis],
        texton_strengths=strengths,
        texton_jumps=jumps[0],
        texture_jumps=jumps[1],
    )


def sum_colour_edges(graph: RegionGraph, edges: NDArray[np.float32]) -> Floats:
    """Sum the gradient of the colours along every border.

    Returns
    -------
    ndarray of float64, shape (E,)
    """
    return graph.border_sums(edges / np.float32(_COLOUR_UNIT))


def sum_border_cues(
    graph: RegionGraph,
    grid: GridCues,
    settings: Settings,
    frame: Frame,
    start: Start = later,
) -> tuple[Floats, list[Floats]]:
    """Sum the cues of the grid over every border; parameters as in :func:`add_grid_cues`.

    Returns
    -------
    strengths : ndarray of float64, shape (E,)
        Of the edges of textons.
    jumps : list of two ndarray of float64, shape (E, K)
        Of the textons and of the texture.
    """
    changes = start(graph.border_sums, grid.edges, frame)
    reach = _REACH * pixel_scale(frame.shape, frame.steps)
    jumps = graph.border_jumps(np.concatenate(grid.surfaces, axis=-1), reach, frame)
    n_directions = grid.surfaces[0].shape[-1]
    strengths = settings.texton_edges * changes()
    return strengths, np.split(jumps, [n_directions], axis=1)


def empty_sums(like: CueSums, n_regions: int, n_borders: int) -> CueSums:
    """Make sums over so many regions and borders, 0 so far, of the same channels and dtypes."""
    zeros = {}
    for field in fields(CueSums):
        each = getattr(like, field.name)
        n = n_borders if field.name in _OF_BORDERS else n_regions
        zeros[field.name] = np.zeros((n, *each.shape[1:]), each.dtype)
    return CueSums(**zeros)


def add_sums(
    totals: CueSums,
    part: CueSums,
    region: NDArray[np.integer],
    border: NDArray[np.integer],
    sign: NDArray[np.integer],
) -> None:
    """Add the sums of a part of an image to those of the whole, in place.

    Parameters
    ----------
    totals, part : CueSums
    region : ndarray of int
        The image's region, from 0, of each region of the part.
    border : ndarray of int
        The image's border of each border of the part; -1 where the image has none.
    sign : ndarray of int
        -1 for borders whose two regions have changed places, else 1.
    """
    kept = border >= 0
    for field in fields(CueSums):
        total, each = getattr(totals, field.name), getattr(part, field.name)
        if field.name not in _OF_BORDERS:
            if len(each):
                np.add.at(total, region, each)
            continue
        turned = sign[kept, np.newaxis] * each[kept] if each.ndim > 1 else each[kept]
        np.add.at(total, border[kept], turned)


def _leading(field: NDArray[np.float32], n_directions: int) -> NDArray[np.float32]:
    """Turn a field of vectors (..., q) so that the directions in which it varies most are left."""
    cells = field.reshape(-1, field.shape[-1]).astype(np.float64)
    covariance = np.cov(cells.T, bias=True).reshape(2 * field.shape[-1:])
    # In ascending order of variance.
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_directions]
    turned: NDArray[np.float32] = field @ axes.astype(np.float32)
    return turned
