"""What the fuzzer gives to Python: arrays that are nearly images, in every library's clothes."""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

SHAPES = (
    (24, 32, 3), (24, 32), (1, 1), (1, 40, 2), (0, 5), (5,), (2, 3, 4, 5), (), (24, 32, 0),
    (9, 9, 12), (3, 24, 32),
)  # fmt: skip
DTYPES = (
    "u1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", "b1", "c8", "O", "U3", "M8[s]", "g", "V4",
    ">f4", ">u2",
)  # fmt: skip
CLOTHES = ("numpy", "numpy", "numpy", "masked", "torch", "xarray", "xarray", "pillow", "dask",
           "list", "zarr", "itk", "interface")  # fmt: skip
DIMENSIONS = ("y", "x", "band", "z", "time", "lat", "lon", "c", "s", "", "y")


def odd_array(rng: random.Random) -> np.ndarray:
    """Make an array that is nearly an image."""
    numbers = np.random.default_rng(rng.randrange(2**32))
    shape, dtype = rng.choice(SHAPES), rng.choice(DTYPES)
    array = numbers.random(shape) * rng.choice((1, 255, 65000, 1e30, 1e300))
    if array.size and rng.random() < 0.5:
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -1, 1.7e308, 0))
    with np.errstate(all="ignore"):
        array = np.nan_to_num(array) if dtype in ("u1", "u2", "i4", "i8", "u8") else array
        return array.astype("i8").astype(dtype) if dtype in ("M8[s]", "V4") else array.astype(dtype)


class _Interface:
    """Something that NumPy can read, or says so."""

    def __init__(self, array: np.ndarray, rng: random.Random) -> None:
        self._array = array
        self.__array_interface__ = {**array.__array_interface__}
        if rng.random() < 0.5:
            self.__array_interface__["shape"] = rng.choice(((), (1,), ("a",), (-1, 2), None))


def dressed(rng: random.Random, array: np.ndarray) -> Any:
    """Put an array into another library's object; itself where that library does not take it."""
    clothes = rng.choice(CLOTHES)
    try:
        match clothes:
            case "masked":
                return np.ma.masked_array(array, rng.random() < 0.5)
            case "torch":
                import torch

                return torch.from_numpy(array).to(rng.choice((torch.bfloat16, torch.float32)))
            case "xarray":
                return _labelled(rng, array)
            case "pillow":
                from PIL import Image

                return Image.fromarray(array)
            case "dask":
                import dask.array

                return dask.array.from_array(array, chunks=7)
            case "zarr":
                import zarr

                return zarr.array(array)
            case "itk":
                import SimpleITK

                return SimpleITK.GetImageFromArray(array, isVector=rng.random() < 0.5)
            case "list":
                return array.tolist()
            case "interface":
                return _Interface(array, rng)
    except (TypeError, ValueError, LookupError, RuntimeError, AttributeError, ArithmeticError):
        return array
    return array


def _labelled(rng: random.Random, array: np.ndarray) -> Any:
    import xarray

    dimensions = rng.sample(DIMENSIONS, array.ndim) if rng.random() < 0.7 else None
    names = dimensions or [*("y", "x", "band", "t")[: array.ndim]]
    coordinates = {}
    if array.ndim and rng.random() < 0.6:
        axis = rng.randrange(array.ndim)
        steps = np.arange(array.shape[axis], dtype=float)
        values = rng.choice((steps, steps**2, steps * 0, steps * np.nan, steps.astype(str)))
        coordinates = {names[axis]: values}
    odd = ("", "nope", -1, None, (1, 2), "GEOGCS[", {"a": 1})
    attributes = {rng.choice(("crs", "transform", "nodata", "_FillValue")): rng.choice(odd)}
    return xarray.DataArray(array, dims=names, coords=coordinates, attrs=attributes)


def odd_words(rng: random.Random) -> dict[str, Any]:
    """Choose arguments in unlikely company."""
    odd = (None, -1, 0, 1, 2, 3, 5, 10**30, "auto", "fine", "", float("nan"), True, [1], b"x")
    words = ("channel_axis", "regions", "detail", "labels", "recipe", "seed", "altitude", "x")
    chosen = {rng.choice(words): rng.choice(odd) for _ in range(rng.choice((0, 0, 1, 2)))}
    for name in ("valid", "mask", "scribbles"):
        if rng.random() < 0.1:
            chosen[name] = odd_array(rng)
    return chosen


def run_object(thing: Any, words: dict[str, Any]) -> int:
    """Segment as people do in Python."""
    from nuriwake.errors import NuriwakeError
    from nuriwake.segmenter import segment

    quick = {"max_iter": 1, "n_channels": 4, "max_labels": 4, "threads": 1}
    try:
        segment(thing, **{**quick, **words})
    except NuriwakeError as error:
        print(f"nuriwake: {error}", file=sys.stderr)
        return 1
    return 0
