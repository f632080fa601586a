"""The methods of the table: label-free peers, and nuriwake's own recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import UsageError, out_of_range, require
from nuriwake.evaluate.scales import ScaledTree
from nuriwake.settings import RECIPES, Settings, Value


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a method says about one picture.

    Parameters
    ----------
    labels : (H, W) integer array
        Its label map; the protocol scores the connected regions.
    tree : ScaledTree or None
        Its hierarchy, where it has one: scored at a series of cuts.
    """

    labels: NDArray[np.integer]
    tree: ScaledTree | None = None


@dataclass(frozen=True)
class Method:
    """A function with its settings: one row of the table.

    Parameters
    ----------
    name : str
        Short name, used for files too.
    function : callable
        Called as ``function(image, seed=..., threads=..., **settings)`` with an (H, W, 3) uint8
        picture. Defined at the top of a module, so that worker processes find it.
    settings : Mapping of str to values
        Its other keywords.

    Examples
    --------
    >>> halves = Method("felzenszwalb-9", felzenszwalb, {"scale": 9, "sigma": 0.8, "min_size": 1})
    >>> halves.run(np.eye(4, 4, dtype=np.uint8)[:, :, None].repeat(3, 2) * 255).labels.shape
    (4, 4)
    """

    name: str
    function: Callable[..., Outcome]
    settings: Mapping[str, Value]

    def run(self, image: NDArray[np.uint8], seed: int = 0, threads: int = 1) -> Outcome:
        """Segment one picture."""
        return self.function(image, seed=seed, threads=threads, **self.settings)


def felzenszwalb(
    image: NDArray[np.uint8],
    *,
    seed: int,  # noqa: ARG001 - nothing is random
    threads: int,  # noqa: ARG001 - one thread
    scale: float,
    sigma: float,
    min_size: int,
) -> Outcome:
    """Graph-based segmentation of Felzenszwalb and Huttenlocher (IJCV 2004), by scikit-image."""
    from skimage.segmentation import felzenszwalb

    return Outcome(felzenszwalb(image, scale=scale, sigma=sigma, min_size=min_size) + 1)


def kmeans(
    image: NDArray[np.uint8], *, seed: int, threads: int, n_clusters: int, window: int
) -> Outcome:
    """K-means of each pixel's neighbourhood of ``window`` x ``window`` colours, by scikit-learn.

    It is the baseline of Kanezaki (ICASSP 2018) and of Kim, Kanezaki and Tanaka (TIP 2020).
    """
    cluster = require("sklearn.cluster", extra="bench")
    threadpoolctl = require("threadpoolctl", extra="bench")

    margin = window // 2
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(0, 1))
    pixels = patches.reshape(image.shape[0] * image.shape[1], -1).astype(np.float32) / 255
    with threadpoolctl.threadpool_limits(threads):
        found = cluster.KMeans(n_clusters, n_init=1, random_state=seed).fit_predict(pixels)
    return Outcome(found.reshape(image.shape[:2]) + 1)


def slic_merging(
    image: NDArray[np.uint8],
    *,
    seed: int,  # noqa: ARG001 - nothing is random
    threads: int,  # noqa: ARG001 - one thread
    n_segments: int,
    compactness: float,
    threshold: float,
) -> Outcome:
    """SLIC superpixels, merged while their mean colours differ by less than ``threshold``.

    scikit-image's ``slic``, ``rag_mean_color`` and ``merge_hierarchical``.
    """
    from skimage.graph import merge_hierarchical, rag_mean_color
    from skimage.segmentation import slic

    superpixels = slic(image, n_segments=n_segments, compactness=compactness, start_label=1)
    merged = merge_hierarchical(
        superpixels,
        rag_mean_color(image, superpixels),
        thresh=threshold,
        rag_copy=False,
        in_place_merge=True,
        merge_func=_merge_mean_colour,
        weight_func=_mean_colour_distance,
    )
    return Outcome(merged + 1)


def _merge_mean_colour(graph: object, source: int, target: int) -> None:
    """Add the colours of `source` to those of `target` before the two nodes become one."""
    nodes = graph.nodes  # type: ignore[attr-defined]
    nodes[target]["total color"] += nodes[source]["total color"]
    nodes[target]["pixel count"] += nodes[source]["pixel count"]
    nodes[target]["mean color"] = nodes[target]["total color"] / nodes[target]["pixel count"]


def _mean_colour_distance(
    graph: object, source: int, target: int, neighbour: int
) -> dict[str, float]:
    del source  # its colours are in the target already
    nodes = graph.nodes  # type: ignore[attr-defined]
    difference = nodes[target]["mean color"] - nodes[neighbour]["mean color"]
    return {"weight": float(np.linalg.norm(difference))}


def recipe(image: NDArray[np.uint8], *, seed: int, threads: int, **settings: Value) -> Outcome:
    """Segment with a recipe of nuriwake; those that show labels answer without a tree."""
    from nuriwake.segmenter import finish_steps, segment_steps

    chosen = Settings(seed=seed, threads=threads, **settings)
    found = finish_steps(segment_steps(image, chosen))
    if chosen.method.shows == "labels":
        return Outcome(found.labels)
    return Outcome(found.regions, found.tree)


def recipe_method(name: str, **settings: Value) -> Method:
    """Make a row of the table from settings of nuriwake.

    Parameters
    ----------
    name : str
        Name of the row.
    **settings
        What differs from the defaults: ``recipe="tip2020"``, ``max_iter=100``, ...

    Returns
    -------
    Method
        With every setting written out, so that records tell when a default has changed.

    Examples
    --------
    >>> recipe_method("short", recipe="icassp2018", max_iter=5).settings["max_iter"]
    5
    """
    everything = Settings(**settings).model_dump(exclude={"seed", "threads"})
    return Method(name, recipe, everything)


#: The methods that ``nuriwake bench`` knows, by name.
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("felzenszwalb-100", felzenszwalb, {"scale": 100, "sigma": 0.8, "min_size": 20}),
            Method("felzenszwalb-500", felzenszwalb, {"scale": 500, "sigma": 0.8, "min_size": 20}),
            Method("kmeans-2", kmeans, {"n_clusters": 2, "window": 5}),
            Method("kmeans-17", kmeans, {"n_clusters": 17, "window": 5}),
            Method(
                "slic-merging",
                slic_merging,
                {"n_segments": 400, "compactness": 30, "threshold": 35},
            ),
            *(recipe_method(name, recipe=name) for name in RECIPES),
        )
    }
)


def choose_methods(names: Sequence[str]) -> list[Method]:
    """Look methods up by name; no name means all of them.

    Raises
    ------
    UsageError
        If a name is unknown.

    Examples
    --------
    >>> [method.name for method in choose_methods(["tip2020", "kmeans-2"])]
    ['tip2020', 'kmeans-2']
    """
    for name in names:
        if name not in METHODS:
            raise UsageError(out_of_range("methods", f"among {', '.join(METHODS)}", name))
    return [METHODS[name] for name in names or METHODS]
