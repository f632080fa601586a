"""Stacks of label maps, read back by the libraries that people read them with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from nuriwake.errors import OutputError, UsageError
from nuriwake.faces.cli import run
from nuriwake.io.grid import Grid
from nuriwake.io.label_stack import write_label_stack

QUICK = ["--max-iter", "2", "--threads", "1", "--quiet"]
GRID = Grid("TZYX", (2, 3, 8, 10), (0.5, 2.0, 0.25, 0.5), "micrometer")
LABELS = np.random.default_rng(0).integers(0, 300, GRID.shape).astype(np.int32)
PAGES = list(LABELS.reshape(-1, 8, 10))


def _ome(path: Path) -> dict:
    with tifffile.TiffFile(path) as file:
        return tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]


def test_an_ome_tiff_keeps_axes_and_sizes(tmp_path: Path) -> None:
    write_label_stack(tmp_path / "a.tif", PAGES, 300, GRID)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert (file.series[0].axes, file.series[0].dtype) == ("TZYX", np.uint16)
        np.testing.assert_array_equal(file.asarray(), LABELS)
    pixels = _ome(tmp_path / "a.tif")
    sizes = [pixels[f"PhysicalSize{axis}"] for axis in "ZYX"]
    assert sizes == [2.0, 0.25, 0.5]
    assert "PhysicalSizeXUnit" not in pixels  # which means micrometres
    assert (pixels["TimeIncrement"], pixels["TimeIncrementUnit"]) == (0.5, "s")


def test_the_same_stack_is_the_same_file(tmp_path: Path) -> None:
    nanometers = Grid(GRID.axes, GRID.shape, GRID.spacing, "nanometer")
    for name in ("a.tif", "b.tif"):
        write_label_stack(tmp_path / name, PAGES, 300, nanometers)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert _ome(tmp_path / "a.tif")["PhysicalSizeZUnit"] == "nm"


def test_an_ome_zarr_keeps_them_too(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    write_label_stack(tmp_path / "a.zarr", PAGES, 300, GRID)
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][:], LABELS)
    multiscale = group.attrs["multiscales"][0]
    assert [axis["name"] for axis in multiscale["axes"]] == list("tzyx")
    assert [axis["unit"] for axis in multiscale["axes"]] == ["second", *["micrometer"] * 3]
    (scale, _) = multiscale["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [0.5, 2.0, 0.25, 0.5]
    with pytest.raises(OutputError, match="it exists already"):
        write_label_stack(tmp_path / "a.zarr", PAGES, 300, GRID)


def test_ome_zarr_reads_labels_with_axes_and_units(tmp_path: Path) -> None:
    io, reader = pytest.importorskip("ome_zarr.io"), pytest.importorskip("ome_zarr.reader")
    write_label_stack(tmp_path / "a.zarr", PAGES, 300, GRID)
    (node,) = reader.Reader(io.parse_url(str(tmp_path / "a.zarr"), mode="r"))()
    np.testing.assert_array_equal(node.data[0], LABELS)
    assert [(axis["name"], axis["unit"]) for axis in node.metadata["axes"]] == [
        ("t", "second"),
        *((name, "micrometer") for name in "zyx"),
    ]
    assert node.metadata["coordinateTransformations"][0][0]["scale"] == [0.5, 2.0, 0.25, 0.5]


def test_pages_of_unknown_meaning_stay_pages(tmp_path: Path) -> None:
    write_label_stack(tmp_path / "a.tif", PAGES, 300, Grid("IYX", (6, 8, 10), (1.0,) * 3))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert not file.is_ome
        np.testing.assert_array_equal(file.asarray(), LABELS.reshape(6, 8, 10))
    with pytest.raises(UsageError, match=r"`-o` must be a name that ends in \.tif"):
        write_label_stack(tmp_path / "a.png", [], 1, GRID)


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Four slices of two channels: a bright disc that grows with depth, on noise."""
    rows, cols = np.mgrid[:32, :40]
    noise = np.random.default_rng(0).normal(400, 20, (4, 2, 32, 40))
    for depth, pair in enumerate(noise):
        pair[0][(rows - 16) ** 2 + (cols - 20) ** 2 < (6 + 2 * depth) ** 2] += 800
    metadata = {
        "axes": "ZCYX",
        **{f"PhysicalSize{axis}": size for axis, size in (("X", 0.5), ("Y", 0.5), ("Z", 2.0))},
        "Channel": {"Name": ["nuclei", "empty"]},
    }
    tifffile.imwrite(tmp_path / "cells.ome.tif", noise.astype(np.uint16), metadata=metadata)
    return tmp_path / "cells.ome.tif"


@pytest.mark.parametrize("recipe", ["fast", "tip2020"])
def test_a_stack_of_channels_from_file_to_file(cells: Path, tmp_path: Path, recipe: str) -> None:
    out = tmp_path / recipe
    assert run(["segment", str(cells), "-o", str(out), "--recipe", recipe, *QUICK]) == 0
    labels = out / "cells.ome.labels.tif"
    with tifffile.TiffFile(labels) as file:
        assert (file.series[0].axes, file.series[0].shape) == ("ZYX", (4, 32, 40))
    assert _ome(labels)["PhysicalSizeZ"] == 2.0
    record = json.loads((out / "cells.ome.nuriwake.json").read_text())
    assert (record["axes"], record["spacing"]) == ("ZYX", [2.0, 0.5, 0.5])
    assert (record["unit"], record["channel_names"]) == ("micrometer", ["nuclei", "empty"])
    assert (record["pieces"], record["bands"]) == (4, 2)


def test_a_plane_and_a_channel_from_file_to_file(cells: Path, tmp_path: Path) -> None:
    chosen = ["--plane", "z=3", "--channels", "0", "-o", str(tmp_path / "out"), *QUICK]
    assert run(["segment", str(cells), "--regions", "2", *chosen]) == 0
    regions = tmp_path / "out" / "cells.ome.regions.tif"
    found = tifffile.imread(regions)
    assert (found.shape, found.max()) == ((32, 40), 2)
    assert found[16, 20] != found[2, 2]
    pixels = _ome(regions)
    assert pixels["PhysicalSizeX"] == 0.5
    record = json.loads((tmp_path / "out" / "cells.ome.nuriwake.json").read_text())
    assert record["request"]["plane"] == "Z=3"
    assert (record["channel_names"], record["spacing"]) == (["nuclei"], [0.5, 0.5])


def test_a_zarr_stack_gives_a_zarr_stack(cells: Path, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    pixels = tifffile.imread(cells)
    group = zarr.open_group(tmp_path / "cells.zarr", mode="w", zarr_format=2)
    group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, chunks=(1, 1, 32, 40))[:] = (
        pixels
    )
    kinds = {"z": "space", "c": "channel", "y": "space", "x": "space"}
    axes = [
        {"name": name, "type": kind, **({"unit": "micrometer"} if kind == "space" else {})}
        for name, kind in kinds.items()
    ]
    steps = [{"type": "scale", "scale": [2.0, 1.0, 0.5, 0.5]}]
    datasets = [{"path": "0", "coordinateTransformations": steps}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    model = str(tmp_path / "m.safetensors")
    assert run(["fit", str(tmp_path / "cells.zarr"), "-m", model, "--recipe", "fast", *QUICK]) == 0
    for source in (tmp_path / "cells.zarr", cells):
        assert run(["apply", model, str(source), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    labels = zarr.open_group(tmp_path / "out" / "cells.labels.zarr", mode="r")
    assert [axis["name"] for axis in labels.attrs["multiscales"][0]["axes"]] == list("zyx")
    assert labels.attrs["multiscales"][0]["axes"][0]["unit"] == "micrometer"
    of_tiff = tifffile.imread(tmp_path / "out" / "cells.ome.labels.tif")
    np.testing.assert_array_equal(labels["0"][:], of_tiff)


def test_a_plane_that_is_labelled_by_tiles_keeps_its_size(cells: Path, tmp_path: Path) -> None:
    """Apply writes tile by tile, with GDAL."""
    pytest.importorskip("rasterio")
    model, out = str(tmp_path / "m.safetensors"), str(tmp_path / "out.tif")
    assert run(["fit", str(cells), "-m", model, *QUICK]) == 0
    arguments = ["apply", model, str(cells), "--plane", "z=1", "--save", "labels", "-o", out]
    assert run([*arguments, "--quiet"]) == 0
    assert tifffile.imread(out).shape == (32, 40)
    assert _ome(Path(out))["PhysicalSizeX"] == 0.5
    stack = str(tmp_path / "stack.tif")
    assert run(["apply", model, str(cells), "-o", stack, "--quiet"]) == 0
    np.testing.assert_array_equal(tifffile.imread(stack)[1], tifffile.imread(out))
