"""A picture beside its reduced copy: tiles that show it, and labels in its size."""

import io

import numpy as np
import pytest
from PIL import Image

from nuriwake.errors import InputError
from nuriwake.faces.web.picture import raster_picture
from nuriwake.faces.web.pyramid import TILE, Place, Pyramid, Tiles, fit
from nuriwake.raster import Raster


def smooth(height, width, dtype):
    """A slope in each band: JPEG keeps it, and its means are its own values."""
    rows, cols = np.mgrid[:height, :width]
    bands = np.stack([rows / height, cols / width, (rows + cols) / (height + width)], axis=2)
    return (bands * (255 if dtype == np.uint8 else 4000)).astype(dtype)


def opened(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)), float)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiles_of_each_level_show_the_picture_in_the_colours_of_its_copy(dtype):
    raster = Raster(smooth(700, 1201, dtype), np.ones((700, 1201), bool))
    reduced, pyramid, encoded = fit(raster, most=60_000)
    assert pyramid == Pyramid(700, 1201, 4)
    assert reduced.shape == pyramid.reduced_shape == (175, 300)
    tiles = Tiles(pyramid, [len(each) for each in encoded], b"".join(encoded))
    # The colours of the copy, each pixel as 4 x 4.
    shown = raster_picture(reduced).repeat(4, 0).repeat(4, 1).astype(float)
    for level, n_rows, n_cols in ((0, 2, 3), (1, 1, 2)):
        rows = [
            np.concatenate([opened(tiles.read(Place(level, r, c))) for c in range(n_cols)], axis=1)
            for r in range(n_rows)
        ]
        whole = np.concatenate(rows)
        assert whole.shape[:2] == (-(-700 >> level), -(-1201 >> level))
        whole = whole.repeat(1 << level, 0).repeat(1 << level, 1)[:700, :1200]
        assert np.abs(whole - shown).max() < 6
        assert tiles.read(Place(level, n_rows, 0)) is None
    assert tiles.read(Place(2, 0, 0)) is None


def test_what_is_small_enough_has_no_tiles():
    raster = Raster(smooth(20, 30, np.uint8), np.ones((20, 30), bool))
    assert fit(raster, most=600) == (raster, None, [])


def test_a_picture_of_holes_cannot_be_reduced():
    valid = np.indices((20, 30)).sum(axis=0) % 2 == 0
    with pytest.raises(InputError, match="no 2 x 2 pixels side by side are valid"):
        fit(Raster(smooth(20, 30, np.uint8), valid), most=300)


def test_tiles_that_do_not_belong_together_are_refused():
    pyramid = Pyramid(TILE + 1, 10, 2)
    assert Tiles(pyramid, [2, 1], b"abc").read(Place(0, 1, 0)) == b"c"
    for lengths, data in (([3], b"abc"), ([2, 2], b"abc"), ([3, 0], b"abc")):
        with pytest.raises(InputError, match="another picture"):
            Tiles(pyramid, lengths, data)


@pytest.mark.parametrize("lie", [(9, 20, 1), (31, 20, 3), (12, 20, 2), (10**9, 2 * 10**9, 10**8)])
def test_a_pyramid_that_lies_does_not_fit(lie):
    assert Pyramid(10, 21, 2).fits((5, 10), 1000)
    assert not Pyramid(*lie).fits((5, 10), 1000)
