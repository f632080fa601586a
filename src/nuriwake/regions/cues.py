"""The cues of the recipe ``fast``, as sums: what regions look like, what lies along their borders.

Sums add over the tiles of a scene; divided by areas and lengths they are the evidence that the
merge looks at. Lengths are in pixels of the reference size, so that a photograph and its
enlargement give the same evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from nuriwake.compiled import compiled
from nuriwake.learn.view import pixel_scale
from nuriwake.regions.evidence import texton_edges, texton_surprises
from nuriwake.regions.graph import Frame, RegionGraph
from nuriwake.regions.merging import Evidence
from nuriwake.settings import Settings

Floats = NDArray[np.float64]
#: Lab units that count as 1 beside a change of textons.
_COLOUR_UNIT = 10.0
#: Ranges of the histograms of L, a and b: what photographs fill.
_LAB_LOW, _LAB_HIGH = (0.0, -40.0, -50.0), (100.0, 50.0, 60.0)
#: Places of a histogram.
_TONES = 12
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
_OF_BORDERS = ("lengths", "strengths", "texton_jumps", "texture_jumps")


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
    """Sums over regions (rows of the first five) and over borders (of the last four).

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
    strengths : ndarray of float64, shape (E,)
        Edges of colour and of textons.
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
            texton_jumps=self.texton_jumps / self.lengths[:, np.newaxis],
            texture_jumps=self.texture_jumps / self.lengths[:, np.newaxis],
        )


def grid_cues(
    textons: NDArray[np.float32], texture: NDArray[np.float32], settings: Settings
) -> GridCues:
    """Prepare what is read from the grid.

    Parameters
    ----------
    textons : ndarray of float32, shape (h, w, q)
        Probability of each learned label in each cell.
    texture : ndarray of float32, shape (h, w, channels)
        Of the view; no channels leave it out.
    settings : Settings

    Returns
    -------
    GridCues
    """
    from scipy.ndimage import gaussian_filter

    n_axes = textons.ndim - 1
    smooth = gaussian_filter(textons, (*(_TEXTON_SIGMA,) * n_axes, 0))
    directions = _leading(np.sqrt(smooth), _DIRECTIONS)
    smooth_texture = gaussian_filter(texture, (*(_TEXTURE_SIGMA,) * n_axes, 0))
    surfaces = (
        np.float32(settings.texton_contrast) * directions,
        np.float32(settings.texture_contrast) * smooth_texture,
    )
    # A change of textons counts where it is both large and rare.
    changes = texton_edges(textons, _EDGE_SIGMA)
    changes *= np.float32(_SURPRISE) * texton_surprises(textons, _EDGE_SIGMA)
    return GridCues(textons, np.sqrt(changes, out=changes), surfaces)


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
    frame = frame or graph.frame
    core = tuple(map(slice, graph.core))
    channels, low, high = _toned(colours[core])
    tones = channels.reshape(-1, channels.shape[-1])
    counts = np.zeros(0, np.float32) if weights is None else weights[core].ravel()
    strengths, jumps = sum_border_cues(graph, edges, grid, settings, frame)
    roughness = graph.region_sums(edges[..., np.newaxis] / np.float32(_COLOUR_UNIT))[:, 0]
    sums = CueSums(
        areas=graph.areas,
        colours=graph.region_sums(colours) / _COLOUR_UNIT,
        textons=graph.region_sums(grid.textons, frame),
        tones=sum_tones(graph.base[core].ravel(), graph.n_regions, tones, counts, low, high),
        roughness=roughness,
        lengths=graph.lengths,
        strengths=strengths,
        texton_jumps=jumps[0],
        texture_jumps=jumps[1],
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
    # What is there as the far side of borders alone has no pixel.
    share = areas / np.maximum(graph.areas, 1.0)
    return replace(
        sums,
        areas=areas,
        colours=graph.region_sums(colours * each) / _COLOUR_UNIT,
        textons=sums.textons * share[:, np.newaxis],
        roughness=sums.roughness * share,
    )


def sum_border_cues(
    graph: RegionGraph,
    edges: NDArray[np.float32],
    grid: GridCues,
    settings: Settings,
    frame: Frame,
) -> tuple[Floats, list[Floats]]:
    """Sum the cues over every border; parameters as in :func:`sum_cues`.

    Returns
    -------
    strengths : ndarray of float64, shape (E,)
    jumps : list of two ndarray of float64, shape (E, K)
        Of the textons and of the texture.
    """
    strengths = graph.border_sums(edges / np.float32(_COLOUR_UNIT))
    strengths += settings.texton_edges * graph.border_sums(grid.edges, frame)
    reach = _REACH * pixel_scale(frame.shape, frame.steps)
    return strengths, [graph.border_jumps(surface, reach, frame) for surface in grid.surfaces]


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
    covariance = np.cov(cells, rowvar=False, bias=True).reshape(2 * field.shape[-1:])
    # In ascending order of variance.
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :n_directions]
    turned: NDArray[np.float32] = field @ axes.astype(np.float32)
    return turned


def _toned(colours: NDArray[np.float32]) -> tuple[NDArray[np.float32], Floats, Floats]:
    """Channels whose histograms are taken, at most three, and the ranges of these histograms."""
    n_bands = colours.shape[-1]
    if n_bands == 3:
        return colours, np.array(_LAB_LOW), np.array(_LAB_HIGH)
    # Bands are sorted by wavelength as a rule: neighbours stand for each other.
    groups = np.array_split(np.arange(n_bands), min(n_bands, 3))
    channels = np.empty((*colours.shape[:-1], len(groups)), np.float32)
    for k, group in enumerate(groups):
        np.divide(sum(colours[..., band] for band in group), group.size, out=channels[..., k])
    return channels, np.zeros(len(groups)), np.full(len(groups), 100.0 / np.sqrt(n_bands))


@compiled
def sum_tones(
    base: NDArray[np.int32],
    n_regions: int,
    channels: NDArray[np.float32],
    weights: NDArray[np.float32],
    low: Floats,
    high: Floats,
) -> Floats:
    """Sum the histograms of some channels over each region.

    Parameters
    ----------
    base : ndarray of int32, shape (n_pixels,)
        Region ids 1..n; 0 = no data.
    n_regions : int
    channels : ndarray of float32, shape (n_pixels, C)
    weights : ndarray of float32, shape (n_pixels,)
        How much each pixel counts, over all channels. Empty: 1.
    low, high : ndarray of float64, shape (C,)
        Where the first place of the histogram stands, and the last one; a value between two
        places counts for both.

    Returns
    -------
    ndarray of float64, shape (n_regions, 12 C)
    """
    n_channels = channels.shape[1]
    sums = np.zeros((n_regions, n_channels * _TONES))
    for i in range(base.size):
        region = base[i] - 1
        if region < 0:
            continue
        count = weights[i] / n_channels if weights.size else 1.0 / n_channels
        for k in range(n_channels):
            place = (channels[i, k] - low[k]) / (high[k] - low[k]) * (_TONES - 1)
            place = min(max(place, 0.0), _TONES - 1.0)
            left = min(int(place), _TONES - 2)
            share = (place - left) * count
            sums[region, k * _TONES + left] += count - share
            sums[region, k * _TONES + left + 1] += share
    return sums
