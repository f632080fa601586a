import io
import os
import signal

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import posix_only
from nuriwake.errors import InputError
from nuriwake.faces.web.decoder import Decoder
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.pyramid import Place, Pyramid
from nuriwake.faces.web.work import Origin


def flat_png(side):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def decoder():
    decoder = Decoder(Limits(decoders=1))
    yield decoder
    decoder.close()


def processes(decoder):
    return [child._process for child in decoder._children]


def test_values_and_mask_come_through(decoder):
    values = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    values[..., 3] = [[0, 255, 255], [255, 255, 0]]
    buffer = io.BytesIO()
    Image.fromarray(values, "RGBA").save(buffer, "PNG")
    raster, origin = decoder.image(buffer.getvalue(), "a.png")
    assert origin == Origin()
    np.testing.assert_array_equal(raster.array, values[..., :3])
    np.testing.assert_array_equal(raster.valid, values[..., 3] > 0)
    deep = np.arange(20 * 30 * 5, dtype=np.uint16).reshape(20, 30, 5) * 7
    tifffile.imwrite(buffer := io.BytesIO(), deep, photometric="minisblack", planarconfig="contig")
    np.testing.assert_array_equal(decoder.image(buffer.getvalue(), "b.tif")[0].array, deep)
    assert len(processes(decoder)) == 1  # the same for both


def test_a_page_of_a_stack_is_chosen(decoder):
    pages = np.arange(2 * 3 * 8 * 9, dtype=np.uint16).reshape(2, 3, 8, 9)
    tifffile.imwrite(buffer := io.BytesIO(), pages, imagej=True, metadata={"axes": "TZYX"})
    raster, origin = decoder.image(buffer.getvalue(), "s.tif", 4)
    np.testing.assert_array_equal(raster.array[:, :, 0], pages[1, 1])
    assert origin == Origin(n_pages=6, page=4, plane="t=1,z=1")
    other, origin = origin.turn(1)  # of what the server kept
    np.testing.assert_array_equal(other.array[:, :, 0], pages[0, 1])
    assert origin == Origin(n_pages=6, page=1, plane="t=0,z=1")
    with pytest.raises(InputError, match="page"):
        decoder.image(buffer.getvalue(), "s.tif", 6)


def test_what_is_too_large_is_reduced():
    decoder = Decoder(Limits(decoders=1, pixels=100))
    try:
        values = np.arange(31 * 20, dtype=np.uint16).reshape(31, 20)
        tifffile.imwrite(buffer := io.BytesIO(), values, photometric="minisblack")
        raster, origin = decoder.image(buffer.getvalue(), "s.tif")
    finally:
        decoder.close()
    assert origin == Origin(pyramid=Pyramid(31, 20, 3))
    tile = np.asarray(Image.open(io.BytesIO(origin.tiles.read(Place(0, 0, 0)))))
    assert tile.shape == (31, 20, 3)
    assert raster.shape == (10, 6)
    assert raster.array[2, 1, 0] == np.rint(values[6:9, 3:6].mean())


def test_scribbles_of_nothing_are_none(decoder):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(buffer, "PNG")
    assert decoder.scribbles(buffer.getvalue(), (4, 5)) is None
    with pytest.raises(InputError, match="5 x 5 pixels; got 1 bands of 5 x 4"):
        decoder.scribbles(buffer.getvalue(), (5, 5))


@pytest.mark.skipif(os.name != "posix", reason="memory is bounded where the system can")
def test_memory_is_bounded():
    decoder = Decoder(Limits(decoders=1, decode_bytes=60 * 2**20))
    try:
        with pytest.raises(
            InputError, match=r"large.png: (needs too much memory|damaged|cannot be read .* memory)"
        ):
            decoder.image(flat_png(3900), "large.png")
        assert decoder.image(flat_png(8), "small.png")[0].shape == (8, 8)
    finally:
        decoder.close()


def test_time_is_bounded_and_the_next_picture_is_decoded(monkeypatch):
    decoder = Decoder(Limits(decoders=1, decode_seconds=0.01))
    try:
        with pytest.raises(InputError, match=r"late.png: takes more than 0.01 s"):
            decoder.image(flat_png(8), "late.png")  # the process has not even begun by then
        monkeypatch.setattr(decoder, "_limits", Limits())
        assert decoder.image(flat_png(8), "next.png")[0].shape == (8, 8)
    finally:
        decoder.close()


@posix_only
def test_a_dead_process_is_replaced(decoder):
    decoder.image(flat_png(8), "a.png")
    (process,) = processes(decoder)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert decoder.image(flat_png(8), "a.png")[0].shape == (8, 8)


def test_closing_leaves_no_process_and_no_folder(decoder):
    decoder.image(flat_png(8), "a.png")
    (child,) = decoder._children
    folder = child._folder.name
    decoder.close()
    assert child._process.poll() is not None
    assert not os.path.exists(folder)  # noqa: PTH110
