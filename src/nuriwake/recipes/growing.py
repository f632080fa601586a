"""The tree of the recipe ``fast``: leaves merged by its costs, at altitudes that one cut suits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nuriwake.learn.view import REFERENCE_PIXELS, SCENE_PIXELS
from nuriwake.regions.graph import RegionGraph
from nuriwake.regions.linkage import Evidence, Linkage, Things
from nuriwake.regions.merging import merge_regions
from nuriwake.regions.tree import RegionTree
from nuriwake.settings import Settings

#: How many regions a photograph has, about.
_TYPICAL_REGIONS = 100


def grow_tree(
    graph: RegionGraph,
    evidence: Evidence,
    settings: Settings,
    groups: NDArray[np.integer] | None = None,
    n_pixels: int | None = None,
    size_limit: float = 1.0,
    scene_pixels: float = SCENE_PIXELS,
    n_axes: int = 2,
    has_things: bool = True,
) -> RegionTree:
    """Merge the leaves into one tree.

    Parameters
    ----------
    graph : RegionGraph
    evidence : Evidence
    settings : Settings
    groups : ndarray of int, shape (n,), optional
        Leaves of two different groups never merge; group 0 goes with any.
    n_pixels : int, optional
        Of the image; default: of the graph's map.
    size_limit : float
        Share of the image from which on regions count as equally large.
    scene_pixels : float
        What is larger shows more things, not the same ones larger, and is cut as so many scenes of
        this size are.
    n_axes : int
        2 for pictures, 3 for volumes.
    has_things : bool
        False: all regions are patches, as those of a tile are.

    Returns
    -------
    RegionTree
    """
    n_scenes = max(1.0, float(graph.areas.sum()) / scene_pixels)
    n_typical = round(_TYPICAL_REGIONS * n_scenes)
    linkage = Linkage(
        settings.size_power,
        settings.border_offset,
        settings.border_power,
        settings.texton_weight,
        settings.tone_weight,
        settings.roughness,
        settings.contact_power,
        size_limit,
        n_axes,
        n_scenes,
        _things(settings, n_typical) if has_things else None,
    )
    merges, altitudes = merge_regions(graph, evidence, linkage, groups)
    altitudes = calibrated(altitudes, settings.adaptation, n_typical)
    if has_things:
        altitudes = spread(altitudes, settings.altitude, settings.thing_spread, n_typical)
    is_free = groups is None or np.unique(groups[groups > 0]).size < 2
    n_apart = 1 if is_free else int(np.isinf(altitudes).sum()) + 1
    extent = min(n_pixels or graph.base.size, scene_pixels)
    speck = settings.speck_size * extent / REFERENCE_PIXELS
    return RegionTree(
        graph.base,
        merges,
        altitudes,
        settings.altitude,
        n_apart,
        speck_pixels=speck,
        detail_unit=settings.altitude,
        leaf_pixels=graph.areas,
    )


def _things(settings: Settings, n_typical: int) -> Things:
    return Things(
        n_typical,
        settings.altitude,
        settings.adaptation,
        settings.thing_textons,
        settings.thing_tones,
        settings.thing_size_power,
        settings.thing_difference_power,
    )


def calibrated(
    altitudes: NDArray[np.float64], adaptation: float, n_typical: int = _TYPICAL_REGIONS
) -> NDArray[np.float64]:
    """Make altitudes of different images comparable, so that one serves as everybody's cut.

    Parameters
    ----------
    altitudes : ndarray of float64, shape (n - 1,)
        Costs of the merges, never decreasing.
    adaptation : float in [0, 1]
        With 0, an altitude is a cost. With 1, altitude 1 leaves the same number of regions in
        every image. Between them, the logarithm of the cut is interpolated.
    n_typical : int
        How many regions the image has, about.

    Returns
    -------
    ndarray of float64, shape (n - 1,)

    Examples
    --------
    >>> calibrated(np.array([2.0, 4.0, np.inf]), adaptation=1.0)
    array([ 1.,  2., inf])
    """
    finite = altitudes[np.isfinite(altitudes)]
    typical = finite[-min(n_typical, finite.size)] if finite.size else 0.0
    return altitudes / typical**adaptation if typical > 0 else altitudes


def spread(
    altitudes: NDArray[np.float64],
    automatic: float,
    exponent: float,
    n_typical: int = _TYPICAL_REGIONS,
) -> NDArray[np.float64]:
    """Let images that show more than others at the automatic altitude keep more above it.

    Altitudes above it, in units of it, are raised to the power (n / ``n_typical``) ** ``exponent``,
    where n regions are left there.

    Parameters
    ----------
    altitudes : ndarray of float64, shape (n - 1,)
        Never decreasing.
    automatic : float
        The automatic altitude. Up to it, nothing changes.
    exponent : float
        0 changes nothing.
    n_typical : int
        How many regions the image has, about.

    Returns
    -------
    ndarray of float64, shape (n - 1,)

    Examples
    --------
    >>> altitudes = np.array([0.5, 1.0, 2.0, 4.0])
    >>> spread(altitudes, automatic=1.0, exponent=0.5, n_typical=3).tolist()
    [0.5, 1.0, 2.0, 4.0]
    >>> spread(altitudes, automatic=1.0, exponent=0.5, n_typical=12).round(2).tolist()
    [0.5, 1.0, 1.41, 2.0]
    """
    above = altitudes > automatic
    if automatic <= 0 or exponent == 0 or not above.any():
        return altitudes
    power = ((np.count_nonzero(above) + 1) / n_typical) ** exponent
    steps = automatic * (altitudes / automatic) ** power
    # What is hardly above it stays above it.
    return np.where(above, np.maximum(steps, np.nextafter(automatic, np.inf)), altitudes)
