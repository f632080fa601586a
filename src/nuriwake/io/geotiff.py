"""GeoTIFF and whatever else GDAL reads: windows in, tiled and compressed label maps out.

What counts as "no data": a pixel whose alpha or mask band says so, a NaN, or the file's nodata
value. Where all bands of an integer raster share one nodata value, that value is a colour, and a
pixel has no data if it has this colour in every band, as in GDAL's dataset mask. Otherwise, with
floats or with a nodata value for each band, a pixel that misses any selected band has no data.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, OutputError, require
from nuriwake.io.atomic import atomic_path
from nuriwake.io.banded import BandedFile
from nuriwake.io.faults import check_declared, check_file
from nuriwake.io.gdal import gdal_errors, gdal_name
from nuriwake.io.grid import grid_of, ome_text
from nuriwake.io.places import RemotePath
from nuriwake.io.tiff import TIFF_SUFFIXES, check_page, opened_tiff
from nuriwake.io.trial import try_hdf5
from nuriwake.raster import BoolMap, Georeference, Raster, Window, holds_data

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

#: Side of the blocks of the label maps that are written.
BLOCK = 512
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class GeoTiffSource(BandedFile):
    """A raster file that is read window by window; made by :func:`open_geotiff`.

    Parameters
    ----------
    nodata : tuple of float or None, one per file band
        The others are those of :class:`.banded.BandedFile`.
    """

    nodata: tuple[float | None, ...] = ()

    def read(self, window: Window) -> Raster:
        """Read the pixels of one window.

        Unlike :func:`nuriwake.raster.as_raster` this takes a window without a valid pixel: scenes
        have empty corners.

        Raises
        ------
        InputError
            If the file is damaged or gone.
        """
        with _opened(self.path) as file:
            return self.read_from(file, window)

    def read_from(self, file: DatasetReader, window: Window) -> Raster:
        """Read the pixels of one window from the file, which is open already."""
        array = np.ascontiguousarray(
            np.moveaxis(file.read(self.bands, window=window.slices), 0, -1)
        )
        valid = self._valid(file, window)
        valid &= holds_data(array)
        place = self.georeference.shifted(window.row, window.col) if self.georeference else None
        return Raster(array, valid, place, self.band_names, self.path)

    def _valid(self, file: DatasetReader, window: Window) -> BoolMap:
        from rasterio.errors import NodataShadowWarning

        with warnings.catch_warnings():
            # Both a nodata value and a mask: rasterio warns that the mask hides the value.
            warnings.simplefilter("ignore", NodataShadowWarning)
            masks: NDArray[np.uint8] = file.read_masks(self.bands, window=window.slices)
        holds_data = masks > 0
        combine = np.logical_or if self._nodata_is_colour() else np.logical_and
        valid: BoolMap = combine.reduce(holds_data, axis=0)
        return valid

    def _nodata_is_colour(self) -> bool:
        values = {self.nodata[band - 1] for band in self.bands}
        return np.dtype(self.dtype).kind != "f" and len(values) == 1


def open_geotiff(path: Path, bands: Sequence[int] = ()) -> GeoTiffSource:
    """Open a raster file for windowed reading.

    Parameters
    ----------
    path : pathlib.Path
        Any format that GDAL reads.
    bands : sequence of int, optional
        Bands to read, numbered from 1. Default: all but an alpha band.

    Returns
    -------
    GeoTiffSource

    Raises
    ------
    InputError
        If the file is missing, damaged or holds complex numbers.
    UsageError
        If a band does not exist.
    MissingDependencyError
        If rasterio is not installed.
    """
    if not isinstance(path, RemotePath):
        check_file(path)
        try_hdf5(path)
    if not isinstance(path, RemotePath) and path.suffix.lower() in TIFF_SUFFIXES:
        with opened_tiff(path) as pages:
            check_page(pages.pages.first, path)
    with _opened(path) as file:
        _check_size(path, file)
        source = _describe(path, file)
    return source.select(bands) if bands else source


def _check_size(path: Path, file: DatasetReader) -> None:
    """Refuse far more pixels than the dataset's files can hold."""
    parts = [Path(name) for name in file.files]
    if not parts or not all(part.is_file() for part in parts):
        return
    n_bytes = file.width * file.height * sum(np.dtype(dtype).itemsize for dtype in file.dtypes)
    what = f"{file.height} x {file.width} x {file.count} pixels"
    check_declared(path, n_bytes, sum(part.stat().st_size for part in parts), what)


def _describe(path: Path, file: DatasetReader) -> GeoTiffSource:
    from rasterio.enums import ColorInterp

    if not file.dtypes:
        parts = ", ".join(file.subdatasets[:3]) or "none"
        raise InputError(f"{path}: holds {len(file.subdatasets)} datasets. Name one: {parts}.")
    for dtype in file.dtypes:
        if np.dtype(dtype).kind not in "buif":
            raise InputError(f"{path}: pixels must be ints or floats; got {dtype}.")
    colours = [
        number for number in file.indexes if file.colorinterp[number - 1] != ColorInterp.alpha
    ]
    names = tuple(name or "" for name in file.descriptions)
    transform = tuple(file.transform)[:6]
    crs = file.crs.to_wkt() if file.crs else None
    placed = (crs is not None or transform != _IDENTITY) and _is_grid(transform)
    return GeoTiffSource(
        path=path,
        bands=tuple(colours) or (1,),
        n_file_bands=file.count,
        shape=file.shape,
        block_shape=file.block_shapes[0],
        dtype=np.result_type(*file.dtypes).name,
        georeference=Georeference(crs, transform) if placed else None,
        file_band_names=names if any(names) else (),
        nodata=tuple(file.nodatavals),
    )


def _is_grid(transform: tuple[float, ...]) -> bool:
    """Tell whether pixels have an extent: some programs write a transform of zeros, or of NaN."""
    a, b, _, d, e, _ = transform
    return all(map(isfinite, transform)) and 0 < abs(a * e - b * d) < inf


def read_geotiff(path: Path, bands: Sequence[int] = ()) -> Raster:
    """Read a whole raster file.

    Parameters
    ----------
    path : pathlib.Path
    bands : sequence of int, optional
        As in :func:`open_geotiff`.

    Returns
    -------
    Raster

    Raises
    ------
    InputError
        If the file is missing or damaged, or no pixel is valid.
    UsageError
        If a band does not exist.
    """
    source = open_geotiff(path, bands)
    raster = source.read(Window.full(source.shape))
    if not raster.valid.any():
        raise InputError(f"{path}: no valid pixel, all {raster.valid.size} are nodata.")
    return raster


def read_dataset(file: DatasetReader) -> Raster:
    """Read all of a dataset that rasterio has opened, or of a view of one.

    Raises
    ------
    InputError
        If it is closed or damaged, or holds complex numbers.
    """
    path = Path(file.name)
    if file.closed:
        raise InputError(f"{path}: the dataset is closed.")
    with gdal_errors(path, InputError):
        return _describe(path, file).read_from(file, Window.full(file.shape))


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    rasterio = require("rasterio", extra="geo")
    with gdal_errors(path, InputError), rasterio.open(gdal_name(path)) as file:
        yield file


def write_label_geotiff(
    path: Path,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, NDArray[np.integer]]],
    *,
    max_label: int,
    georeference: Georeference | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a label map as a cloud-optimised GeoTIFF: tiles, overviews by nearest neighbour.

    Where the georeference names a unit of length, it is an OME-TIFF as well.

    Lossless (DEFLATE), nodata 0, in the smallest unsigned dtype that holds every label; BigTIFF
    where a classic TIFF might be too small. The file appears under its name when it is whole.

    Parameters
    ----------
    path : pathlib.Path
    shape : tuple of int
        Height and width.
    blocks : iterable of (Window, ndarray of int)
        The map in pieces, each pixel once; pieces that start at multiples of 512 are fastest.
    max_label : int
        The largest label that may come.
    georeference : Georeference, optional
        Place on the ground.
    tags : mapping of str to str, optional
        Kept in the file's metadata.

    Raises
    ------
    OutputError
        If the file cannot be written, for instance because the disk is full.
    MissingDependencyError
        If rasterio is not installed.
    """
    require("rasterio", extra="geo")
    dtype = np.min_scalar_type(max_label).name
    with (
        atomic_path(path) as whole,
        _removed_after(whole.with_suffix(".work.tif")) as work,
        gdal_errors(path, OutputError),
    ):
        _write_blocks(work, shape, blocks, dtype, georeference, dict(tags or {}))
        _copy_as_cog(work, whole)


@contextmanager
def _removed_after(path: Path) -> Iterator[Path]:
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write_blocks(
    path: Path,
    shape: tuple[int, int],
    blocks: Iterable[tuple[Window, NDArray[np.integer]]],
    dtype: str,
    georeference: Georeference | None,
    tags: dict[str, str],
) -> None:
    import rasterio

    profile = {
        "driver": "GTiff",
        "height": shape[0],
        "width": shape[1],
        "count": 1,
        "dtype": dtype,
        "nodata": 0,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "zlevel": 1,
        "bigtiff": "IF_SAFER",
    }
    if georeference is not None:
        profile |= {"crs": georeference.crs, "transform": rasterio.Affine(*georeference.transform)}
        if georeference.unit:
            tags["TIFFTAG_IMAGEDESCRIPTION"] = ome_text(grid_of(georeference, shape), dtype)
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(**tags)
        for window, labels in blocks:
            file.write(labels.astype(dtype), 1, window=window.slices)


def _copy_as_cog(source: Path, target: Path) -> None:
    """Rewrite a finished GeoTIFF in the cloud-optimised order, which needs all of it at once."""
    import rasterio.shutil

    # One thread: GDAL's compression threads do not report a full disk.
    rasterio.shutil.copy(
        source,
        target,
        driver="COG",
        compress="DEFLATE",
        predictor="NO",
        blocksize=BLOCK,
        overview_resampling="NEAREST",
        overviews="AUTO",
        bigtiff="IF_SAFER",
        num_threads="1",
    )


def read_tags(path: Path) -> dict[str, str]:
    """Return the tags that :func:`write_label_geotiff` stored.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    with _opened(path) as file:
        return dict(file.tags())
