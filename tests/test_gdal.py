"""GDAL's failures are errors of ours, with or without rasterio's private names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from nuriwake.errors import InputError, OutputError
from nuriwake.io import gdal

rasterio = pytest.importorskip("rasterio")


def test_rasterio_still_has_the_private_error():
    module, name = gdal.PRIVATE_ERROR
    assert issubclass(getattr(import_module(module), name), Exception), f"no {module}.{name}"


@pytest.mark.parametrize("private", [gdal.PRIVATE_ERROR, ("rasterio.gone", "E"), ("rasterio", "E")])
@pytest.mark.parametrize(("error", "verb"), [(InputError, "read"), (OutputError, "written")])
def test_a_failure_is_one_line(private, error, verb, monkeypatch):
    monkeypatch.setattr(gdal, "PRIVATE_ERROR", private)
    message = rf"x\.tif: cannot be {verb} \(no such file\)\.$"
    with pytest.raises(error, match=message), gdal.gdal_errors(Path("x.tif"), error):
        raise rasterio.errors.RasterioIOError("no such file")


def test_gdals_own_reports_are_caught_too():
    module, name = gdal.PRIVATE_ERROR
    report = getattr(import_module(module), name)(1, 1, "disk full")
    with pytest.raises(OutputError, match="disk full"), gdal.gdal_errors(Path("x"), OutputError):
        raise report
