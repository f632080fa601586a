"""What the merge of regions looks at, and what a merge costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Things:
    """What counts otherwise where the regions are things rather than patches of their surfaces.

    That is once no more than ``n_regions`` are left (where there never were as many, from the first
    merge on) and the next merge is above the automatic altitude, so that no cut up to there is
    another one. Patches differ in colour by light and shadow alone, and textons tell them apart
    less surely than things, which are large. The mean colour of a thing of several parts is that of
    none of them; the histograms of its tones know the parts.

    Parameters
    ----------
    n_regions : int
        For each connected part of the graph beyond the first, one more.
    altitude, adaptation : float
        The automatic altitude is altitude * (altitude that leaves n_regions) ** adaptation. Where
        groups keep regions apart, which nobody knows before the end, it may be a little lower.
    texton_gain : float
        How much more textons count: inside regions, along their borders and on either hand.
    tone_gain : float
        How much more the histograms of tones count, and how much less the mean colours. Positive.
    size_power : float
        Instead of that of the linkage.
    difference_power : float
        The difference of two regions, in units of what their histograms can differ by, to this
        power in place of its root. At least 0.5.
    """

    n_regions: int
    altitude: float
    adaptation: float
    texton_gain: float
    tone_gain: float
    size_power: float
    difference_power: float


@dataclass(frozen=True)
class Linkage:
    """What it costs to merge two neighbours.

    With areas a and b (as shares of the image, at most ``size_limit``) and h = a b / (a + b), the
    length l of their border (in units of the image's side: the root of its area; in a volume its
    surface, in units of a side of it), mean colours, histograms P and Q of textons, T and U of
    tones, the strength s of their border (of colour and of textons), its jumps j of textons and k
    of texture, and the roughness r of the smoother of the two::

        h ** size_power * (sqrt(h) / l) ** contact_power
            * (border_offset + (s + |j| + |k|) / (1 + roughness * r)) ** border_power
            * sqrt(|colour - colour'|^2 + texton_weight * (1 - sum(sqrt(P Q)))
                   + tone_weight * (1 - sum(sqrt(T U))))

    Parameters
    ----------
    size_power : float
        0 treats large and small regions alike; 0.5 is Ward's.
    border_offset : float
        Keeps a difference of colour worth something where no edge is seen.
    border_power : float
        How much an edge counts against a difference of the regions.
    texton_weight, tone_weight : float
        Weights of the squared Hellinger distances.
    roughness : float
        How much less an edge counts between two regions that are full of edges themselves.
    contact_power : float
        How much sooner two regions merge whose common border is long for their size: two halves
        of a thing rather than two things that touch. In a volume h ** (2 / 3) / l stands for
        sqrt(h) / l: it has no unit either.
    size_limit : float
        A region that is larger, as a share of the image, counts as if it were of this size: the
        means of both are known well enough, whichever is larger.
    n_axes : int
        2 for pictures, 3 for volumes.
    scenes : float
        How many scenes the image is; areas and lengths are shares of one.
    things : Things, optional
        What counts otherwise in the last merges. Default: nothing.

    References
    ----------
    Ward, "Hierarchical grouping to optimize an objective function", JASA 1963 (the size term).
    Felzenszwalb and Huttenlocher, "Efficient graph-based image segmentation", IJCV 2004 (borders
    are judged by the variation inside).
    Koepfler, Lopez and Morel, "A multiscale algorithm for image segmentation by variational
    method", SIAM Journal on Numerical Analysis 1994 (the length of the border that a merge saves).
    """

    size_power: float
    border_offset: float
    border_power: float
    texton_weight: float
    tone_weight: float = 0.0
    roughness: float = 0.0
    contact_power: float = 0.0
    size_limit: float = 1.0
    n_axes: int = 2
    scenes: float = 1.0
    things: Things | None = None

    @property
    def surface_power(self) -> float:
        """The border of a thing grows with this power of its size."""
        return (self.n_axes - 1) / self.n_axes


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the merge looks at.

    Parameters
    ----------
    colours : ndarray of float64, shape (n, C)
        Mean colour of each region.
    textons : ndarray of float64, shape (n, q)
        How often each learned label occurs in each region; rows sum to 1. q = 0 leaves it out.
    tones : ndarray of float64, shape (n, B)
        Histogram of the colours of each region; rows sum to 1. B = 0 leaves it out.
    roughness : ndarray of float64, shape (n,)
        Mean strength of the edges inside each region.
    border, texton_border : ndarray of float64, shape (E,)
        Mean strength of the border of each edge of the graph: edges of colour, and of textons.
    texton_jumps, texture_jumps : ndarray of float64, shape (E, K)
        Mean change across that border, from the first region of the pair to the second.
    """

    colours: Floats
    textons: Floats
    tones: Floats
    roughness: Floats
    border: Floats
    texton_border: Floats
    texton_jumps: Floats
    texture_jumps: Floats
