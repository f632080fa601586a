"""Amounts of memory, and what fits them."""

from __future__ import annotations

import pytest

from nuriwake.errors import UsageError
from nuriwake.scale.memory import (
    WindowPlan,
    fits_in_memory,
    parse_bytes,
    plan_scene_pixels,
    plan_tile_pixels,
    plan_windows,
    references_fit,
)
from nuriwake.settings import Settings

TIP = Settings(recipe="tip2020", precision="bf16")


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
    assert fits_in_memory(1 << 30, 1000, 3, TIP)


def test_windows_shrink_with_the_memory():
    plans = [plan_windows(m << 20, 1, 4, TIP) for m in (600, 700, 64_000)]
    assert plans[-1] == WindowPlan(16, 256)
    assert plans[0].crop_size < plans[1].crop_size <= 256
    few = plan_windows(900 << 20, 40, 4, TIP)
    assert few.n_windows < plans[1].n_windows <= 16
    with pytest.raises(UsageError, match=r"at least [0-9]+M to learn from 40 image"):
        plan_windows(500 << 20, 40, 4, TIP)


def test_whole_references_count_together():
    assert references_fit(2 << 30, [100_000], 3, TIP)
    assert not references_fit(2 << 30, [25_000_000], 4, TIP)
    assert references_fit(2 << 30, [100_000] * 10, 3, TIP)
    assert not references_fit(2 << 30, [100_000] * 1000, 3, TIP)


@pytest.mark.parametrize("text", ["9" * 400, "9" * 400 + "G", "²G", "1e3", "-1G", "nan"])
def test_amounts_that_are_none(text):
    with pytest.raises(
        UsageError, match="`--memory` must be an amount such as 800M or 2G"
    ) as error:
        parse_bytes(text)
    assert len(str(error.value)) < 400


def test_tiles_of_a_scene_leave_room_for_their_halo():
    one, other = (plan_scene_pixels(700 << 20, 4, halo) for halo in (0, 128))
    assert other < one
    assert plan_scene_pixels(700 << 20, 16, 128) < other
    with pytest.raises(UsageError, match=r"at least [0-9]+M for 2 worker"):
        plan_scene_pixels(700 << 20, 4, 128, n_workers=2)


@pytest.mark.parametrize("is_fast", [True, False])
def test_float32_maps_take_twice_the_memory(monkeypatch, is_fast):
    monkeypatch.setattr("nuriwake.engine.precision.has_fast_bf16", lambda _: is_fast)
    narrow, wide, auto = (
        Settings(recipe="tip2020", precision=precision) for precision in ("bf16", "fp32", "auto")
    )
    assert fits_in_memory(800 << 20, 200_000, 3, narrow)
    assert not fits_in_memory(800 << 20, 200_000, 3, wide)
    assert fits_in_memory(800 << 20, 200_000, 3, auto) is is_fast
    assert references_fit(800 << 20, [200_000], 3, auto) is is_fast
    plans = [plan_windows(700 << 20, 1, 3, settings) for settings in (narrow, wide, auto)]
    assert plans[1].crop_size < plans[0].crop_size
    assert plans[2] == plans[0 if is_fast else 1]


def test_deep_networks_count_all_their_layers():
    deep = Settings(recipe="tip2020", precision="bf16", n_layers=8)
    assert fits_in_memory(800 << 20, 200_000, 3, TIP)
    assert not fits_in_memory(800 << 20, 200_000, 3, deep)


def test_the_number_format_is_asked_only_where_it_decides(monkeypatch):
    # The answer loads PyTorch.
    monkeypatch.setattr("nuriwake.engine.precision.compute_dtype", None)
    settings = Settings(recipe="tip2020")
    assert fits_in_memory(2 << 30, 1000, 3, settings)
    assert not fits_in_memory(2 << 30, 10**9, 3, settings)
