"""Slabs of a volume and tiles of a picture add up to what the whole gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nuriwake.regions.components import connected_components
from nuriwake.regions.cues import grid_cues, sum_cues
from nuriwake.regions.graph import Frame, region_graph
from nuriwake.regions.linkage import Evidence
from nuriwake.regions.parts import PartSums, add_up, sum_part, sum_seam
from nuriwake.settings import Settings

SETTINGS = Settings(recipe="fast")


@pytest.mark.parametrize("n_bands", [1, 3, 5])
def test_slabs_add_up_to_the_volume(n_bands):
    rng = np.random.default_rng(n_bands)
    shape, steps = (9, 12, 10), (3.0, 1.0, 1.0)
    base = connected_components(np.kron(rng.integers(1, 4, (3, 4, 5)), np.ones((3, 3, 2), int)))
    base[2, 3:5] = 0
    base = connected_components(base)
    colours = (rng.random((*shape, n_bands)) * 60).astype(np.float32)
    edges = rng.random(shape).astype(np.float32)
    textons = rng.random((4, 6, 5, 7)).astype(np.float32)
    textons /= textons.sum(axis=-1, keepdims=True)
    grid = grid_cues(textons, rng.random((4, 6, 5, 4)).astype(np.float32), SETTINGS)
    whole = sum_cues(
        region_graph(base), colours, edges, grid, SETTINGS, Frame((0, 0, 0), shape, steps)
    ).evidence()
    parts = []
    for start, end in ((0, 4), (4, 5), (5, 9)):
        slab, core = np.s_[start : end + 1], (end - start, *shape[1:])
        frame = Frame((start, 0, 0), shape, steps)
        parts.append(sum_part(base[slab], core, colours[slab], edges[slab], grid, SETTINGS, frame))
    graph, evidence = add_up(parts, int(base.max()))
    expected = region_graph(base)
    assert graph.pairs.tolist() == expected.pairs.tolist()
    assert graph.lengths.tolist() == expected.lengths.tolist()
    assert graph.areas.tolist() == expected.areas.tolist()
    for field in dataclasses.fields(Evidence):
        np.testing.assert_allclose(
            getattr(evidence, field.name), getattr(whole, field.name), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("n_bands", [1, 2, 3, 7])
def test_tiles_with_numbers_of_their_own_add_up_to_the_picture(n_bands):
    """Tiles number their regions as they like; seams are summed apart from them."""
    rng = np.random.default_rng(n_bands)
    shape = (20, 30)
    base = connected_components(np.kron(rng.integers(0, 3, (4, 6)), np.ones((5, 5), int)))
    colours = (rng.random((*shape, n_bands)) * 60).astype(np.float32)
    edges = rng.random(shape).astype(np.float32)
    textons = rng.random((4, 6, 7)).astype(np.float32)
    textons /= textons.sum(axis=-1, keepdims=True)
    grid = grid_cues(textons, rng.random((4, 6, 4)).astype(np.float32), SETTINGS)
    graph = region_graph(base)
    expected = sum_cues(graph, colours, edges, grid, SETTINGS).evidence()
    parts, offset, numbers = [], 0, {}
    tables = [np.zeros(1, int)]
    for top, bottom in ((0, 10), (10, 11), (11, 20)):
        for left, right in ((0, 17), (17, 30)):
            here = np.s_[top:bottom, left:right]
            ids, own = np.unique(np.append(0, base[here]), return_inverse=True)
            # In another order than the picture's, so that borders are turned.
            order = rng.permutation(len(ids) - 1) + 1
            own = np.append(0, order)[own[1:]].reshape(base[here].shape)
            own[own > 0] += offset
            table = np.zeros(len(ids), int)
            table[order] = ids[1:]
            tables.append(table[1:])
            offset += len(ids) - 1
            frame = Frame((top, left), shape)
            core = own.shape
            parts.append(
                sum_part(
                    own.astype(np.int32), core, colours[here], edges[here], grid, SETTINGS, frame
                )
            )
            numbers[top, left] = own
    for (top, left), own in numbers.items():
        bottom, right = top + own.shape[0], left + own.shape[1]
        if bottom < shape[0]:
            frame = Frame((bottom - 1, left), shape)
            line = edges[bottom - 1 : bottom + 1, left:right]
            after = numbers[bottom, left][0]
            parts.append(sum_seam(own[-1], after, 0, line, grid, SETTINGS, frame))
        if right < shape[1]:
            frame = Frame((top, right - 1), shape)
            line = edges[top:bottom, right - 1 : right + 1]
            after = numbers[top, right][:, 0]
            parts.append(sum_seam(own[:, -1], after, 1, line, grid, SETTINGS, frame))
    to_whole = np.concatenate(tables)
    parts = [PartSums(to_whole[p.ids], to_whole[p.pairs], p.sums) for p in parts]
    found_graph, found = add_up(parts, int(base.max()))
    assert found_graph.pairs.tolist() == graph.pairs.tolist()
    assert found_graph.lengths.tolist() == graph.lengths.tolist()
    assert found_graph.areas.tolist() == graph.areas.tolist()
    for field in dataclasses.fields(Evidence):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), rtol=1e-4, atol=1e-4
        )
