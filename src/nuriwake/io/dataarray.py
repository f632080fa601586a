"""xarray's DataArrays -> rasters, and label maps -> DataArrays with the same coordinates.

Places on the ground are read and written as rioxarray does: regular coordinates of the pixels'
centres, and a coordinate such as ``spatial_ref`` with the reference system as WKT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, require
from nuriwake.io.axes import axis_of_bands
from nuriwake.raster import BoolMap, Georeference, LabelMap, Raster

if TYPE_CHECKING:
    from xarray import DataArray, Variable

ROW_NAMES = ("y", "lat", "latitude", "row", "rows", "height", "northing")
COLUMN_NAMES = ("x", "lon", "longitude", "col", "cols", "column", "columns", "width", "easting")
BAND_NAMES = (
    "band", "bands", "c", "channel", "channels", "rgb", "rgba", "wavelength", "wavelengths",
    "variable",
)  # fmt: skip
#: Where a reference system is kept, unless the array names the place itself.
_GRID_MAPPING = "spatial_ref"
#: How far steps may differ, as a share of them, and still be regular.
_REGULAR = 1e-3
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def read_dataarray(image: DataArray | Variable, channel_axis: int | None = -1) -> Raster:
    """Make a raster of a DataArray, whose dimensions say by their names what they are.

    Parameters
    ----------
    image : xarray.DataArray or xarray.Variable
        Of rows, columns and perhaps bands, in any order. Other dimensions must have length 1, or be
        named by ``channel_axis``. Where no dimension has a known name, the order decides.
    channel_axis : int or None
        Which dimension holds the bands, where no name says so.

    Returns
    -------
    Raster
        Valid where the values are finite and not nodata: in any band of floats, in all bands of
        integers, as in files.

    Raises
    ------
    InputError
        If it has other dimensions or no values, or is a Dataset.
    UsageError
        If ``channel_axis`` contradicts the names.
    """
    if not hasattr(image, "dims") or not hasattr(image, "dtype"):
        raise InputError(
            f"an xarray {type(image).__name__} holds several variables. Give one of them, or all "
            "as bands: dataset.to_dataarray(dim='band')."
        )
    if not hasattr(image, "coords"):  # a Variable: an array with names and without a place
        from xarray import DataArray

        image = DataArray(image)
    if 0 in image.shape:
        raise InputError(f"the DataArray has no values; its shape is {tuple(image.shape)}.")
    rows, columns, bands = _find_dimensions(image, channel_axis)
    others = [name for name in image.dims if name not in (rows, columns, bands)]
    image = image.isel(dict.fromkeys(others, 0))
    order = (rows, columns) if bands is None else (rows, columns, bands)
    values = np.ascontiguousarray(image.transpose(*order).values)
    array = values[:, :, np.newaxis] if bands is None else values
    plane = image if bands is None else image.isel({bands: 0}, drop=True)
    return Raster(
        array,
        _valid(array, _nodata(image)),
        _place(plane, rows, columns),
        _band_names(image, bands),
        plane=plane,
    )


def _find_dimensions(image: DataArray, channel_axis: int | None) -> tuple[Any, Any, Any]:
    """Return the names of rows, columns and bands; None where there are no bands."""
    dims = tuple(image.dims)
    rows, columns = (_named(dims, names) for names in (ROW_NAMES, COLUMN_NAMES))
    if rows is None and columns is None:
        return _by_order(image, channel_axis)
    if rows is None or columns is None:
        raise InputError(_unclear(image, "rows" if rows is None else "columns"))
    bands = _named(dims, BAND_NAMES)
    if channel_axis not in (-1, None):
        chosen = dims[channel_axis] if -len(dims) <= channel_axis < len(dims) else None
        if chosen in (None, rows, columns) or bands not in (None, chosen):
            raise UsageError(
                f"`channel_axis` contradicts the DataArray's dimensions {dims}; got {channel_axis}."
                " Leave it out: they say by their names where the bands are."
            )
        bands = chosen
    others = [name for name in dims if name not in (rows, columns, bands)]
    long = [name for name in others if image.sizes[name] > 1]
    if long:
        raise InputError(_unclear(image, "bands", long[0]))
    return rows, columns, bands


def _unclear(image: DataArray, missing: str, other: object = None) -> str:
    sizes = ", ".join(f"{name}: {size}" for name, size in image.sizes.items())
    if other is None:
        names = ROW_NAMES if missing == "rows" else COLUMN_NAMES
        return (
            f"the DataArray ({sizes}) has no single dimension of {missing}, named "
            f"{', '.join(names)}. Rename it: image.rename(NAME='{names[0]}')."
        )
    return (
        f"the DataArray ({sizes}) is no single image. Choose one along {other}: "
        f"image.isel({other}=0); or make them bands: image.rename({other}='band')."
    )


def _by_order(image: DataArray, channel_axis: int | None) -> tuple[Any, Any, Any]:
    dims = tuple(image.dims)
    axis = axis_of_bands(image.shape, channel_axis)
    bands = None if axis is None else dims[axis]
    rows, columns = (name for name in dims if name != bands)
    return rows, columns, bands


def _named(dims: Sequence[Any], names: Sequence[str]) -> Any:
    """Find the one dimension with one of these names, in upper or lower case."""
    found = [name for name in dims if str(name).lower() in names]
    return found[0] if len(found) == 1 else None


def _nodata(image: DataArray) -> float | None:
    """Read the value of pixels without data, which rioxarray and the CF conventions keep."""
    rio = getattr(image, "rio", None)
    value = getattr(rio, "nodata", None)
    for key in ("_FillValue", "missing_value", "nodata"):
        value = image.attrs.get(key) if value is None else value
    return None if value is None else float(np.ravel(value)[0])


def _valid(array: NDArray[Any], nodata: float | None) -> BoolMap:
    if nodata is None:
        return np.ones(array.shape[:2], bool)
    missing = array == nodata
    is_colour = array.dtype.kind != "f"
    valid: BoolMap = ~(missing.all(axis=2) if is_colour else missing.any(axis=2))
    return valid


def _band_names(image: DataArray, bands: Any) -> tuple[str, ...]:
    """Read names from the coordinate of the bands, or from where rioxarray puts a file's."""
    if bands is None:
        return ()
    labels = image.coords[bands].values if bands in image.coords else ()
    texts = [str(label) for label in labels if isinstance(label, str)]
    long = image.attrs.get("long_name")
    if not texts and isinstance(long, tuple | list):
        texts = [str(name) for name in long]
    return tuple(texts) if len(texts) == image.sizes[bands] else ()


def _place(plane: DataArray, rows: Any, columns: Any) -> Georeference | None:
    """Read the place on the ground: coordinates first, since they are cut along with the pixels."""
    mapping = _grid_mapping(plane)
    stored = _stored_transform(mapping)
    is_turned = stored is not None and (stored[1], stored[3]) != (0.0, 0.0)
    transform = stored if is_turned else _regular_transform(plane, rows, columns, stored) or stored
    crs = _reference_system(plane, mapping)
    if transform is None or (crs is None and transform == _IDENTITY):
        return None
    units = plane.coords[rows].attrs.get("units", "") if rows in plane.coords else ""
    return Georeference(crs, transform, "" if crs else str(units))


def _reference_system(plane: DataArray, mapping: Mapping[str, object]) -> str | None:
    text = mapping.get("crs_wkt") or mapping.get("spatial_ref")
    if text is None:
        known = getattr(getattr(plane, "rio", None), "crs", None)
        text = known and known.to_wkt()
    return str(text) if text else None


def _grid_mapping(plane: DataArray) -> dict[str, object]:
    name = plane.encoding.get("grid_mapping") or plane.attrs.get("grid_mapping") or _GRID_MAPPING
    return dict(plane.coords[name].attrs) if name in plane.coords else {}


def _stored_transform(
    mapping: Mapping[str, object],
) -> tuple[float, float, float, float, float, float] | None:
    numbers = str(mapping.get("GeoTransform", "")).split()
    if len(numbers) != 6:
        return None
    c, a, b, f, d, e = map(float, numbers)
    return a, b, c, d, e, f


def _regular_transform(
    plane: DataArray,
    rows: Any,
    columns: Any,
    stored: tuple[float, float, float, float, float, float] | None,
) -> tuple[float, float, float, float, float, float] | None:
    """Read steps and origin from the coordinates of the centres; None where they are irregular."""
    along = []
    for name, default in ((columns, stored and stored[0]), (rows, stored and stored[4])):
        values = plane.coords[name].values if name in plane.coords else np.empty(0)
        if values.size == 0 or values.dtype.kind not in "iuf":
            return None
        centres = values.astype(np.float64)
        steps = np.diff(centres)
        step = steps.mean() if steps.size else default
        if not step or np.abs(steps - step).max(initial=0.0) > _REGULAR * abs(step):
            return None
        along.append((float(step), float(centres[0] - step / 2)))
    (a, c), (e, f) = along
    return a, 0.0, c, 0.0, e, f


def label_dataarray(raster: Raster, labels: LabelMap, name: str) -> DataArray:
    """Make a DataArray of a label map, where its raster lies.

    Parameters
    ----------
    raster : Raster
        Where it was made of a DataArray, its dimensions and coordinates are kept.
    labels : ndarray of int32, shape (height, width)
        0 = no data, which is noted as ``_FillValue``.
    name : str

    Returns
    -------
    xarray.DataArray

    Raises
    ------
    MissingDependencyError
        If xarray is not installed.
    """
    xarray = require("xarray")
    attributes = {"_FillValue": np.int32(0)}
    plane = raster.plane
    if plane is not None:
        rows, columns, _ = _find_dimensions(plane, -1)
        made = xarray.DataArray(labels, plane.coords, (rows, columns), name, attributes)
        made.encoding.update(
            {key: plane.encoding[key] for key in ("grid_mapping",) if key in plane.encoding}
        )
        return made.transpose(*plane.dims)
    made = xarray.DataArray(labels, dims=("y", "x"), name=name, attrs=attributes)
    return made if raster.georeference is None else _placed(made, raster.georeference)


def _placed(made: DataArray, place: Georeference) -> DataArray:
    """Add coordinates of the pixels' centres, and the place as rioxarray writes it."""
    a, b, c, d, e, f = place.transform
    if (b, d) == (0.0, 0.0):
        centres = {"y": f + e * (np.arange(made.sizes["y"]) + 0.5)}
        centres["x"] = c + a * (np.arange(made.sizes["x"]) + 0.5)
        made = made.assign_coords(centres)
        for name in ("y", "x") if place.unit else ():
            made.coords[name].attrs["units"] = place.unit
    made = made.assign_coords({_GRID_MAPPING: 0})
    mapping = made.coords[_GRID_MAPPING].attrs
    mapping["GeoTransform"] = " ".join(str(value) for value in (c, a, b, f, d, e))
    if place.crs is not None:
        mapping["crs_wkt"] = mapping["spatial_ref"] = place.crs
    made.encoding["grid_mapping"] = _GRID_MAPPING
    return made
