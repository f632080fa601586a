"""The exception tree and its messages."""

from __future__ import annotations

import pytest

from nuriwake import errors


def test_every_error_is_one_of_ours():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)]
    assert len(kinds) >= 6
    assert all(issubclass(kind, errors.NuriwakeError) for kind in kinds)


def test_a_missing_package_names_both_ways_to_get_it():
    with pytest.raises(errors.MissingDependencyError) as error:
        errors.require("no_such_package.part", extra="geo")
    assert "pip install 'nuriwake[geo]'" in str(error.value)
    assert "pip install no_such_package" in str(error.value)
    with pytest.raises(errors.MissingDependencyError, match=r"with: pip install no_such_package$"):
        errors.require("no_such_package")


def test_hints_follow_the_value():
    assert (
        errors.out_of_range("x", "an int", "a", "Try 1.") == "`x` must be an int; got 'a'. Try 1."
    )
