"""Axes, pixel sizes and channel names of TIFFs as microscopes write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from nuriwake.errors import InputError, UsageError
from nuriwake.io.selection import Selection
from nuriwake.io.sources import open_planes, read_input
from nuriwake.io.stack import open_stack
from nuriwake.io.tiff_axes import open_stored_tiff
from nuriwake.raster import Window

ZCYX = np.random.default_rng(0).integers(0, 4000, (5, 3, 12, 16)).astype(np.uint16)
OME = {
    "axes": "ZCYX",
    "PhysicalSizeX": 0.5,
    "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 250.0,
    "PhysicalSizeYUnit": "nm",
    "PhysicalSizeZ": 2.0,
    "PhysicalSizeZUnit": "µm",
    "Channel": {"Name": ["DAPI", "GFP", "RFP"]},
}


@pytest.fixture
def ome(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "cells.ome.tif", ZCYX, metadata=OME)
    return tmp_path / "cells.ome.tif"


def test_ome_says_axes_sizes_and_channels(ome: Path) -> None:
    stored = open_stored_tiff(ome)
    assert (stored.axes, stored.shape, stored.unit) == ("ZCYX", (5, 3, 12, 16), "micrometer")
    assert stored.spacing == (2.0, 1.0, 0.25, 0.5)
    assert stored.channel_names == ("DAPI", "GFP", "RFP")


def test_imagej_says_them_too(tmp_path: Path) -> None:
    metadata = {"axes": "TZYX", "spacing": 3.0, "unit": "micron", "finterval": 0.5}
    tifffile.imwrite(
        tmp_path / "a.tif", ZCYX[:, :2], imagej=True, resolution=(2.0, 4.0), metadata=metadata
    )
    stored = open_stored_tiff(tmp_path / "a.tif")
    assert (stored.axes, stored.spacing) == ("TZYX", (0.5, 3.0, 0.25, 0.5))
    assert stored.unit == "micrometer"


def test_time_in_other_units_becomes_seconds(tmp_path: Path) -> None:
    metadata = {"axes": "TYX", "TimeIncrement": 250.0, "TimeIncrementUnit": "ms"}
    tifffile.imwrite(tmp_path / "a.ome.tif", ZCYX[:, 0], metadata=metadata)
    assert open_stored_tiff(tmp_path / "a.ome.tif").step("T") == 0.25


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_channels_are_no_pictures(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "cells.ome.tif"
    tifffile.imwrite(path, ZCYX, metadata=OME, compression=compression)
    stack = open_stack(path)
    assert (len(stack), stack.n_bands, stack.page_axes) == (5, 3, "Z")
    assert stack.band_names == ("DAPI", "GFP", "RFP")
    for depth, page in enumerate(stack):
        np.testing.assert_array_equal(page.array, ZCYX[depth].transpose(1, 2, 0))
    chosen = open_stack(path, Selection((3, 1)))
    np.testing.assert_array_equal(chosen.page(4).array, ZCYX[4, [2, 0]].transpose(1, 2, 0))
    assert chosen.band_names == ("RFP", "DAPI")


def test_one_plane_is_a_picture(ome: Path) -> None:
    raster = read_input(ome, Selection(plane=(("Z", 3),)))
    np.testing.assert_array_equal(raster.array, ZCYX[3].transpose(1, 2, 0))
    assert raster.georeference.transform == (0.5, 0.0, 0.0, 0.0, 0.25, 0.0)
    assert (raster.georeference.unit, raster.band_names) == ("micrometer", ("DAPI", "GFP", "RFP"))
    with pytest.raises(InputError, match=r"stack of 5 pages \(axes ZCYX\) .* --plane z=0"):
        read_input(ome)


def test_letters_win_over_the_file(tmp_path: Path, ome: Path) -> None:
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, ZCYX[:, 0], photometric="minisblack")
    assert open_stack(plain).page_axes == "I"
    as_channels = open_planes(plain, Selection(axes="CYX"))
    assert (as_channels.n_bands, as_channels.shape) == (5, (12, 16))
    turned = open_stack(ome, Selection(axes="CZXY"))
    assert (len(turned), turned.n_bands, turned.shape) == (3, 5, (16, 12))
    np.testing.assert_array_equal(turned.page(1).array, ZCYX[:, 1].transpose(2, 1, 0))
    with pytest.raises(UsageError, match=r"`--axes` must be 3 letters for the shape \(5, 12, 16\)"):
        open_stack(plain, Selection(axes="ZCYX"))


def test_pages_without_names_are_one_axis(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ZCYX[:, :, None], photometric="minisblack")
    stack = open_stack(tmp_path / "a.tif")
    assert (len(stack), stack.grid.axes, stack.grid.is_named) == (15, "IYX", False)
    np.testing.assert_array_equal(stack.page(7).array[:, :, 0], ZCYX[2, 1])


def test_alpha_is_a_mask_on_every_page(tmp_path: Path) -> None:
    rgba = np.random.default_rng(0).integers(1, 255, (3, 12, 16, 4), np.uint8)
    rgba[1, :4, :, 3] = 0
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    stack = open_stack(tmp_path / "a.tif")
    assert (len(stack), stack.n_bands) == (3, 3)
    np.testing.assert_array_equal(stack.page(1).array, rgba[1, :, :, :3])
    assert not stack.page(1).valid[:4].any()
    assert stack.page(1).valid[4:].all()


def test_a_mask_follows_each_page_of_a_stack(tmp_path: Path) -> None:
    pages = np.random.default_rng(0).integers(1, 255, (3, 12, 16, 3), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, page in enumerate(pages):
            file.write(page, photometric="rgb", metadata=None)
            if number:  # the first one has none
                mask = np.arange(12)[:, None] * np.ones(16) >= number
                file.write(mask, photometric="mask", subfiletype=4, metadata=None)
    stack = open_stack(tmp_path / "a.tif")
    assert [int((~page.valid).sum()) for page in stack] == [0, 16, 32]
    np.testing.assert_array_equal(stack.page(2).array, pages[2])
    part = stack.plane(2).read(Window(1, 3, 4, 5))
    assert part.valid.sum(axis=1).tolist() == [0, 5, 5, 5]


@pytest.mark.parametrize(
    ("plane", "message"),
    [
        ((("T", 0),), "must be along Z for .* whose axes are ZCYX; got T"),
        ((("Z", 5),), r"must be an int in \[0, 4\] along Z"),
    ],
)
def test_planes_that_are_not_there(ome: Path, plane: tuple, message: str) -> None:
    with pytest.raises(UsageError, match=f"`--plane` {message}"):
        open_stack(ome, Selection(plane=plane))


def test_damaged_pages_cost_one_line(ome: Path) -> None:
    stack = open_stack(ome)
    whole = ome.read_bytes()
    ome.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cells\.ome\.tif") as caught:
        stack.page(4)
    assert "\n" not in str(caught.value)
