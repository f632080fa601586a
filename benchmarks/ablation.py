"""What does each ingredient of the recipe `fast` add? Paired differences on annotated pictures.

    python benchmarks/ablation.py DATA [--split train] [--limit 40] [--seed 0]

DATA is the folder of BSDS500 with `images` and `groundTruth`. Every variant grows its own tree, and
is cut at the altitude that suits it best on the first, third, fifth, ... picture; its other
constants are the recipe's. The table compares each variant with the whole recipe on all pictures:
mean difference (standard error).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from nuriwake.engine.compute import cpu_threads
from nuriwake.engine.grid import GridEngine
from nuriwake.engine.grid_respond import respond
from nuriwake.engine.schedule import Schedule
from nuriwake.evaluate.datasets import AnnotatedImage, find_bsds500
from nuriwake.evaluate.runner import altitude_grid
from nuriwake.evaluate.scales import ScaleScores, score_scales
from nuriwake.learn.view import coarse_view, perceptual_colours, texture_of
from nuriwake.learn.weights import draw_weights
from nuriwake.recipes.fast import texton_map
from nuriwake.recipes.grid_learning import learn_grid
from nuriwake.recipes.growing import grow_tree
from nuriwake.regions.basins import catchment_basins
from nuriwake.regions.cues import grid_cues, sum_cues
from nuriwake.regions.evidence import colour_edges, texton_edges
from nuriwake.regions.graph import region_graph
from nuriwake.regions.tree import RegionTree
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings

ALTITUDES = altitude_grid(1e-3, 100.0, per_decade=12)
WHOLE = "the recipe"
NO_COLOUR = "without mean colours"
UNTRAINED = "untrained network"
NO_SURPRISE = "without surprises of textons"
#: What each variant sets; a weight of 0 leaves an ingredient out.
VARIANTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        WHOLE: {},
        "without learned responses": {"texton_weight": 0, "texton_edges": 0, "texton_contrast": 0},
        UNTRAINED: {},
        "30 iterations": {"max_iter": 30},
        "16 iterations": {"max_iter": 16},
        "without borders": {"border_power": 0},
        "without roughness": {"roughness": 0},
        "without lengths of borders": {"contact_power": 0},
        NO_COLOUR: {},
        "without histograms of tones": {"tone_weight": 0},
        "without histograms of textons": {"texton_weight": 0},
        "without edges of textons": {"texton_edges": 0},
        NO_SURPRISE: {},
        "without jumps of textons": {"texton_contrast": 0},
        "without jumps of texture": {"texture_contrast": 0},
        "things merge as patches do": {
            "thing_textons": 1,
            "thing_tones": 1,
            "thing_size_power": 0.15,
            "thing_difference_power": 0.5,
            "thing_spread": 0,
        },
        "things: textons as of patches": {"thing_textons": 1},
        "things: tones as of patches": {"thing_tones": 1},
        "things: sizes as of patches": {"thing_size_power": 0.15},
        "things: differences as of patches": {"thing_difference_power": 0.5},
        "things without spread": {"thing_spread": 0},
        "without adaptation": {"adaptation": 0},
        "specks stay": {"speck_size": 0},
    }
)


@dataclass(frozen=True)
class Curve:
    """One variant on all pictures, at every altitude of the grid.

    `iou_sums`, `coverings` and `n_regions` have shape (pictures, altitudes); `n_segments` has
    shape (pictures,).
    """

    iou_sums: np.ndarray
    n_segments: np.ndarray
    coverings: np.ndarray
    n_regions: np.ndarray

    @classmethod
    def of(cls, images: list[ScaleScores]) -> Curve:
        """Lay out the scores of all pictures."""
        return cls(
            np.array([[sum(cut.iou_sums) for cut in image.scores] for image in images]),
            np.array([sum(image.scores[0].n_segments) for image in images]),
            np.array([[cut.covering for cut in image.scores] for image in images]),
            np.array([[cut.n_regions for cut in image.scores] for image in images]),
        )

    def iou(self, pictures: slice = slice(None)) -> np.ndarray:
        """Mean IoU over all segments of some pictures, at each altitude."""
        return self.iou_sums[pictures].sum(axis=0) / self.n_segments[pictures].sum()

    @property
    def cut(self) -> int:
        """The altitude that is best, on every other picture, for mean IoU and covering together."""
        odd = slice(0, None, 2)
        return int(np.argmax(self.iou(odd) + 0.5 * self.coverings[odd].mean(axis=0)))

    @property
    def ods(self) -> int:
        """The altitude that is best for covering on all pictures."""
        return int(np.argmax(self.coverings.mean(axis=0)))


def grow_variants(picture: np.ndarray, seed: int) -> Iterator[tuple[str, RegionTree]]:
    """Grow the recipe's tree, and one without each of its ingredients."""
    settings = Settings(recipe="fast", seed=seed, threads=1)
    image, valid = picture.astype(np.float32) / 255, np.ones(picture.shape[:2], bool)
    colours = perceptual_colours(image)
    view, view_valid = coarse_view(colours, valid, settings.grid_cells)
    learned = texton_map(_learn(view, view_valid, settings), view_valid)
    guessed = texton_map(_leave_untrained(view, view_valid, settings), view_valid)
    edges = colour_edges(colours, valid, settings.edge_sigma)
    graph = region_graph(catchment_basins(edges, valid))
    for name, changes in VARIANTS.items():
        chosen = settings.model_copy(update=changes)
        textons = guessed if name == UNTRAINED else learned
        if chosen.max_iter != settings.max_iter:
            textons = texton_map(_learn(view, view_valid, chosen), view_valid)
        grid = grid_cues(textons, texture_of(view), chosen)
        if name == NO_SURPRISE:
            grid = replace(grid, edges=texton_edges(textons, sigma=1.0))
        evidence = sum_cues(graph, colours, edges, grid, chosen).evidence()
        if name == NO_COLOUR:
            evidence = replace(evidence, colours=np.zeros_like(evidence.colours))
        yield name, grow_tree(graph, evidence, chosen)


def _learn(view: np.ndarray, valid: np.ndarray, settings: Settings) -> np.ndarray:
    return respond(finish_steps(learn_grid(view, valid, settings)), view)


def _leave_untrained(view: np.ndarray, valid: np.ndarray, settings: Settings) -> np.ndarray:
    shape = view.shape[2], settings.n_channels, settings.max_labels, settings.n_layers
    schedule = Schedule(settings.max_iter, settings.min_labels)
    engine = GridEngine(draw_weights(*shape, settings.seed), view, valid, schedule)
    engine.label()
    return respond(engine.frozen(), view)


def measure(item: AnnotatedImage, seed: int) -> dict[str, ScaleScores]:
    """Score every variant on one picture."""
    truths = item.truths()
    return {
        name: score_scales(tree.without_specks, truths, ALTITUDES)
        for name, tree in grow_variants(item.image(), seed)
    }


def with_error(differences: np.ndarray, weights: np.ndarray) -> str:
    """Write the ratio of two sums over pictures, with its standard error by linearisation."""
    ratio = differences.sum() / weights.sum()
    residuals = differences - ratio * weights
    n = len(differences)
    error = np.sqrt((residuals**2).sum() * n / max(n - 1, 1)) / weights.sum()
    return f"{ratio:+.4f} ({error:.4f})"


def table(curves: dict[str, Curve]) -> Iterator[str]:
    """Write one row for each variant."""
    whole = curves[WHOLE]
    ones = np.ones(len(whole.n_segments))
    yield "| variant | mIoU | covering | regions | ODS | OIS | d mIoU | d ODS covering | d OIS |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, curve in curves.items():
        best = curve.coverings.max(axis=1)
        differences = (
            with_error(
                curve.iou_sums[:, curve.cut] - whole.iou_sums[:, whole.cut], whole.n_segments
            ),
            with_error(curve.coverings[:, curve.ods] - whole.coverings[:, whole.ods], ones),
            with_error(best - whole.coverings.max(axis=1), ones),
        )
        scores = (
            f"{curve.iou()[curve.cut]:.4f}",
            f"{curve.coverings[:, curve.cut].mean():.4f}",
            f"{curve.n_regions[:, curve.cut].mean():.0f}",
            f"{curve.coverings[:, curve.ods].mean():.4f}",
            f"{best.mean():.4f}",
        )
        yield "| " + " | ".join((name, *scores, *differences)) + " |"


def main() -> None:
    """Run every variant on every picture, print a line for each picture and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: dict[str, list[ScaleScores]] = {}
    with cpu_threads(1):
        for item in find_bsds500(options.data, options.split, options.limit):
            scores = measure(item, options.seed)
            for name, scales in scores.items():
                found.setdefault(name, []).append(scales)
            best = {name: max(cut.covering for cut in s.scores) for name, s in scores.items()}
            print(json.dumps({"image": item.name, "best covering": best}), flush=True)
    print(*table({name: Curve.of(images) for name, images in found.items()}), sep="\n")


if __name__ == "__main__":
    main()
