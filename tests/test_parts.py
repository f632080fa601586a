"""Slabs of a volume and tiles of a picture add up to what the whole gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nuriwake.regions.components import connected_components
from nuriwake.regions.cues import grid_cues, sum_cues
from nuriwake.regions.graph import Frame, region_graph
from nuriwake.regions.merging import Evidence
from nuriwake.regions.parts import add_up, sum_part
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
