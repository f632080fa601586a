"""The table of methods, as text and as JSON, and the difference of two methods with its error."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from nuriwake.errors import InputError
from nuriwake.evaluate.metrics import METRICS
from nuriwake.evaluate.runner import Record
from nuriwake.evaluate.scales import ScaleChoice, ScaleMetric, average_precision, choose_scale
from nuriwake.evaluate.summaries import DatasetScores, ImageScores, pool

Item = TypeVar("Item")
#: What is looked for over the scales of a tree.
SCALE_METRICS: tuple[ScaleMetric, ...] = (
    "covering",
    "probabilistic_rand_index",
    "variation_of_information",
    "iou_all",
)


#: Metrics in the table of methods, and in that of single images.
_OF_METHODS = ("covering", "probabilistic_rand_index", "variation_of_information")
_OF_IMAGES = tuple(name for name in METRICS if name != "adapted_rand_error")


@dataclass(frozen=True)
class MethodSummary:
    """One row of the table.

    Parameters
    ----------
    method : str
    scores : DatasetScores
        Of the method's own answers.
    scales : tuple of ScaleChoice
        Each metric at its best scales; empty for a method without a tree.
    best_covering : float or None
        Mean covering if every true segment may choose its scale.
    average_precision : float or None
        Of the contour map of the tree.
    seconds : float
        Median over the pictures.
    iou_standard_error : float or None
        Of ``scores.iou_all``, by the jackknife over pictures; None for a single one.
    """

    method: str
    scores: DatasetScores
    scales: tuple[ScaleChoice, ...]
    best_covering: float | None
    average_precision: float | None
    seconds: float
    iou_standard_error: float | None = None


@dataclass(frozen=True)
class Difference:
    """How much a statistic of one method exceeds that of another on the same pictures.

    Parameters
    ----------
    value : float
        The difference.
    standard_error : float
        By the jackknife over pictures, which are drawn in pairs.
    """

    value: float
    standard_error: float


def summarise(records: Sequence[Record], order: Sequence[str] = ()) -> list[MethodSummary]:
    """Make the rows of the table.

    Parameters
    ----------
    records : sequence of Record
        Of any number of methods.
    order : sequence of str
        Methods to put first; the others follow as they appear.

    Returns
    -------
    list of MethodSummary
    """
    by_method: dict[str, list[Record]] = {method: [] for method in order}
    for record in records:
        by_method.setdefault(record.request.method, []).append(record)
    return [_summary(method, found) for method, found in by_method.items() if found]


def _summary(method: str, records: Sequence[Record]) -> MethodSummary:
    scales = [record.scales for record in records if record.scales is not None]
    has_tree = len(scales) == len(records)
    has_contours = has_tree and all(scale.scores[0].boundary is not None for scale in scales)
    wanted: list[ScaleMetric] = list(SCALE_METRICS) if has_tree else []
    if has_contours:
        wanted.append("boundary_f")
    return MethodSummary(
        method,
        pool([record.scores for record in records]),
        tuple(choose_scale(scales, metric) for metric in wanted),
        statistics.fmean(scale.best_covering for scale in scales) if has_tree else None,
        average_precision(scales) if has_contours else None,
        statistics.median(record.seconds for record in records),
        _jackknife(records, _iou) if len(records) > 1 else None,
    )


def _iou(records: Sequence[Record]) -> float:
    return pool([record.scores for record in records]).iou_all


def _jackknife(items: Sequence[Item], statistic: Callable[[Sequence[Item]], float]) -> float:
    """Return the standard error of a statistic of pictures, from leaving out each in turn."""
    without = [statistic([*items[:i], *items[i + 1 :]]) for i in range(len(items))]
    return math.sqrt(statistics.pvariance(without) * (len(items) - 1))


def format_table(summaries: Sequence[MethodSummary]) -> str:
    """Write the table for people, in plain text.

    Parameters
    ----------
    summaries : sequence of MethodSummary

    Returns
    -------
    str
        One line for each method, without a final line end.
    """
    header = (
        *("method", "images", "all", "s.e.", "fine", "coarse"),
        *(METRICS[name].title for name in _OF_METHODS),
        *("F", "regions"),
        *("ODS cov", "OIS cov", "best cov", "ODS PRI", "ODS VI", "ODS F", "OIS F", "AP", "s"),
    )
    return _aligned([header, *map(_cells, summaries)])


def format_scores(images: Sequence[tuple[str, ImageScores]]) -> str:
    """Write the scores of single images for people, and of all of them in a last line.

    Parameters
    ----------
    images : sequence of (str, ImageScores)
        Name and scores of each image.

    Returns
    -------
    str
        Plain text without a final line end.
    """
    header = (
        *("name", "all", "fine", "coarse"),
        *(METRICS[name].title for name in _OF_IMAGES),
        *("precision", "recall", "F", "regions"),
    )
    rows = [(name, pool([scores])) for name, scores in images]
    if len(images) > 1:
        rows.append((f"all {len(images)}", pool([scores for _, scores in images])))
    return _aligned([header, *(_score_cells(*row) for row in rows)])


def _score_cells(name: str, scores: DatasetScores) -> tuple[str, ...]:
    return (
        name,
        *map(_share, (scores.iou_all, scores.iou_fine, scores.iou_coarse)),
        *(_written(name, getattr(scores, name)) for name in _OF_IMAGES),
        *map(_share, (scores.boundary_precision, scores.boundary_recall, scores.boundary_f)),
        f"{scores.n_regions:.0f}",
    )


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Align names to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return "\n".join("  ".join(line) for line in lines)


def _cells(summary: MethodSummary) -> tuple[str, ...]:
    scores, scale = summary.scores, {choice.metric: choice for choice in summary.scales}
    covering, rand = scale.get("covering"), scale.get("probabilistic_rand_index")
    information, contours = scale.get("variation_of_information"), scale.get("boundary_f")
    return (
        summary.method,
        str(scores.n_images),
        _share(scores.iou_all),
        _share(summary.iou_standard_error),
        *map(_share, (scores.iou_fine, scores.iou_coarse)),
        *(_written(name, getattr(scores, name)) for name in _OF_METHODS),
        _share(scores.boundary_f),
        f"{scores.n_regions:.0f}",
        _share(covering.ods if covering else None),
        _share(covering.ois if covering else None),
        _share(summary.best_covering),
        _share(rand.ods if rand else None),
        f"{information.ods:.3f}" if information else "-",
        _share(contours.ods if contours else None),
        _share(contours.ois if contours else None),
        _share(summary.average_precision),
        f"{summary.seconds:.2f}",
    )


def _written(name: str, value: float) -> str:
    return _share(value) if METRICS[name].is_share else f"{value:.3f}"


def _share(value: float | None) -> str:
    """Write a number of [0, 1] as papers do: .3308."""
    return "-" if value is None else f"{value:.4f}".removeprefix("0")


def table_json(summaries: Sequence[MethodSummary]) -> str:
    """Write the table for programs: the same rows, every score by name."""
    return json.dumps([asdict(summary) for summary in summaries], indent=1)


def compare(
    one: Sequence[Record],
    other: Sequence[Record],
    statistic: Callable[[Sequence[Record]], float],
) -> Difference:
    """Compare two methods on the same pictures.

    Parameters
    ----------
    one, other : sequence of Record
        Of the same pictures, in any order; at least two.
    statistic : callable
        A number for a set of records, such as
        ``lambda records: pool([record.scores for record in records]).iou_all``.

    Returns
    -------
    Difference
        ``statistic(one) - statistic(other)``.

    Raises
    ------
    InputError
        If the pictures differ, or there are fewer than two.
    """
    first = {record.request.image: record for record in one}
    second = {record.request.image: record for record in other}
    if first.keys() != second.keys() or len(first) < 2:
        raise InputError("two methods are compared on the same two or more pictures.")

    def difference(names: Sequence[str]) -> float:
        return statistic([first[n] for n in names]) - statistic([second[n] for n in names])

    names = sorted(first)
    return Difference(difference(names), _jackknife(names, difference))
