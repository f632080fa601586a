"""Colours: steady, distinct, and told apart by colour-blind people."""

from __future__ import annotations

import numpy as np

from nuriwake.painting import as_picture, outlines, overlay, paint, palette


def test_a_colour_does_not_depend_on_how_many_there_are():
    np.testing.assert_array_equal(palette(50)[:10], palette(10))


def test_the_first_84_colours_differ():
    assert len(np.unique(palette(85), axis=0)) == 85


def test_colour_blind_people_tell_the_first_colours_apart():
    # Deuteranopia and protanopia (Vienot et al. 1999), linear RGB.
    linear = (palette(9)[1:] / 255.0) ** 2.2
    for matrix in (
        [[0.2928, 0.7072, 0.0], [0.2928, 0.7072, 0.0], [-0.0223, 0.0223, 1.0]],
        [[0.1124, 0.8876, 0.0], [0.1124, 0.8876, 0.0], [0.0040, -0.0040, 1.0]],
    ):
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        gaps = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 9 * np.eye(len(seen))
        assert gaps.min() > 0.08


def test_outlines_lie_between_labels():
    labels = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 3]], np.int32)
    expected = [[0, 1, 0], [1, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(outlines(labels), np.array(expected, bool))


def test_overlay_shows_no_data_black_and_outlines_white():
    labels = np.array([[0, 1, 1, 2]], np.int32)
    shown = overlay(np.full((1, 4, 3), 100, np.uint8), labels, opacity=0.0)
    assert shown[0].tolist() == [[255] * 3, [100] * 3, [255] * 3, [100] * 3]


def test_one_two_and_many_bands_are_shown():
    for n_bands in (1, 2, 3, 7):
        assert as_picture(np.zeros((2, 3, n_bands), np.float32)).shape == (2, 3, 3)


def test_paint_uses_the_palette():
    assert paint(np.array([[3]], np.int32))[0, 0].tolist() == palette(4)[3].tolist()
