"""What people send: an image, scribbles, settings. Nothing of it is trusted."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.faces.web.form import SERVER_SIDE
from nuriwake.faces.web.limits import Limits, check_size
from nuriwake.raster import LabelMap, Raster
from nuriwake.settings import Settings

_SUFFIXES = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"RIFF": ".webp",
    b"BM": ".bmp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"II+\x00": ".tif",
    b"MM\x00+": ".tif",
}
_MAX_NAME = 80


def clean_name(name: str | None) -> str:
    r"""Keep of an upload's name what is safe to show and to call a download.

    Examples
    --------
    >>> clean_name("C:\\photos\\a b.jpg"), clean_name("../../etc/passwd"), clean_name(None)
    ('a b.jpg', 'passwd', 'image')
    """
    last = PureWindowsPath(PurePosixPath(name or "").name).name
    kept = "".join(letter for letter in last if letter.isalnum() or letter in " ._-()")
    return kept.strip(" .")[-_MAX_NAME:] or "image"


def read_upload(data: bytes, name: str, limits: Limits) -> Raster:
    """Decode an uploaded image, after a look at its size.

    Parameters
    ----------
    data : bytes
    name : str
        For messages.
    limits : Limits

    Returns
    -------
    Raster

    Raises
    ------
    InputError
        If it is too large, damaged or no image. The message names no file of the server.
    """
    from nuriwake.io.image import read_image

    suffix = next((s for magic, s in _SUFFIXES.items() if data.startswith(magic)), None)
    if suffix is None:
        raise InputError(f"{name}: not an image that can be read (PNG, JPEG, TIFF, WebP, BMP).")
    check_size(data, name, limits)
    # Pictures are read by their path; this one is nobody's business and soon gone.
    with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        try:
            raster = read_image(path)
        except InputError as error:
            message = str(error).replace(str(path), name).replace(path.name, name)
            raise InputError(message) from error
    return Raster(raster.array, raster.valid)


def read_scribbles(data: bytes, shape: tuple[int, int]) -> LabelMap | None:
    """Decode scribbles: a PNG of the image's size, whose grey values are labels; 0 = nothing.

    Returns
    -------
    ndarray of int32, shape (height, width), or None
        None where nothing is scribbled.

    Raises
    ------
    InputError
        If it is not a grey PNG, or of another size.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if (picture.height, picture.width) != shape or picture.mode != "L":
                raise InputError(
                    f"scribbles: must be an 8-bit grey PNG of {shape[1]} x {shape[0]} pixels; got "
                    f"mode {picture.mode}, {picture.width} x {picture.height}."
                )
            labels = np.asarray(picture).astype(np.int32)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise InputError("scribbles: not a PNG that can be read.") from error
    return labels if labels.any() else None


def read_settings_text(text: str) -> Settings:
    """Read the settings that a request names, as JSON.

    Raises
    ------
    UsageError
        If it is no JSON object, a value is out of its range, or a setting is the server's own.
    """
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise UsageError(f"`settings` must be a JSON object ({error}).") from error
    if not isinstance(values, dict):
        raise UsageError(out_of_range("settings", "a JSON object", values))
    reserved = SERVER_SIDE.intersection(values)
    if reserved:
        name = sorted(reserved)[0]
        raise UsageError(f"`{name}` is chosen by who runs the server, not by the page.")
    return Settings(**values)
