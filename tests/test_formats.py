"""Every format that people hold: the right map, or one line that says what to type instead."""

from __future__ import annotations

import http.server
import re
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from nuriwake.errors import InputError, UsageError
from nuriwake.faces.cli import run
from nuriwake.io.families import family_of
from nuriwake.io.formats import expand_inputs
from nuriwake.io.places import as_place
from nuriwake.io.selection import Selection
from nuriwake.io.sources import open_windows, read_input
from nuriwake.raster import Window

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 255, (20, 30, 3), np.uint8)
GREY = RGB[:, :, 0]
VOLUME = RNG.integers(0, 2000, (5, 20, 30)).astype(np.int16)


def read(path: Path | str, **selection) -> np.ndarray:
    return read_input(as_place(str(path)), Selection(**selection)).array


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("a.jp2", "JP2OpenJPEG"),
        ("a.img", "HFA"),
        ("a.envi", "ENVI"),
        ("without_suffix", "ENVI"),
        ("a.vrt", "VRT"),
        ("a.odd", "GTiff"),
    ],
)
def test_whatever_gdal_reads(tmp_path, name, driver):
    rasterio = pytest.importorskip("rasterio")
    pytest.importorskip("rasterio.shutil")
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 6e6)}
    profile = {"height": 20, "width": 30, "count": 3, "dtype": "uint8", **place}
    with rasterio.open(tmp_path / "a.tif", "w", "GTiff", **profile) as file:
        file.write(np.moveaxis(RGB, -1, 0))
    options = {"QUALITY": 100, "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / name, driver=driver, **options)
    raster = read_input(tmp_path / name)
    np.testing.assert_array_equal(raster.array, RGB)
    assert raster.georeference.transform == (10, 0, 5e5, 0, -10, 6e6)
    window = open_windows(tmp_path / name).read(Window(3, 4, 5, 6))
    np.testing.assert_array_equal(window.array, RGB[3:8, 4:10])


@pytest.mark.parametrize("name", ["a.gif", "a.ppm", "a.tga", "a.avif", "a.bmp", "a.png"])
def test_pictures_of_pillow(tmp_path, name):
    colours = np.kron(
        np.array([[[250, 0, 0], [0, 0, 250]]], np.uint8), np.ones((8, 8, 1), np.uint8)
    )
    options = {"quality": 100, "subsampling": "4:4:4"} if name.endswith("avif") else {}
    Image.fromarray(colours).save(tmp_path / name, **options)
    assert np.abs(read(tmp_path / name).astype(int) - colours).max() <= 6


def test_arrays_of_numpy(tmp_path):
    np.save(tmp_path / "rgb.npy", RGB)
    np.save(tmp_path / "chw.npy", np.moveaxis(RGB, -1, 0))
    np.savez(tmp_path / "two.npz", red=GREY, all=RGB)
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.testing.assert_array_equal(read(tmp_path / "rgb.npy"), RGB)
    np.testing.assert_array_equal(read(tmp_path / "chw.npy", axes="CYX"), RGB)
    np.testing.assert_array_equal(read(f"{tmp_path}/two.npz::red")[:, :, 0], GREY)
    with pytest.raises(InputError, match=r"3 dimensions of shape \(3, 20, 30\).*--axes CYX"):
        read(tmp_path / "chw.npy")
    with pytest.raises(InputError, match=r"2 arrays.*Choose one as FILE::red"):
        read(tmp_path / "two.npz")
    with pytest.raises(InputError, match="objects of Python, which are never loaded"):
        read(tmp_path / "objects.npy")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti(tmp_path, suffix):
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(VOLUME.transpose(2, 1, 0), np.diag([0.5, 0.5, 2.0, 1.0]))
    image.header.set_xyzt_units("mm")
    path = tmp_path / f"a{suffix}"
    nibabel.save(image, path)
    np.testing.assert_array_equal(read(path, plane=(("Z", 3),))[:, :, 0], VOLUME[3])
    place = read_input(path, Selection(plane=(("Z", 3),))).georeference
    assert (place.transform, place.unit) == ((0.5, 0, 0, 0, 0.5, 0), "millimeter")
    with pytest.raises(InputError, match=r"stack of 5 pages.*--plane z=0"):
        read(path)
    if suffix == ".nii":
        damaged = bytearray(path.read_bytes())
        damaged[46:48] = b"\xff\xff"  # the number of slices: -1
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            read(path, plane=(("Z", 3),))


def test_dicom(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    for name in ("CT_small.dcm", "examples_palette.dcm"):
        if not (folder / name).is_file():
            pytest.skip("pydicom came without its test files")
        shutil.copy(folder / name, tmp_path / name)
    shutil.copy(folder / "CT_small.dcm", tmp_path / "without_suffix")
    raster = read_input(tmp_path / "without_suffix")
    # The scanner's numbers less 1024: Hounsfield units.
    assert (raster.shape, raster.array.min(), raster.array.max()) == ((128, 128), -896, 1167)
    assert raster.georeference.transform[0] == pytest.approx(0.661468)
    assert read(tmp_path / "examples_palette.dcm").max() > 1000
    # The number of rows in three bytes, of which pydicom complains in a way of its own.
    whole = (tmp_path / "CT_small.dcm").read_bytes()
    rows = b"\x28\0\x10\0US\x02\0"
    (tmp_path / "odd.dcm").write_bytes(whole.replace(rows, rows.replace(b"\x02", b"\x03") + b"\0"))
    with pytest.raises(InputError, match=r"odd\.dcm: cannot be read as a DICOM picture"):
        read(tmp_path / "odd.dcm")


def test_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/red"], file["scan/all"], file["times"] = GREY, RGB, np.arange(3)
        file["volume"] = VOLUME
        file["outside"] = h5py.ExternalLink("/etc/hostname", "/x")
    name = f"{tmp_path}/a.h5"
    np.testing.assert_array_equal(read(f"{name}::/scan/red")[:, :, 0], GREY)
    np.testing.assert_array_equal(read(f"{name}::/scan/all", axes="YXC"), RGB)
    plane = read(f"{name}::/volume", axes="ZYX", plane=(("Z", 1),))
    np.testing.assert_array_equal(plane[:, :, 0], VOLUME[1])
    for inner, message in (
        ("", "3 datasets.*FILE::/scan/all; it has /scan/all, /scan/red, /volume"),
        ("::/none", "no such dataset. Choose one"),
        ("::/times", "two or more dimensions"),
        ("::/outside", "lies in another file"),
        ("::/volume", "does not say what the 3 dimensions.*--axes ZYX|--axes CYX"),
    ):
        with pytest.raises(InputError, match=message):
            read(name + inner)


def test_hdf5_says_its_axes_by_the_labels_of_dimensions(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        some, other = file.create_dataset("a", data=VOLUME), file.create_dataset("b", data=VOLUME)
        for axis, letter in enumerate("zyx"):
            some.dims[axis].label = letter
        other.dims[0].label = "z"
    plane = read(f"{tmp_path}/a.h5::/a", plane=(("Z", 1),))
    np.testing.assert_array_equal(plane[:, :, 0], VOLUME[1])
    with pytest.raises(InputError, match="does not say what the 3 dimensions"):
        read(f"{tmp_path}/a.h5::/b")


def test_one_array_of_a_zarr_group(tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("x/red", data=GREY, dimension_names=("y", "x"))
    np.testing.assert_array_equal(read(f"{tmp_path}/a.zarr::/x/red")[:, :, 0], GREY)
    with pytest.raises(InputError, match=r"Name an array in it: .*a\.zarr::/PATH"):
        read(tmp_path / "a.zarr")
    for inner in ("/x/blue", "/../../etc"):
        with pytest.raises(InputError, match="no such array"):
            read(f"{tmp_path}/a.zarr::{inner}")


def test_pages_of_unlike_size(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(VOLUME[0, :9])
    with pytest.raises(InputError, match=r"2 pages differ in size or dtype.*--page N, from 1 to 2"):
        read(path)
    np.testing.assert_array_equal(read(path, page=1), RGB)
    np.testing.assert_array_equal(read(path, page=2)[:, :, 0], VOLUME[0, :9])
    with pytest.raises(UsageError, match=r"`--page` must be an int in \[1, 2\]"):
        read(path, page=3)


def test_smaller_copies_are_no_pages(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(RGB[::2, ::2], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(path), RGB)


def test_animations(tmp_path):
    frames = [Image.fromarray(np.full((8, 9), value, np.uint8)) for value in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=r"2 pages\. Choose one with --page"):
        read(tmp_path / "a.gif")
    assert read(tmp_path / "a.gif", page=2).max() == 200


def test_the_command_line_takes_them(tmp_path, blocks, capsys):
    np.savez(tmp_path / "a.npz", blocks=blocks, other=blocks[:, :, 0])
    quick = ("--max-iter", "1", "--quiet", "-o", str(tmp_path / "out"), "--save", "labels")
    assert run(["segment", f"{tmp_path}/a.npz::blocks", *quick]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["a_blocks.labels.png", "a_blocks.nuriwake.json"]
    assert run(["segment", f"{tmp_path}/a.npz", *quick]) == 1
    assert "Choose one as FILE::blocks" in capsys.readouterr().err


def test_folders_stand_for_what_is_read_without_being_named(tmp_path):
    for name in ("a.nii.gz", "b.JPG", "c.npz", "d.vrt", "e.txt", "f.h5"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in expand_inputs([str(tmp_path)])] == ["a.nii.gz", "b.JPG", "f.h5"]
    assert family_of(Path("a.nii.gz")) == "nifti"


class _RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serves parts of files, and counts the bytes."""

    served: list[int]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        end = min(int(match[2]) + 1, len(data)) if match and match[2] else len(data)
        self.send_response(206 if match else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        self.end_headers()
        self.served.append(end - start)
        self.wfile.write(data[start:end])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def cog(tmp_path):
    """A cloud-optimised GeoTIFF of noise on a server of this machine; and the bytes it gave."""
    rasterio = pytest.importorskip("rasterio")
    pytest.importorskip("rasterio.shutil")
    scene = RNG.integers(0, 255, (3, 1500, 1500), np.uint8)
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 6e6)}
    profile = {"height": 1500, "width": 1500, "count": 3, "dtype": "uint8", **place}
    with rasterio.open(tmp_path / "plain.tif", "w", "GTiff", **profile) as file:
        file.write(scene)
    rasterio.shutil.copy(tmp_path / "plain.tif", tmp_path / "cog.tif", driver="COG", blocksize=256)
    served: list[int] = []
    handler = type("Handler", (_RangeHandler,), {"served": served})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(handler, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/cog.tif", scene, served
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_raster_on_a_server_is_read_by_windows(cog, tmp_path):
    url, scene, served = cog
    source = open_windows(as_place(url))
    assert (source.shape, source.n_bands) == ((1500, 1500), 3)
    part = source.read(Window(600, 300, 200, 200))
    np.testing.assert_array_equal(part.array, np.moveaxis(scene[:, 600:800, 300:500], 0, -1))
    assert sum(served) < (tmp_path / "cog.tif").stat().st_size / 8


def test_a_server_without_the_file_costs_one_line(cog, capsys):
    url = cog[0].replace("cog.tif", "none.tif")
    assert run(["segment", url, "--quiet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"nuriwake: {url}: ")
