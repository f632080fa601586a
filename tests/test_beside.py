"""Work on a second thread: where it runs, what it gives back, what is left of it."""

from __future__ import annotations

import threading

import pytest

from nuriwake.beside import second_thread


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_second_thread_works_only_where_it_is_wanted(is_wanted):
    with second_thread(is_wanted) as start:
        named, failed = start(threading.get_ident), start(int, "x", base=10)
        assert (named() != threading.get_ident()) == is_wanted
        with pytest.raises(ValueError, match="'x'"):
            failed()


def test_who_leaves_early_waits_for_what_has_begun_and_drops_the_rest():
    begun, may_end = threading.Event(), threading.Event()
    done = []

    def work():
        begun.set()
        may_end.wait(10)
        done.append("first")

    def leave():
        with second_thread(is_wanted=True) as start:
            start(work)
            start(done.append, "second")
            begun.wait(10)
            threading.Timer(0.05, may_end.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert done == ["first"]
