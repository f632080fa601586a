"""Files that a library never comes back from cost one line."""

from __future__ import annotations

import pytest

from nuriwake.errors import InputError
from nuriwake.io import trial


@pytest.mark.parametrize("code", ["while True: pass", "import os; os.abort()"])
def test_a_library_that_runs_in_a_circle_or_crashes(monkeypatch, tmp_path, code):
    path = tmp_path / "a.nc"
    path.write_bytes(trial.HDF5_MAGIC)
    opening = trial._OPEN.replace("rasterio.open(sys.argv[1]).close()", code)
    monkeypatch.setattr(trial, "_OPEN", opening)
    with pytest.raises(InputError, match="does not come to an end"):
        trial.try_hdf5(path, max_cpu=2)


def test_whatever_else_is_wrong_is_left_to_the_reader(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(trial.HDF5_MAGIC + bytes(100))
    trial.try_hdf5(path)
