"""The benchmark's run: records whole, resumed, and a failure that stops nothing else."""

from __future__ import annotations

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.evaluate.datasets import find_bsds500
from nuriwake.evaluate.peers import METHODS, Method, Outcome
from nuriwake.evaluate.runner import (
    Failure,
    Protocol,
    Record,
    altitude_grid,
    read_records,
    run_benchmark,
)
from small_bsds import write_pair

FAST_PEER = METHODS["felzenszwalb-500"]
PROTOCOL = Protocol(altitudes=(0.5, 1.0, 2.0))


def halves(image, *, seed, threads, shift=0):
    """Answer with the two halves of the picture, and a tree of its four quarters."""
    height, width = image.shape[:2]
    quarter = 1 + np.arange(width)[None] * 4 // width + np.zeros((height, 1), int)
    merges = np.array([[0, 1], [2, 3], [4, 5]])
    tree = SimpleNamespace(base=quarter, merges=merges, altitudes=np.array([1.0, 1.0, 2.0]))
    return Outcome((np.roll(quarter, shift, axis=1) + 1) // 2, tree)


def die(image, *, seed, threads):
    """End the worker without a word, as a system short of memory does."""
    os._exit(1)


@pytest.fixture
def images(tmp_path):
    for name in ("a", "b"):
        write_pair(tmp_path / "data", name)
    return find_bsds500(tmp_path / "data")


def test_records_come_back_from_disk_as_they_were(images, tmp_path):
    methods = [Method("halves", halves, {}), FAST_PEER]
    yielded = list(run_benchmark(images, methods, tmp_path / "out", PROTOCOL))
    assert {type(record) for record in yielded} == {Record}
    key = lambda record: (record.request.method, record.request.image)  # noqa: E731
    assert sorted(yielded, key=key) == read_records(tmp_path / "out")
    found = yielded[0]
    assert (found.request.image, found.request.method) == ("a", "halves")
    assert found.scores.iou_sums[0] == 2
    assert found.scores.boundary.precision == 1
    assert [scores.n_regions for scores in found.scales.scores] == [4, 2, 1]
    assert yielded[2].scales is None


def test_a_second_run_computes_only_what_changed(images, tmp_path):
    calls = []

    def counted(image, *, seed, threads, **settings):
        calls.append(seed)
        return halves(image, seed=seed, threads=threads, **settings)

    def run(protocol=PROTOCOL, settings=None, **options):
        calls.clear()
        method = Method("counted", counted, settings or {})
        return len(list(run_benchmark(images, [method], tmp_path, protocol, **options))), len(calls)

    assert run() == (2, 2)
    assert run() == (2, 0)
    assert run(settings={"shift": 1}) == (2, 2)
    assert run(dataclasses.replace(PROTOCOL, seed=1), {"shift": 1}) == (2, 2)
    assert run(dataclasses.replace(PROTOCOL, seed=1), {"shift": 1}, overwrite=True) == (2, 2)
    (tmp_path / "counted" / "a.json").unlink()
    assert run(dataclasses.replace(PROTOCOL, seed=1), {"shift": 1}) == (2, 1)


def test_other_versions_of_the_software_do_not_count_as_done(images, tmp_path, monkeypatch):
    list(run_benchmark(images, [FAST_PEER], tmp_path, PROTOCOL))
    monkeypatch.setattr(
        "nuriwake.evaluate.runner.package_versions", lambda: {"nuriwake": "another"}
    )
    list(run_benchmark(images, [FAST_PEER], tmp_path, PROTOCOL))
    assert read_records(tmp_path)[0].request.versions == {"nuriwake": "another"}


def test_a_failing_picture_is_one_line_and_the_rest_goes_on(images, tmp_path):
    images[0].image_path.write_bytes(b"no picture")
    answers = list(run_benchmark(images, [FAST_PEER], tmp_path / "out", PROTOCOL))
    failure, record = answers
    assert isinstance(failure, Failure)
    assert (failure.image, failure.method) == ("a", FAST_PEER.name)
    assert "a.jpg: cannot be read as a picture" in failure.message
    assert isinstance(record, Record)
    assert read_records(tmp_path / "out") == [record]


def test_a_failing_method_costs_one_line(images, tmp_path):
    def too_bright(image, *, seed, threads):
        raise InputError("too bright.\nA second line.")

    answers = list(run_benchmark(images[:1], [Method("m", too_bright, {})], tmp_path, PROTOCOL))
    assert answers == [Failure("a", "m", "too bright. A second line.")]


def test_worker_processes_give_the_same_scores(images, tmp_path):
    alone = list(run_benchmark(images, [FAST_PEER], tmp_path / "1", PROTOCOL))
    shared = list(run_benchmark(images, [FAST_PEER], tmp_path / "2", PROTOCOL, jobs=2))
    scores = [{r.request.image: r.scores for r in records} for records in (alone, shared)]
    assert scores[0] == scores[1]


def test_a_dead_worker_ends_the_run_with_advice(images, tmp_path):
    with pytest.raises(InputError, match="a worker process died"):
        list(run_benchmark(images, [Method("die", die, {})], tmp_path, PROTOCOL, jobs=2))


def test_wrong_jobs_and_damaged_records_are_named(images, tmp_path):
    with pytest.raises(UsageError, match="`jobs` must be an int of at least 1; got 0"):
        next(run_benchmark(images, [FAST_PEER], tmp_path, PROTOCOL, jobs=0))
    damaged = tmp_path / FAST_PEER.name / "a.json"
    damaged.parent.mkdir()
    damaged.write_text("{}")
    with pytest.raises(InputError, match=r"a\.json: not a record of the benchmark"):
        read_records(tmp_path)


def test_altitudes_are_in_equal_ratios():
    grid = altitude_grid(1e-3, 1e3, per_decade=16)
    assert (len(grid), grid[0], grid[16], grid[-1]) == (97, 0.001, 0.01, 1000.0)
    assert np.allclose(np.diff(np.log10(grid)), 1 / 16, atol=1e-5)
