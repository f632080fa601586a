"""Addresses and datasets keep their text, and have names for the results."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from nuriwake.io.places import DatasetPath, RemotePath, as_place


@pytest.mark.parametrize(
    ("text", "gdal_name", "stem"),
    [
        ("http://host/a/scene.tif", "/vsicurl/http://host/a/scene.tif", "scene"),
        ("https://host/scene.tif?a=1/2", "/vsicurl/https://host/scene.tif?a=1/2", "scene"),
        ("s3://bucket/x//scene.tif", "/vsis3/bucket/x//scene.tif", "scene"),
        ("gs://bucket/scene.tif", "/vsigs/bucket/scene.tif", "scene"),
        ("/vsizip/a.zip/b/scene.tif", "/vsizip/a.zip/b/scene.tif", "scene"),
        ("/vsicurl/http://host/scene.tif", "/vsicurl/http://host/scene.tif", "scene"),
        ('NETCDF:"in/a.nc":t2m', 'NETCDF:"in/a.nc":t2m', "t2m"),
    ],
)
def test_addresses(text, gdal_name, stem):
    place = as_place(text)
    assert isinstance(place, RemotePath)
    assert (str(place), place.gdal_name, place.stem) == (text, gdal_name, stem)
    assert place.parent == Path()
    copy = pickle.loads(pickle.dumps(place))
    assert (type(copy), str(copy)) == (RemotePath, text)


def test_datasets_of_a_file(tmp_path):
    (tmp_path / "cube.h5").write_bytes(b"12345")
    place = as_place(f"{tmp_path}/cube.h5::/a/b")
    assert isinstance(place, DatasetPath)
    assert str(place) == f"{tmp_path}/cube.h5::/a/b"
    assert (place.stem, place.suffix, place.inner) == ("cube_a_b", ".h5", "/a/b")
    assert place.parent == tmp_path
    assert place.stat().st_size == 5
    assert place.read_bytes() == b"12345"
    assert place.resolve() == (tmp_path / "cube.h5").resolve()
    copy = pickle.loads(pickle.dumps(place))
    assert (type(copy), str(copy)) == (DatasetPath, str(place))


@pytest.mark.parametrize("text", ["{0}/cube.h5::/a", "https://host/in/scene.tif"])
def test_what_lies_beside_is_a_plain_path(text, tmp_path):
    place = as_place(text.format(tmp_path))
    folder = tmp_path if isinstance(place, DatasetPath) else Path()
    assert place.with_name("b.png") == folder / "b.png"
    assert place.with_suffix(".png") == folder / f"{place.stem}.png"
    assert str(place.absolute()) == str(place.resolve())
    for beside in (place.with_name("b.png"), place.with_suffix(".png")):
        assert type(beside) is type(Path())


def test_what_is_there_is_a_path(tmp_path):
    odd = tmp_path / "a::b.png"
    odd.write_bytes(b"")
    assert type(as_place(str(odd))) is type(Path())
    assert type(as_place("C:/a.png")) is type(Path())


def test_home_and_addresses_of_files_are_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert as_place("~/my a.png") == tmp_path / "my a.png"
    assert str(as_place("~/cube.h5::/a")) == f"{tmp_path}/cube.h5::/a"
    assert as_place((tmp_path / "my ä.png").as_uri()) == tmp_path / "my ä.png"
