"""Threads that share the strips of an image."""

from __future__ import annotations

import threading

import pytest
import torch

from nuriwake.engine.compute import torch_team
from nuriwake.engine.team import Team


def test_runs_are_even_in_order_and_at_the_same_time():
    barrier = threading.Barrier(3, timeout=10)

    def work(items):
        barrier.wait()
        return list(items)

    assert Team(3).share(range(8), work) == [[0, 1], [2, 3, 4], [5, 6, 7]]


def test_no_more_threads_than_items():
    assert Team(4).share([7], list) == [[7]]
    assert Team(4).share([], list) == [[]]


def test_each_computes_with_one_thread_and_without_gradients():
    def look(_items):
        return torch.get_num_threads(), torch.is_grad_enabled()

    with torch.no_grad():
        assert torch_team(2).share(range(2), look) == [(1, False)] * 2
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("wrong", [0, 1])
def test_an_error_in_either_half_arrives_and_threads_are_given_back(wrong):
    def work(items):
        return 1 // (items[0] - wrong)

    with pytest.raises(ZeroDivisionError):
        torch_team(2).share(range(2), work)
    assert torch.get_num_threads() == 2
