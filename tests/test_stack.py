from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import mosaic_runs
from nuriwake.errors import InputError, UsageError
from nuriwake.faces.cli import run
from nuriwake.io.stack import open_stack
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


def _moving_discs(n_pages: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Pages on which a striped and a bright disc move over a grey ground; and which is where."""
    rows, cols = np.mgrid[:60, :80]
    truth = np.zeros((n_pages, 60, 80), int)
    for z, page in enumerate(truth):
        page[(rows - 30) ** 2 + (cols - 18 - 2 * z) ** 2 < 14**2] = 1
        page[(rows - 12 - 3 * z) ** 2 + (cols - 66) ** 2 < 10**2] = 2
    grey = np.select([truth == 1, truth == 2], [90 + 40 * np.sin(2 * rows), 150], 90)
    noise = np.random.default_rng(0).normal(0, 5, grey.shape)
    return (grey + noise).clip(0, 255).astype(np.uint8), truth


def test_fast_labels_every_page_alike(tmp_path: Path) -> None:
    """One table from labels to objects holds for the whole stack."""
    array, truth = _moving_discs()
    tifffile.imwrite(tmp_path / "discs.tif", array, photometric="minisblack")
    stack = open_stack(tmp_path / "discs.tif")
    model = finish_steps(fit_stack_steps(stack, Settings(threads=1, max_labels=16)))
    label_stack(model, stack, tmp_path / "labels.tif")
    labels = tifffile.imread(tmp_path / "labels.tif")
    table = np.zeros((17, 3), int)
    np.add.at(table, (labels, truth), 1)
    assert (table.argmax(axis=1)[labels] == truth).mean() > 0.95
    assert (table.sum(axis=0) > 0).all()
    np.testing.assert_array_equal(model.predict(array[3]), labels[3])


def test_fitting_a_stack_and_applying_it_is_segmenting_it(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "discs.tif", _moving_discs(3)[0], photometric="minisblack")
    source, model = str(tmp_path / "discs.tif"), str(tmp_path / "model.safetensors")
    quick = ["--max-iter", "3", "--threads", "1", "--quiet"]
    assert run(["segment", source, "-o", str(tmp_path / "one.tif"), *quick]) == 0
    assert run(["fit", source, "-m", model, "--recipe", "fast", *quick]) == 0
    assert run(["apply", model, source, "-o", str(tmp_path / "two.tif"), "--quiet"]) == 0
    one, two = (tifffile.imread(tmp_path / f"{name}.tif") for name in ("one", "two"))
    assert one.shape == (3, 60, 80)
    np.testing.assert_array_equal(one, two)
    # Of several inputs, the pages of stacks are references like any other.
    picture = str(tmp_path / "page.tif")
    tifffile.imwrite(picture, _moving_discs(1)[0][0])
    assert run(["fit", source, picture, "-m", model, "--recipe", "fast", *quick]) == 0


def test_what_is_no_stack(tmp_path: Path, path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_stack(tmp_path / "none.tif")
    (tmp_path / "text.tif").write_text("hello")
    with pytest.raises(InputError, match=r"text\.tif: cannot be read as a TIFF"):
        open_stack(tmp_path / "text.tif")
    whole = path.read_bytes()
    stack = open_stack(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"stack\.tif: cannot be read"):
        stack.page(2)
