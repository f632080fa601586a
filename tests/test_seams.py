from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nuriwake.errors import OutputError
from nuriwake.io.geotiff import open_geotiff
from nuriwake.raster import Raster, Window
from nuriwake.scale.products import LabelledTiles, MosaicOutputs, write_products
from nuriwake.scale.seams import number_components
from nuriwake.scale.tile_components import describe_components, label_components, sum_pairs
from nuriwake.scale.tiles import TilePlan, plan_tiles
from nuriwake.scale.workfolder import WorkFolder
from oracles_scale import flood_components, sieve_pixels

label_maps = arrays(
    np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3)
)
tile_shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))


def merge_tiled(labels: np.ndarray, plan: TilePlan, min_pixels: int = 1):
    """Number the components tile by tile; return the region map, the label map and the count."""
    tables = [
        describe_components(labels[tile.core.slices], tile, plan.shape, min_pixels) for tile in plan
    ]
    numbering = number_components(plan, tables.__getitem__, min_pixels)
    regions, relabelled = np.zeros_like(labels), np.zeros_like(labels)
    for tile in plan:
        ids = label_components(labels[tile.core.slices])
        region_of, label_of = numbering.lookup(tile.index)
        regions[tile.core.slices] = region_of[ids]
        relabelled[tile.core.slices] = label_of[ids]
    return regions, relabelled, numbering.n_regions


@given(label_maps, tile_shapes)
def test_components_do_not_depend_on_the_tiles(labels, tile_shape) -> None:
    regions, relabelled, n_regions = merge_tiled(labels, plan_tiles(labels.shape, tile_shape, 0))
    np.testing.assert_array_equal(regions, flood_components(labels))
    np.testing.assert_array_equal(relabelled, labels)
    assert n_regions == regions.max()


@settings(max_examples=80)
@given(label_maps, tile_shapes, st.integers(2, 12))
def test_the_sieve_does_not_depend_on_the_tiles(labels, tile_shape, min_pixels) -> None:
    plan = plan_tiles(labels.shape, tile_shape, 0)
    regions, relabelled, _ = merge_tiled(labels, plan, min_pixels)
    np.testing.assert_array_equal(relabelled, sieve_pixels(labels, min_pixels))
    np.testing.assert_array_equal(regions, flood_components(relabelled))


@given(label_maps, st.integers(2, 12))
def test_what_is_left_after_the_sieve_is_large_or_alone(labels, min_pixels) -> None:
    regions, relabelled, _ = merge_tiled(labels, plan_tiles(labels.shape, (5, 5), 0), min_pixels)
    np.testing.assert_array_equal(relabelled == 0, labels == 0)
    padded = np.pad(regions, 1)
    for region in range(1, regions.max() + 1):
        inside = padded == region
        around = np.zeros_like(inside)
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            around |= np.roll(inside, step, axis)
        has_neighbour = (padded[around & ~inside] > 0).any()
        assert inside.sum() >= min_pixels or not has_neighbour


def test_a_snake_through_four_tiles_is_one_region() -> None:
    labels = np.array([[1, 1, 1, 1], [2, 2, 2, 1], [1, 1, 1, 1], [1, 2, 2, 2]], np.int32)
    regions, _, n_regions = merge_tiled(labels, plan_tiles((4, 4), (2, 2), 0))
    assert regions.tolist() == [[1, 1, 1, 1], [2, 2, 2, 1], [1, 1, 1, 1], [1, 3, 3, 3]]
    assert n_regions == 3


def test_pixels_that_touch_at_a_corner_only_are_apart() -> None:
    regions, _, _ = merge_tiled(np.array([[1, 2], [2, 1]], np.int32), plan_tiles((2, 2), (1, 1), 0))
    assert regions.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("tile_shape", [(3, 3), (1, 2)])
def test_components_that_meet_when_a_speck_between_them_joins_are_one(tile_shape) -> None:
    labels = np.array([[1, 1, 1], [2, 1, 2], [1, 1, 1]], np.int32)
    labels[1] = [3, 2, 3]
    regions, relabelled, n_regions = merge_tiled(labels, plan_tiles((3, 3), tile_shape, 0), 2)
    assert relabelled.tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert n_regions == regions.max() == 1


def test_pairs_of_few_of_very_many_ids() -> None:
    pairs, sums = sum_pairs(np.array([[2**40, 3], [3, 2**40], [1, 3]]), np.array([1, 2, 4]))
    np.testing.assert_array_equal(pairs, [[1, 3], [3, 2**40]])
    np.testing.assert_array_equal(sums, [4, 3])


def crowded(folder: Path, before: int) -> tuple[np.ndarray, LabelledTiles]:
    """A map of four tiles as it would be with so many regions before it."""
    labels = np.random.default_rng(0).integers(0, 4, (40, 50)).astype(np.int32)
    plan, work = plan_tiles(labels.shape, (20, 30), 0), WorkFolder(folder / "work")
    for tile in plan:
        core = labels[tile.core.slices]
        work.save_tile(tile.index, core, describe_components(core, tile, plan.shape), 3)
    numbering = number_components(plan, work.load_components)
    shifted = replace(
        numbering,
        begun=numbering.begun + before,
        root_ids=numbering.root_ids + before,
        n_regions=numbering.n_regions + before,
    )
    raster = Raster(labels[:, :, np.newaxis], labels > 0)
    return flood_components(labels), LabelledTiles(raster, plan, work, 3, shifted)


@pytest.mark.parametrize(("before", "dtype"), [(0, "uint16"), (2**31, "uint32"), (2**40, "uint64")])
def test_more_regions_than_32_bits_count(tmp_path: Path, before: int, dtype: str) -> None:
    whole, done = crowded(tmp_path, before)
    write_products(MosaicOutputs(regions=tmp_path / "r.tif"), done, 0.0, "run")
    written = open_geotiff(tmp_path / "r.tif")
    assert written.dtype == dtype
    regions = written.read(Window.full(whole.shape)).array[:, :, 0]
    np.testing.assert_array_equal(
        regions, np.where(whole > 0, whole.astype(np.uint64) + np.uint64(before), 0)
    )


def test_polygons_of_more_regions_are_refused(tmp_path: Path) -> None:
    _, done = crowded(tmp_path, 2**31)
    with pytest.raises(OutputError, match=r"up to 2147483647; there are 2147.* --min-area"):
        write_products(MosaicOutputs(polygons=tmp_path / "r.gpkg"), done, 0.0, "run")
