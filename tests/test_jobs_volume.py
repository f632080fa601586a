"""The command line on volumes: what comes in, what goes out, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from nuriwake.evaluate.phantoms import touching_cells
from nuriwake.faces.cli import run

QUICK = ["--max-iter", "3", "--n-channels", "8", "--max-labels", "8", "--threads", "1", "--quiet"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    path = tmp_path_factory.mktemp("volume") / "cells.ome.tif"
    cells = touching_cells(6, (10, 40, 48), radius=13.0, seed=1)
    tifffile.imwrite(path, cells.array, ome=True, photometric="minisblack", metadata={
        "axes": "ZYX", "PhysicalSizeZ": 3.0, "PhysicalSizeY": 1.0, "PhysicalSizeX": 1.0,
    })  # fmt: skip
    return path


def segment(stack, out, *flags):
    return run(["segment", str(stack), "--volume", "-o", str(out), *QUICK, *flags])


def test_a_stack_in_an_ome_tiff_out(stack, tmp_path):
    assert segment(stack, tmp_path, "--regions", "7", "--save", "regions,labels,overlay") == 0
    record = json.loads(next(tmp_path.glob("*.nuriwake.json")).read_text())
    assert record["axes"] == "ZYX"
    assert record["spacing"] == [3.0, 1.0, 1.0]
    assert record["route"] == "volume"
    regions = tmp_path / record["outputs"]["regions"]
    with tifffile.TiffFile(regions) as file:
        assert file.series[0].axes == "ZYX"
        found = file.asarray()
    assert found.shape == (10, 40, 48)
    assert len(np.unique(found)) == 7


def test_a_saved_volume_is_cut_again(stack, tmp_path, capsys):
    assert segment(stack, tmp_path, "--regions", "7", "--save", "result,regions") == 0
    result = tmp_path / "cells.ome.result.npz"
    assert run(["cut", str(result), "--regions", "4", "--quiet"]) == 0
    found = tifffile.imread(tmp_path / "cells.ome.regions.tif")
    assert found.shape == (10, 40, 48)
    assert len(np.unique(found)) == 4
    # As it was saved, where no number is asked for.
    assert run(["cut", str(result), "-o", str(tmp_path / "own.tif"), "--save", "regions"]) == 0
    assert len(np.unique(tifffile.imread(tmp_path / "own.tif"))) == 7
    capsys.readouterr()
    assert run(["cut", str(result), "--save", "polygons", "--quiet"]) == 2
    assert "--save polygons cannot be done for a volume" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_stays_nifti(stack, tmp_path, suffix):
    nibabel = pytest.importorskip("nibabel")
    affine = np.diag([-1.0, 1.0, 3.0, 1.0])
    source = tmp_path / f"scan{suffix}"
    nibabel.save(nibabel.Nifti1Image(tifffile.imread(stack).transpose(2, 1, 0), affine), source)
    assert segment(source, tmp_path / "out", "--regions", "7", "--save", "regions,result") == 0
    assert run(["cut", str(tmp_path / "out/scan.result.npz"), "--regions", "7", "--save", "regions",
                "-o", str(tmp_path / "cut"), "--quiet"]) == 0  # fmt: skip
    found = [nibabel.load(tmp_path / f"{folder}/scan.regions{suffix}") for folder in ("out", "cut")]
    for image in found:
        np.testing.assert_allclose(image.affine, affine)
    np.testing.assert_array_equal(*(np.asarray(image.dataobj) for image in found))


def test_nifti_lies_where_the_input_lies(stack, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    affine[:3, 3] = (-20, 7, 4)
    source = tmp_path / "scan.nii"
    array = tifffile.imread(stack).transpose(2, 1, 0)
    nibabel.save(nibabel.Nifti1Image(array, affine), source)
    out = tmp_path / "found.nii.gz"
    assert segment(source, out, "--regions", "7", "--save", "regions") == 0
    found = nibabel.load(out)
    np.testing.assert_allclose(found.affine, affine)
    assert found.shape == array.shape
    assert len(np.unique(np.asarray(found.dataobj))) == 7


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--save", "polygons"], "--save polygons"),
        (["--scribbles", "a.png"], "--scribbles"),
        (["--recipe", "tip2020"], "--recipe"),
        (["--memory", "300M"], "--memory"),
        (["--spacing", "1,2"], "spacing"),
        (["--spacing", "a,b,c"], "--spacing"),
    ],
)
def test_what_cannot_be_is_told_before_work(flags, said, stack, tmp_path, capsys):
    assert segment(stack, tmp_path / "out", *flags) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_one_picture_is_no_volume(coffee, tmp_path, capsys):
    assert segment(coffee, tmp_path / "out") == 1
    assert "stack of slices" in capsys.readouterr().err
