"""Devices and threads: what a run takes, it gives back."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch

from nuriwake.engine.compute import available_devices, choose_device, cpu_threads, steps_in_threads
from nuriwake.errors import UsageError
from nuriwake.segmenter import segment_steps
from nuriwake.settings import Settings


def test_a_device_that_is_not_there_is_refused():
    assert str(choose_device("auto")) == available_devices()[-1]
    with pytest.raises(UsageError, match="`device` must be one of auto, cpu"):
        choose_device("cuda:99")


def test_threads_are_given_back_also_after_an_error():
    with pytest.raises(ZeroDivisionError), cpu_threads(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 2


def _counting() -> Generator[int, str | None, str]:
    first = yield torch.get_num_threads()
    second = yield torch.get_num_threads()
    return f"{first} {second} {torch.get_num_threads()}"


def test_a_generator_holds_its_threads_only_while_it_computes():
    steps = steps_in_threads(_counting(), 1)
    assert next(steps) == 1
    assert torch.get_num_threads() == 2
    assert steps.send("a") == 1
    with pytest.raises(StopIteration, match="a b 1"):
        steps.send("b")


def test_interleaved_runs_leave_the_threads_as_they_were():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    runs = [
        segment_steps(image, Settings(recipe="icassp2018", n_channels=8, max_iter=3, threads=n))
        for n in (1, 2)
    ]
    for _ in range(2):
        for run in runs:
            next(run)
            assert torch.get_num_threads() == 2
    runs[0].close()
    del runs
    assert torch.get_num_threads() == 2
