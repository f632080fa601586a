"""Loops compiled to machine code: kept where they can be, told when it takes time."""

from __future__ import annotations

import numba

from nuriwake.compiled import compiled, when_compiling


def twice(x):
    return 2 * x


def test_the_first_compilation_is_told_once():
    heard = []
    with when_compiling(heard.append):
        double = numba.njit(lambda x: 2 * x)
        assert [double(4), double(4.5), double(5)] == [8, 9.0, 10]
    assert heard == [False]  # it is not kept
    with when_compiling(heard.append):
        assert double(6) == 12
    assert heard == [False]


def test_whether_what_is_compiled_is_kept_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    kept, heard = compiled(twice), []
    with when_compiling(heard.append):
        assert kept(4) == 8
    assert heard == [True]


def test_a_loop_that_cannot_be_kept_on_disk_is_compiled_all_the_same():
    names: dict = {}
    exec("def double(x): return 2 * x", names)  # of no file, so that there is no place beside it
    assert compiled(names["double"])(4) == 8
