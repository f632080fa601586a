"""What the fuzzer breaks: small files of every format, all made here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIDE = 24


@dataclass(frozen=True)
class Seed:
    """A whole file, or folder, before it is broken.

    Parameters
    ----------
    name : str
        With the suffix.
    files : tuple of (path, bytes, structure)
        The path relative to the seed's own; empty for one file.
    """

    name: str
    files: tuple[tuple[str, bytes, str], ...]


def picture() -> np.ndarray:
    """Three flat colours with a little noise."""
    rng = np.random.default_rng(0)
    image = np.zeros((SIDE, SIDE + 8, 3))
    image[:, : SIDE // 2] = (200, 40, 40)
    image[: SIDE // 2, SIDE // 2 :] = (40, 180, 60)
    image[SIDE // 2 :, SIDE // 2 :] = (50, 60, 200)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def one(name: str, data: bytes, structure: str) -> Seed:
    """Make a seed of one file."""
    return Seed(name, (("", data, structure),))


def pillow_seeds() -> Iterator[Seed]:
    """Pictures of every format and mode that Pillow writes."""
    from PIL import Image, features

    colours = Image.fromarray(picture())
    grey = colours.convert("L")
    alpha = colours.copy()
    alpha.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112] = 6
    variants = (
        ("rgb.png", colours, {}, "png"),
        ("rgba.png", alpha, {}, "png"),
        ("palette.png", colours.quantize(8), {"transparency": 1}, "png"),
        ("bits.png", colours.convert("1"), {}, "png"),
        ("grey16.png", deep, {}, "png"),
        ("rgb.jpg", colours, {"exif": exif.tobytes()}, ""),
        ("progressive.jpg", colours, {"progressive": True}, ""),
        ("cmyk.jpg", colours.convert("CMYK"), {}, ""),
        ("lossless.webp", alpha, {"lossless": True}, ""),
        ("lossy.webp", colours, {}, ""),
        ("rgb.bmp", colours, {}, ""),
        ("palette.bmp", colours.quantize(8), {}, ""),
        ("a.gif", colours.quantize(8), {}, ""),
        ("a.ppm", colours, {}, "text"),
        ("a.pgm", grey, {}, "text"),
        ("a.tga", alpha, {"compression": "tga_rle"}, ""),
        *((("a.avif", colours, {}, ""),) if features.check("avif") else ()),
    )
    for name, image, options, structure in variants:
        buffer = io.BytesIO()
        kind = {"jpg": "JPEG", "pgm": "PPM", "tga": "TGA"}.get(
            name[-3:], name.split(".")[1].upper()
        )
        image.save(buffer, kind, **options)
        yield one(name, buffer.getvalue(), structure)


def tiff_seeds() -> Iterator[Seed]:
    """TIFFs of every layout: strips, tiles, planes, pages, pyramids, compressions, dtypes."""
    import tifffile

    image = picture()
    grey = image[:, :, 0]
    five = np.repeat(grey[:, :, np.newaxis], 5, axis=2).astype(np.uint16)
    stack = np.stack([grey, grey[::-1], grey])
    variants = {
        "plain": (image, {"photometric": "rgb"}),
        "strips": (image, {"rowsperstrip": 5, "compression": "zlib", "predictor": True}),
        "tiles": (image, {"tile": (16, 16), "compression": "lzw"}),
        "zstd": (image, {"tile": (16, 16), "compression": "zstd"}),
        "packbits": (grey, {"compression": "packbits"}),
        "jpeg": (image, {"tile": (16, 16), "compression": "jpeg", "photometric": "ycbcr"}),
        "jpeg2000": (image, {"tile": (32, 32), "compression": "jpeg2000"}),
        "lzma": (grey, {"compression": "lzma"}),
        "webp": (image, {"tile": (32, 32), "compression": "webp"}),
        "big": (image, {"bigtiff": True, "photometric": "rgb"}),
        "motorola": (image, {"byteorder": ">", "photometric": "rgb"}),
        "planes": (np.moveaxis(five, -1, 0), {"planarconfig": "separate"}),
        "five": (five, {"photometric": "minisblack", "planarconfig": "contig"}),
        "float64": (grey / 255.0, {}),
        "float16": ((grey / 255.0).astype(np.float16), {}),
        "huge": ((grey / 255.0) * 1.7e308, {}),
        "int64": (grey.astype(np.int64) << 40, {}),
        "complex": (grey.astype(np.complex64), {}),
        "bits": (grey > 100, {}),
        "alpha": (np.dstack([image, grey]), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        "imagej": (stack, {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2.0}}),
        "stack": (stack, {"photometric": "minisblack"}),
    }
    for name, (array, options) in variants.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, array, **options)
        yield one(f"{name}.tif", buffer.getvalue(), "tiff")
    ome = np.stack([stack, stack])
    buffer = io.BytesIO()
    metadata = {"axes": "CZYX", "PhysicalSizeX": 0.5, "Channel": {"Name": ["a", "b"]}}
    tifffile.imwrite(buffer, ome, ome=True, metadata=metadata, photometric="minisblack")
    yield one("a.ome.tif", buffer.getvalue(), "tiff")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(image, subifds=1, photometric="rgb", tile=(16, 16))
        writer.write(image[::2, ::2], subfiletype=1, photometric="rgb", tile=(16, 16))
    yield one("pyramid.tif", buffer.getvalue(), "tiff")
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(image, photometric="rgb")
        writer.write(grey[:9])
    yield one("unlike.tif", buffer.getvalue(), "tiff")


def raster_seeds(folder: Path) -> Iterator[Seed]:
    """GeoTIFFs, a cloud-optimised one, and whatever other drivers of GDAL write."""
    import warnings

    import rasterio.shutil

    bands = np.moveaxis(picture(), -1, 0).astype(np.uint16)
    profile = {
        "driver": "GTiff", "height": bands.shape[1], "width": bands.shape[2], "count": 3,
        "dtype": "uint16", "crs": "EPSG:32633", "nodata": 0,
        "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 6e6),
    }  # fmt: skip
    plain, cog = folder / "geo.tif", folder / "cog.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(plain, "w", **profile) as file:
            file.write(bands)
        rasterio.shutil.copy(plain, cog, driver="COG", blocksize=16, overviews="IGNORE_EXISTING")
    yield one("geo.tif", plain.read_bytes(), "tiff")
    yield one("cog.tif", cog.read_bytes(), "tiff")


def gdal_seeds(folder: Path) -> Iterator[Seed]:
    """Rasters of other drivers of GDAL."""
    import rasterio.shutil

    source = folder / "geo.tif"
    for name, driver in (
        ("a.jp2", "JP2OpenJPEG"),
        ("a.img", "HFA"),
        ("a.nc", "netCDF"),
    ):
        rasterio.shutil.copy(source, folder / name, driver=driver)
        yield one(name, (folder / name).read_bytes(), "")
    numbers = "\n".join(" ".join(map(str, row)) for row in picture()[:, :, 0])
    head = "ncols 32\nnrows 24\nxllcorner 0\nyllcorner 0\ncellsize 10\nNODATA_value -1\n"
    yield one("a.asc", (head + numbers).encode(), "text")
    rasterio.shutil.copy(source, folder / "a.envi", driver="ENVI")
    files = tuple(
        (suffix, (folder / f"a{suffix}").read_bytes(), "text" if suffix == ".hdr" else "")
        for suffix in (".envi", ".hdr")
    )
    yield Seed("a", files)


def array_seeds(folder: Path) -> Iterator[Seed]:
    """Arrays of other programs: NumPy, HDF5, NIfTI, DICOM."""
    import h5py
    import nibabel
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    image = picture()
    for name, save in (("a.npy", np.save), ("a.npz", np.savez_compressed)):
        save(folder / name, image)
        yield one(name, (folder / name).read_bytes(), name[2:])
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("red", data=image[:, :, 0], chunks=(8, 8), compression="gzip")
    yield one("a.h5", (folder / "a.h5").read_bytes(), "")
    volume = np.stack([image[:, :, 0]] * 3).astype(np.int16).transpose(2, 1, 0)
    for name in ("a.nii", "a.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / name)
        yield one(name, (folder / name).read_bytes(), "gzip" if name.endswith("gz") else "nifti")
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["nuriwake"])
    dataset = FileDataset(folder / "a.dcm", {}, file_meta=meta, preamble=bytes(128))
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *image.shape[:2], 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "MONOCHROME2"
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.PixelSpacing = 1, -1024, [0.5, 0.5]
    dataset.PixelData = image[:, :, 0].astype("<u2").tobytes()
    dataset.save_as(folder / "a.dcm")
    yield one("a.dcm", (folder / "a.dcm").read_bytes(), "dicom")


def zarr_seeds(folder: Path) -> Iterator[Seed]:
    """Write an OME-Zarr image, of the old and of the new format."""
    import zarr

    for version in (2, 3):
        root = folder / f"v{version}.zarr"
        group = zarr.open_group(root, mode="w", zarr_format=version)
        data = np.moveaxis(picture(), -1, 0)
        array = group.create_array("0", shape=data.shape, chunks=(1, 16, 16), dtype="uint8")
        array[:] = data
        axes = [{"name": n, "type": "space"} for n in "cyx"]
        scale = [{"type": "scale", "scale": [1, 0.5, 0.5]}]
        multiscale = {
            "version": "0.4", "axes": axes,
            "datasets": [{"path": "0", "coordinateTransformations": scale}],
        }  # fmt: skip
        attributes = {"multiscales": [multiscale]}
        group.attrs.update(attributes if version == 2 else {"ome": attributes})
        files = tuple(
            (str(path.relative_to(root)), path.read_bytes(), structure_of(path))
            for path in sorted(root.rglob("*"))
            if path.is_file()
        )
        yield Seed(root.name, files)


def structure_of(path: Path) -> str:
    """Tell by its name how a file of a Zarr folder is to be broken."""
    return "json" if path.name.startswith(".z") or path.suffix == ".json" else ""


def learned_seeds(folder: Path) -> Iterator[Seed]:
    """Models, a result, a record: what nuriwake itself writes."""
    from nuriwake.jobs.result_file import save_result
    from nuriwake.model_file import save_model
    from nuriwake.segmenter import segment

    for recipe in ("fast", "tip2020"):
        tiny = {"n_channels": 4, "max_labels": 4, "max_iter": 2, "threads": 1}
        result = segment(picture(), recipe=recipe, **tiny)
        save_model(folder / f"{recipe}.safetensors", result.model)
        data = (folder / f"{recipe}.safetensors").read_bytes()
        yield one(f"{recipe}.safetensors", data, "safetensors")
        save_result(folder / f"{recipe}.result.npz", result)
        data = (folder / f"{recipe}.result.npz").read_bytes()
        yield one(f"{recipe}.result.npz", data, "npz")
        settings = result.settings
        yield one(f"{recipe}.toml", settings.to_toml().encode(), "text")
        text = json.dumps({"settings": settings.model_dump(), "outputs": {"labels": "a.png"}})
        yield one(f"{recipe}.json", text.encode(), "json")


def truth_seeds() -> Iterator[Seed]:
    """Drawings of annotators, as BSDS500 keeps them."""
    from scipy.io import savemat

    labels = (picture()[:, :, 0] > 100).astype(np.uint16) + 1
    cells = np.empty((1, 2), object)
    for k in range(2):
        cells[0, k] = {"Segmentation": labels + k}
    for name, compress in (("plain.mat", False), ("small.mat", True)):
        buffer = io.BytesIO()
        savemat(buffer, {"groundTruth": cells}, do_compression=compress)
        yield one(name, buffer.getvalue(), "" if compress else "mat")


def strokes() -> np.ndarray:
    """Two strokes on the picture."""
    labels = np.zeros((SIDE, SIDE + 8), np.uint8)
    labels[2:5, 2:9], labels[15:19, 18:25] = 1, 2
    return labels


def scribble_seeds() -> Iterator[Seed]:
    """Scribbles: a map of labels, and one in colours."""
    from PIL import Image

    labels = strokes()
    colours = np.zeros((*labels.shape, 3), np.uint8)
    colours[labels == 1], colours[labels == 2] = (255, 0, 0), (0, 0, 255)
    for name, array in (("labels.png", labels), ("colours.png", colours)):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        yield one(name, buffer.getvalue(), "png")


def annotation_seeds() -> Iterator[Seed]:
    """Write the same strokes as annotation tools keep them, and shapes that people draw in them."""
    from nuriwake.io.exchange.annotated import Annotated
    from nuriwake.io.exchange.coco import write_coco, write_coco_polygons
    from nuriwake.io.exchange.imagej import write_imagej
    from nuriwake.io.exchange.label_studio import write_brush, write_polygons
    from nuriwake.io.exchange.labelme import write_labelme

    drawn = Annotated("whole.png", strokes().astype(np.int32), {1: "tree", 2: "a road"})
    yield one("labelme.json", write_labelme(drawn), "json")
    yield one("coco.json", write_coco(drawn), "json")
    yield one("coco-polygons.json", write_coco_polygons(drawn), "json")
    yield one("brush.json", write_brush(drawn), "json")
    yield one("polygons.json", write_polygons(drawn), "json")
    archive = write_imagej(drawn)
    yield one("rois.zip", archive, "zip")
    with zipfile.ZipFile(io.BytesIO(archive)) as rois:
        yield one("one.roi", rois.read(rois.namelist()[0]), "roi")
    kinds = ("polygon", "rectangle", "circle", "line", "linestrip", "point", "points")
    shapes = [
        {
            "label": ("tree", "road")[k % 2],
            "shape_type": kind,
            "points": [[2 + k, 3], [9.5, 7], [4, 20 - k]],
        }
        for k, kind in enumerate(kinds)
    ]
    table = {"shapes": shapes, "imageHeight": SIDE, "imageWidth": SIDE + 8}
    yield one("shapes.json", json.dumps(table).encode(), "json")


def corpus(folder: Path) -> dict[str, list[Seed]]:
    """Make every seed, by what it is given to."""
    from fuzz_stored import stored_seeds

    return {
        "picture": [
            *pillow_seeds(),
            *tiff_seeds(),
            *raster_seeds(folder),
            *gdal_seeds(folder),
            *zarr_seeds(folder),
            *array_seeds(folder),
            *stored_seeds(folder),
        ],
        "learned": list(learned_seeds(folder)),
        "truth": list(truth_seeds()),
        "scribbles": [*scribble_seeds(), *annotation_seeds()],
    }
