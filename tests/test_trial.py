"""Files that a library never comes back from cost one line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nuriwake.errors import InputError
from nuriwake.io import trial
from nuriwake.io.hdf5 import open_stored_hdf5


@pytest.mark.parametrize("code", ["while True: pass", "import os; os.abort()"])
@pytest.mark.parametrize("library", ["rasterio", "h5py"])
def test_a_library_that_runs_in_a_circle_or_crashes(monkeypatch, tmp_path, library, code):
    path = tmp_path / "a.nc"
    path.write_bytes(trial.HDF5_MAGIC)
    monkeypatch.setattr(trial, "_TRIALS", {library: code})
    with pytest.raises(InputError, match="does not come to an end"):
        trial.try_hdf5(path, library, max_cpu=2)


@pytest.mark.parametrize("library", ["rasterio", "h5py"])
def test_whatever_else_is_wrong_is_left_to_the_reader(tmp_path, library):
    path = tmp_path / "a.nc"
    path.write_bytes(trial.HDF5_MAGIC + bytes(100))
    trial.try_hdf5(path, library)


@pytest.mark.parametrize("crashes", [True, False])
def test_the_trial_reads_what_the_reader_reads(tmp_path, crashes):
    """A dataset that crashes only when its pixels are read is found before that."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["group/pixels"] = np.zeros((4, 4), np.uint8)
    read = "import os, h5py\nh5py.Dataset.__getitem__ = lambda *_: os.abort()\n"
    code = (read if crashes else "") + trial._WITH_H5PY
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}", str(path)], check=False)
    assert done.returncode == (-6 if crashes else 0)


def test_groups_that_lie_in_each_other_are_gone_through_once(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("circle")
        for name in "abc":
            group[name] = group
        group["pixels"] = np.zeros((4, 4), np.uint8)
        file["soft"] = h5py.SoftLink("/soft")
    assert open_stored_hdf5(path).shape == (4, 4)


def test_an_hdf5_file_is_tried_before_it_is_read(monkeypatch, tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["pixels"] = np.zeros((4, 4), np.uint8)
    assert open_stored_hdf5(path).shape == (4, 4)
    monkeypatch.setattr(trial, "_TRIALS", {"h5py": "import os; os.abort()"})
    with pytest.raises(InputError, match="does not come to an end"):
        open_stored_hdf5(path)
