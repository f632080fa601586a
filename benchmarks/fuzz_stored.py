"""More seeds of the fuzzer: containers of many arrays, volumes, and rasters with companions."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fuzz_corpus import Seed, one, picture, structure_of

#: Places where longitudes and latitudes, or the transform, are out of the ordinary.
PLACES = {
    "pole": ("EPSG:4326", (0.5, 0, -8, 0, -0.5, 91)),
    "antimeridian": ("EPSG:4326", (0.1, 0, 178.5, 0, -0.1, 10)),
    "polar": ("EPSG:3995", (1e4, 0, -1.6e5, 0, -1e4, 1.2e5)),
    "rotated": ("EPSG:32633", (8, 6, 5e5, 6, -8, 6e6)),
    "flat": ("EPSG:32633", (10, 0, 5e5, 0, 0, 6e6)),
    "beyond": ("EPSG:3857", (1e7, 0, -1e8, 0, -1e7, 1e8)),
    "infinite": ("EPSG:32633", (1e308, 0, 1e308, 0, -1e308, 1e308)),
    "none": (None, (float("nan"), 0, 0, 0, 1, 0)),
}


def placed_seeds(folder: Path) -> Iterator[Seed]:
    """GeoTIFFs at the ends of the world."""
    import rasterio

    bands = np.moveaxis(picture(), -1, 0)
    for name, (crs, transform) in PLACES.items():
        path = folder / f"{name}.tif"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(
                path, "w", "GTiff", width=32, height=24, count=3, dtype="uint8", crs=crs,
                transform=rasterio.Affine(*transform),
            ) as file:  # fmt: skip
                file.write(bands)
        yield one(path.name, path.read_bytes(), "tiff")


def companion_seeds(folder: Path) -> Iterator[Seed]:
    """Pictures with world files, statistics, masks and overviews beside them; mosaics of others."""
    raster = (folder / "geo.tif").read_bytes()
    world = b"10.0\n0.0\n0.0\n-10.0\n500005.0\n5999995.0\n"
    about = (
        b'<PAMDataset><SRS>EPSG:32633</SRS><Metadata><MDI key="a">1</MDI></Metadata>'
        b'<PAMRasterBand band="1"><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    yield Seed("world", ((".tif", raster, ""), (".tfw", world, "text"), (".prj", b"EPSG:1", "")))
    yield Seed("about", ((".tif", raster, ""), (".tif.aux.xml", about, "text")))
    yield Seed("ovr", ((".tif", raster, ""), (".tif.ovr", raster, "tiff")))
    yield Seed("msk", ((".tif", raster, ""), (".tif.msk", raster, "tiff")))
    source = (
        b"<SimpleSource><SourceFilename relativeToVRT='1'>%s</SourceFilename>"
        b"<SourceBand>1</SourceBand><SrcRect xOff='0' yOff='0' xSize='32' ySize='24'/>"
        b"<DstRect xOff='0' yOff='0' xSize='32' ySize='24'/></SimpleSource>"
    )
    mosaic = (
        b"<VRTDataset rasterXSize='32' rasterYSize='24'><SRS>EPSG:32633</SRS>"
        b"<GeoTransform>500000, 10, 0, 6000000, 0, -10</GeoTransform>"
        b"<VRTRasterBand dataType='UInt16' band='1'>%s</VRTRasterBand></VRTDataset>"
    )
    for name, other in (("mosaic", b"mosaic.tif"), ("itself", b"itself.vrt"), ("gone", b"no.tif")):
        text = mosaic % (source % other)
        yield Seed(name, ((".vrt", text, "text"), (".tif", raster, "")))
    big = mosaic.replace(b"'32' rasterYSize='24'", b"'200000' rasterYSize='200000'") % b""
    yield one("empty.vrt", big, "text")


def hdf5_seeds(folder: Path) -> Iterator[Seed]:
    """HDF5 of all layouts: groups in a circle, links, text, attributes of other programs."""
    import h5py

    grey = picture()[:, :, 0]
    layouts = {
        "plain": {}, "chunks": {"chunks": (8, 8), "compression": "lzf", "shuffle": True},
        "checked": {"chunks": (8, 8), "fletcher32": True}, "grows": {"maxshape": (None, None)},
    }  # fmt: skip
    for name, options in layouts.items():
        with h5py.File(folder / f"{name}.h5", "w", libver="latest") as file:
            file.create_dataset("a/b", data=grey, **options)
        yield one(f"{name}.h5", (folder / f"{name}.h5").read_bytes(), "")
    with h5py.File(folder / "links.h5", "w") as file:
        file["red"] = grey
        for k in range(3):
            file[f"circle/{k}"] = file["circle"] if k else file.create_group("circle/z")
        file["soft"], file["self"] = h5py.SoftLink("/red"), h5py.SoftLink("/self")
        file["outside"] = h5py.ExternalLink("links.h5", "/red")
        file["text"], file["scalar"] = np.array([[b"a", b"b"]]), 3
    yield one("links.h5", (folder / "links.h5").read_bytes(), "")
    tags = json.dumps({"axes": [{"key": key, "typeFlags": 2} for key in "zyx"]})
    with h5py.File(folder / "ilastik.h5", "w") as file:
        stack = file.create_dataset("volume", data=np.stack([grey] * 3))
        stack.attrs["axistags"], stack.attrs["element_size_um"] = tags, [2.0, 1.0, 1.0]
        stack.dims[0].label = "z"
    yield one("ilastik.h5", (folder / "ilastik.h5").read_bytes(), "text")
    with h5py.File(folder / "v7.mat", "w", userblock_size=512) as file:
        file["x"] = grey
    yield one("v7.h5", (folder / "v7.mat").read_bytes(), "")


def volume_seeds(folder: Path) -> Iterator[Seed]:
    """NIfTI and DICOM beyond one grey plane."""
    import nibabel
    from pydicom import dcmread
    from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

    grey = picture()[:, :, 0].T
    colour = np.zeros((32, 24, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colour["R"] = grey[:, :, np.newaxis]
    volumes = {
        "two.nii": nibabel.Nifti2Image(np.stack([grey] * 3, 2).astype(np.float32), np.eye(4)),
        "colour.nii": nibabel.Nifti1Image(colour, np.eye(4)),
        "time.nii": nibabel.Nifti1Image(
            np.stack([np.stack([grey] * 2, 2)] * 2, 3).astype(np.uint8), np.diag([1, 2, 3, 1])
        ),
    }
    for name, volume in volumes.items():
        nibabel.save(volume, folder / name)
        yield one(name, (folder / name).read_bytes(), "nifti")
    for name in ("rle.dcm", "deflated.dcm", "frames.dcm"):
        dataset = dcmread(folder / "a.dcm")
        if name == "rle.dcm":
            dataset.compress(RLELossless)
        elif name == "deflated.dcm":
            dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        else:
            dataset.NumberOfFrames, dataset.PixelData = 3, dataset.PixelData * 3
        buffer = io.BytesIO()
        dataset.save_as(buffer)
        yield one(name, buffer.getvalue(), "dicom")


def numpy_seeds() -> Iterator[Seed]:
    """Arrays that NumPy stores and that are no pictures, or not plainly."""
    image = picture()
    arrays = {
        "order.npy": np.asfortranarray(image), "big.npy": image.astype(">u2"),
        "record.npy": np.zeros((9, 9), [("a", "u1"), ("b", "f4")]),
        "five.npy": np.zeros((2, 3, 4, 5, 6), np.uint8), "bool.npy": image > 90,
        "half.npy": (image / 255).astype(np.float16), "void.npy": np.zeros((0, 4, 3)),
    }  # fmt: skip
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield one(name, buffer.getvalue(), "npy")
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], object), allow_pickle=True)
    yield one("pickle.npy", buffer.getvalue(), "npy")
    buffer = io.BytesIO()
    np.savez(buffer, red=image[:, :, 0], all=image, text=np.array("x"))
    yield one("many.npz", buffer.getvalue(), "npz")


def zarr_array_seeds(folder: Path) -> Iterator[Seed]:
    """Zarr arrays without OME's attributes: shards, codecs, names of dimensions, a bare array."""
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    grey = picture()[:, :, 0]
    variants = {
        "shards": {"chunks": (8, 8), "shards": (16, 16), "dimension_names": ("y", "x")},
        "blosc": {"chunks": (12, 16), "compressors": (BloscCodec(), Crc32cCodec())},
        "old": {"chunks": (24, 8), "zarr_format": 2, "order": "F"},
    }
    for name, options in variants.items():
        root = folder / f"{name}.zarr"
        group = zarr.open_group(root, mode="w", zarr_format=options.get("zarr_format", 3))
        options = {k: v for k, v in options.items() if k != "zarr_format"}
        group.create_array("red", shape=grey.shape, dtype="uint8", **options)[:] = grey
        yield Seed(root.name, _all_files(root))
    root = folder / "bare.zarr"
    zarr.create_array(root, shape=grey.shape, dtype="uint8", chunks=(24, 16))[:] = grey
    yield Seed(root.name, _all_files(root))


def _all_files(root: Path) -> tuple[tuple[str, bytes, str], ...]:
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return tuple((str(p.relative_to(root)), p.read_bytes(), structure_of(p)) for p in paths)


def stored_seeds(folder: Path) -> Iterator[Seed]:
    """Make all of these; needs what :func:`fuzz_corpus.raster_seeds` and others left in there."""
    yield from placed_seeds(folder)
    yield from companion_seeds(folder)
    yield from hdf5_seeds(folder)
    yield from volume_seeds(folder)
    yield from numpy_seeds()
    yield from zarr_array_seeds(folder)
