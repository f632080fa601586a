"""Amounts of memory, and what fits them."""

from __future__ import annotations

import pytest

from nuriwake.errors import UsageError
from nuriwake.scale.memory import fits_in_memory, parse_bytes, plan_tile_pixels


@pytest.mark.parametrize(
    ("text", "expected"), [("800M", 800 << 20), ("2g", 2 << 30), ("1.5GiB", 3 << 29), ("7", 7)]
)
def test_amounts_of_memory(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "lots", "-1G", "2X"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(UsageError, match="`--memory` must be an amount such as 800M or 2G"):
        parse_bytes(text)


def test_more_memory_gives_larger_tiles_and_too_little_is_refused() -> None:
    sizes = [plan_tile_pixels(m << 20, 4, 2) for m in (650, 700, 1024, 1 << 20)]
    assert sizes == sorted(sizes)
    assert plan_tile_pixels(4 << 30, 4, 2, n_workers=4) < plan_tile_pixels(4 << 30, 4, 2)
    with pytest.raises(UsageError, match=r"`--memory` must be at least \d+M for 1 worker"):
        plan_tile_pixels(300 << 20, 4, 2)
    assert fits_in_memory(1 << 30, 1000, 3, 100, 100)


@pytest.mark.parametrize("text", ["9" * 400, "9" * 400 + "G", "²G", "1e3", "-1G", "nan"])
def test_amounts_that_are_none(text):
    with pytest.raises(
        UsageError, match="`--memory` must be an amount such as 800M or 2G"
    ) as error:
        parse_bytes(text)
    assert len(str(error.value)) < 400
