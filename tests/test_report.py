"""The table, and the error of a difference."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from nuriwake.errors import InputError
from nuriwake.evaluate.report import (
    compare,
    format_scores,
    format_table,
    summarise,
    table_json,
)
from nuriwake.evaluate.runner import Protocol, Record, Request
from nuriwake.evaluate.scales import ScaleScores
from nuriwake.evaluate.summaries import ImageScores, pool, score_labels


def scores(covering, *, n_segments=(2, 3), ious=(1.0, 1.2)):
    rest = {"adjusted_rand_error": 0.3, "adapted_rand_error": 0.2}
    return ImageScores(
        n_regions=7,
        n_segments=n_segments,
        iou_sums=ious,
        covering=covering,
        probabilistic_rand_index=0.75,
        variation_of_information=2.5,
        achievable_segmentation_accuracy=0.9,
        undersegmentation_error=0.1,
        **rest,
    )


def record(method, image, covering, *, seconds=1.0, scales=None):
    request = Request(image, method, {}, Protocol(altitudes=(1.0,)), {})
    return Record(request, scores(covering), scales, seconds, "machine")


def tree_record(image, coverings, seconds):
    scales = ScaleScores((1.0, 2.0), tuple(map(scores, coverings)), best_covering=0.8)
    return record("tree", image, coverings[0], seconds=seconds, scales=scales)


RECORDS = [
    tree_record("a", (0.5, 0.7), 1.0),
    tree_record("b", (0.6, 0.3), 3.0),
    record("flat", "a", 0.4),
    record("flat", "b", 0.2),
]


def test_the_standard_error_of_the_mean_iou():
    pictures = [record("flat", name, 0.4) for name in "ab"]
    better = replace(pictures[1], scores=scores(0.4, ious=(2.0, 1.2)))
    (row,) = summarise([pictures[0], better])
    assert row.scores.iou_all == pytest.approx(0.54)  # of .44 and .64
    assert row.iou_standard_error == pytest.approx(0.10)
    (single,) = summarise(pictures[:1])
    assert single.iou_standard_error is None


def test_the_table_reads_as_expected():
    assert format_table(summarise(RECORDS, order=["flat"])) == (
        "method  images    all   s.e.   fine  coarse  covering    PRI     VI  F  regions  "
        "ODS cov  OIS cov  best cov  ODS PRI  ODS VI  ODS F  OIS F  AP     s\n"
        "flat         2  .4400  .0000  .4000   .5000     .3000  .7500  2.500  -        7  "
        "      -        -         -        -       -      -      -   -  1.00\n"
        "tree         2  .4400  .0000  .4000   .5000     .5500  .7500  2.500  -        7  "
        "  .5500    .6500     .8000    .7500   2.500      -      -   -  2.00"
    )


def test_the_json_twin_holds_the_same_rows():
    tree, flat = json.loads(table_json(summarise(RECORDS)))
    assert (tree["method"], flat["method"]) == ("tree", "flat")
    assert tree["scores"]["covering"] == pytest.approx(0.55)
    assert tree["scales"][0] == {
        "metric": "covering",
        "ods": pytest.approx(0.55),
        "ods_altitude": 1.0,
        "ois": pytest.approx(0.65),
    }
    assert flat["scales"] == []


def test_scores_of_files_end_with_all_of_them():
    one = score_labels([[1, 1, 2, 2]], [[[1, 1, 1, 2]]])
    lines = format_scores([("a", one), ("b", one)]).splitlines()
    assert [line.split()[0] for line in lines] == ["name", "a", "b", "all"]
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split()[4] == ".6250"


def test_the_standard_error_of_a_mean_is_the_textbook_one():
    first, second = [0.5, 0.7, 0.4, 0.9], [0.4, 0.65, 0.5, 0.6]
    one = [record("one", str(i), value) for i, value in enumerate(first)]
    other = [record("other", str(i), value) for i, value in enumerate(second)]
    difference = compare(one, other[::-1], lambda found: pool([r.scores for r in found]).covering)
    gain = np.subtract(first, second)
    assert difference.value == pytest.approx(gain.mean())
    assert difference.standard_error == pytest.approx(gain.std(ddof=1) / 2)


def test_different_pictures_cannot_be_compared():
    one, other = [record("one", "a", 0.5)] * 2, [record("other", "b", 0.5)] * 2
    with pytest.raises(InputError, match="same two or more pictures"):
        compare(one, other, lambda found: 0.0)
