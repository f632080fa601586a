from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import mosaic_runs
from nuriwake.errors import InputError, UsageError
from nuriwake.io.stack import open_stack, write_label_stack
from nuriwake.scale.labelling import label_tile
from nuriwake.scale.pages import fit_stack_steps, label_stack
from nuriwake.segmenter import finish_steps
from nuriwake.settings import Settings


@pytest.fixture
def pages() -> np.ndarray:
    return np.moveaxis(mosaic_runs.scene((40, 50), n_bands=3), -1, 0)


@pytest.fixture
def path(tmp_path: Path, pages: np.ndarray) -> Path:
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack")
    return tmp_path / "stack.tif"


def test_pages_are_read_one_at_a_time(path: Path, pages: np.ndarray) -> None:
    stack = open_stack(path)
    assert (len(stack), stack.shape, stack.n_bands) == (3, (40, 50), 1)
    for raster, page in zip(stack, pages, strict=True):
        np.testing.assert_array_equal(raster.array[:, :, 0], page)
    with pytest.raises(UsageError, match=r"`page` must be an int in \[0, 2\]; got 3"):
        stack.page(3)


def test_pages_of_colour(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (2, 8, 9, 3), np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", colour, photometric="rgb")
    stack = open_stack(tmp_path / "rgb.tif")
    assert (len(stack), stack.n_bands) == (2, 3)
    np.testing.assert_array_equal(stack.page(1).array, colour[1])


def test_one_model_for_all_pages(path: Path, tmp_path: Path) -> None:
    small = {"n_channels": 8, "max_labels": 6, "n_superpixels": 50}
    settings = Settings(recipe="icassp2018", max_iter=2, threads=1, precision="fp32", **small)
    stack = open_stack(path)
    model = finish_steps(fit_stack_steps(stack, settings))
    seen = []
    label_stack(model, stack, tmp_path / "labels.tif", lambda done, n: seen.append((done, n)))
    labels = tifffile.imread(tmp_path / "labels.tif")
    assert (labels.shape, labels.dtype) == ((3, 40, 50), np.uint8)
    for page, raster in zip(labels, stack, strict=True):
        np.testing.assert_array_equal(page, label_tile(model, raster))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_what_is_no_stack(tmp_path: Path, path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_stack(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("hello")
    with pytest.raises(InputError, match=r"text\.tif: cannot be read as a TIFF"):
        open_stack(tmp_path / "text.tif")
    with pytest.raises(UsageError, match=r"`-o` must be a name that ends in \.tif"):
        write_label_stack(tmp_path / "a.png", [], 1)
    whole = path.read_bytes()
    stack = open_stack(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="page 2 cannot be read"):
        stack.page(2)
