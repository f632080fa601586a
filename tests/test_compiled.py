"""Loops compiled to machine code: kept where they can be, told when it takes time."""

from __future__ import annotations

import numba

from nuriwake.compiled import compiled, when_compiling


def test_the_first_compilation_is_told_once():
    heard = []
    with when_compiling(lambda: heard.append("compiling")):
        double = numba.njit(lambda x: 2 * x)
        assert [double(4), double(4.5), double(5)] == [8, 9.0, 10]
    assert heard == ["compiling"]
    with when_compiling(lambda: heard.append("again")):
        assert double(6) == 12
    assert heard == ["compiling"]


def test_a_loop_that_cannot_be_kept_on_disk_is_compiled_all_the_same():
    names: dict = {}
    exec("def double(x): return 2 * x", names)  # of no file, so that there is no place beside it
    assert compiled(names["double"])(4) == 8
