"""Edges of colour and of textons: known slopes, nodata that does not smear."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nuriwake.regions.evidence import edge_strength, texton_edges, texton_surprises


@pytest.mark.parametrize(("slopes", "expected"), [((3.0, 0.0), 3.0), ((3.0, 4.0), 5.0)])
def test_a_ramp_has_its_slope(slopes, expected):
    row, col = np.mgrid[:30, :30].astype(np.float32)
    ramp = np.stack([slopes[0] * row, slopes[1] * col], axis=2)
    strength = edge_strength(ramp, np.ones((30, 30), bool), sigma=1.5)
    np.testing.assert_allclose(strength[10:20, 10:20], expected, rtol=1e-3)


def test_invalid_pixels_do_not_smear():
    values = np.full((20, 30, 1), 7.0, np.float32)
    valid = np.ones((20, 30), bool)
    valid[:, 14:] = False
    values[~valid] = 1e6
    strength = edge_strength(values, valid, sigma=1.0)
    np.testing.assert_allclose(strength[:, :13], 0.0, atol=1e-3)


def test_the_strength_of_a_step_does_not_depend_on_the_sampling():
    # At twice the size and twice the sigma an edge is half as steep in pixels.
    step = np.zeros((40, 40, 1), np.float32)
    step[:, 20:] = 10
    double = np.kron(step[:, :, 0], np.ones((2, 2), np.float32))[:, :, np.newaxis]
    once = edge_strength(step, np.ones((40, 40), bool), sigma=2.0).max()
    twice = 2 * edge_strength(double, np.ones((80, 80), bool), sigma=4.0).max()
    assert twice == pytest.approx(once, rel=0.05)


def test_texton_edges_lie_where_the_mixture_changes():
    textons = np.zeros((9, 12, 3), np.float32)
    textons[:, :6] = (0.5, 0.5, 0.0)
    textons[:, 6:] = (0.0, 0.0, 1.0)
    strength = texton_edges(textons, sigma=1.0)
    assert set(strength.argmax(axis=1)) <= {5, 6}
    assert strength[:, [0, 1, 10, 11]].max() < 0.05 * strength.max()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_ramp_in_a_volume_has_its_slope(axis):
    steps = (3.0, 1.0, 2.0)
    ramp = np.indices((16, 20, 18))[axis] * steps[axis] * 5.0
    strength = edge_strength(ramp[..., np.newaxis].astype(np.float32), np.ones(ramp.shape, bool),
                             sigma=1.5, steps=steps)  # fmt: skip
    np.testing.assert_allclose(strength[6:10, 6:14, 6:12], 5.0, rtol=1e-3)


def test_texton_edges_of_a_volume_are_those_of_its_slices_where_these_are_alike():
    rng = np.random.default_rng(0)
    textons = rng.random((7, 9, 4)).astype(np.float32)
    textons /= textons.sum(axis=-1, keepdims=True)
    volume = np.repeat(textons[np.newaxis], 5, axis=0)
    expected = texton_edges(textons, sigma=0.8)
    np.testing.assert_allclose(texton_edges(volume, sigma=0.8)[2], expected, rtol=1e-4, atol=1e-6)


def surprises_by_pair(textons):
    """Count every pair of cells up to two cells apart; then look at both hands of each cell."""
    cells = list(np.ndindex(textons.shape[:-1]))
    joint = sum(
        np.outer(textons[one], textons[other])
        for one in cells
        for other in cells
        if 0 < np.square(np.subtract(one, other)).sum() <= 4
    )
    joint = joint / joint.sum()
    own = joint.sum(axis=0) + 1e-4
    information = np.log((joint + 1e-7) ** 1.25 / np.outer(own, own))
    found = np.zeros(textons.shape[:-1])
    for cell in cells:
        for axis, size in enumerate(textons.shape[:-1]):
            before, after = list(cell), list(cell)
            before[axis], after[axis] = max(cell[axis] - 1, 0), min(cell[axis] + 1, size - 1)
            bond = textons[tuple(before)] @ information @ textons[tuple(after)]
            found[cell] += np.log1p(np.exp(-bond)) ** 2
    return np.sqrt(found)


@pytest.mark.parametrize("shape", [(6, 7), (3, 4, 3), (1, 5), (2, 1)])
def test_surprises_equal_the_loop(shape):
    textons = np.random.default_rng(1).random((*shape, 3)).astype(np.float32) ** 4
    textons /= textons.sum(axis=-1, keepdims=True)
    found = texton_surprises(textons, textons)
    np.testing.assert_allclose(found, surprises_by_pair(textons), rtol=1e-4)


def test_textons_that_alternate_are_no_surprise():
    # A board of two textons on the left, a third one on the right: as different as each other.
    label = np.indices((12, 20)).sum(axis=0) // 2 % 2
    label[:, 10:] = 2
    textons = np.eye(3, dtype=np.float32)[label]
    strength = texton_surprises(textons, gaussian_filter(textons, (0.5, 0.5, 0)))
    assert strength[:, 2:7].max() < 0.7 * strength[:, 9:11].max(axis=1).min()


def test_a_grid_of_one_cell_has_surprises_that_are_numbers():
    alone = np.full((1, 1, 2), 0.5, np.float32)
    assert np.isfinite(texton_surprises(alone, alone)).all()
