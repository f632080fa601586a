"""A process of its own that decodes pictures: ``python -m nuriwake.faces.web.decoding``.

What a picture does to a decoder (too much memory, an endless loop, a crash in a C library), it does
to this process only. It answers on its standard output, one message for each on its input.
"""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, NuriwakeError
from nuriwake.faces.web.headers import check_size, picture_size_of
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.messages import Head, receive, send
from nuriwake.faces.web.pages import read_page
from nuriwake.faces.web.pyramid import fit
from nuriwake.faces.web.work import Origin
from nuriwake.io.image import read_image
from nuriwake.raster import Raster

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


def decode_image(
    data: bytes, name: str, page: int, limits: Limits
) -> tuple[Raster, Origin, list[bytes]]:
    """Decode a picture, after a look at its size.

    Parameters
    ----------
    data : bytes
    name : str
        For messages, which name no file of the server.
    page : int
        Of a stack, from 0.
    limits : Limits

    Returns
    -------
    raster : Raster
    origin : Origin
    tiles : list of bytes
        JPEGs of the picture in its own size, where it was reduced.

    Raises
    ------
    InputError
        If it is too large, damaged or no picture, or there is no such page.
    """
    suffix = next((s for magic, s in _SUFFIXES.items() if data.startswith(magic)), None)
    if suffix is None:
        raise InputError(f"{name}: not an image that can be read (PNG, JPEG, TIFF, WebP, BMP).")
    check_size(data, name, limits)
    path = Path(f"upload{suffix}")  # in a folder of this process, soon gone
    path.write_bytes(data)
    try:
        raster, origin = read_page(path, page, read_image)
        raster, pyramid, tiles = fit(raster, limits.pixels)
    except NuriwakeError as error:
        raise InputError(str(error).replace(str(path), name)) from error
    finally:
        path.unlink()
    return raster, replace(origin, pyramid=pyramid), tiles


def decode_scribbles(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """Decode scribbles: a PNG of the picture's size, whose grey values are labels; 0 = nothing.

    Returns
    -------
    ndarray of uint8, shape (height, width)

    Raises
    ------
    InputError
        If it is not a grey PNG, or of another size.
    """
    from PIL import Image, UnidentifiedImageError

    header = picture_size_of(data, "scribbles")  # said before a pixel is decoded
    if (header.height, header.width, header.bands) != (height, width, 1):
        raise InputError(
            f"scribbles: must be an 8-bit grey PNG of {width} x {height} pixels; got "
            f"{header.bands} bands of {header.width} x {header.height}."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            mode, labels = picture.mode, np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError("scribbles: not a PNG that can be read.") from error
    if mode != "L":
        raise InputError(f"scribbles: must be an 8-bit grey PNG; got mode {mode}.")
    return labels


def _answer(head: Head, data: bytes, limits: Limits) -> tuple[Head, memoryview, list[bytes]]:
    tiles: list[bytes] = []
    told: Head = {}
    if "name" in head:
        page = int(head["page"])  # type: ignore[arg-type]
        raster, origin, tiles = decode_image(data, str(head["name"]), page, limits)
        told = {"n_pages": origin.n_pages, "page": origin.page, "plane": origin.plane}
        if origin.pyramid is not None:
            told |= {"pyramid": list(astuple(origin.pyramid)), "tiles": [len(t) for t in tiles]}
        array = np.ascontiguousarray(raster.array)
        packed = np.concatenate((array.reshape(-1).view(np.uint8), raster.valid.reshape(-1)))
    else:
        array = decode_scribbles(data, int(head["height"]), int(head["width"]))  # type: ignore[arg-type]
        packed = array.reshape(-1)
    answer = {"dtype": array.dtype.str, "shape": list(array.shape), **told}
    return answer, packed.data.cast("B"), tiles


def _confine(limits: Limits) -> None:
    """Bound the memory, and what may be written, from here on; on Linux, which can."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    address_space = pages * resource.getpagesize() + limits.decode_bytes
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.upload_bytes, limits.upload_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Answer until the input ends."""
    limits = Limits(**json.loads(sys.argv[1]))
    source = sys.stdin.buffer
    # What a library prints must not come between the answers.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _confine(limits)
    while True:
        try:
            head, data = receive(source)
        except EOFError:
            return
        tiles: list[bytes] = []
        try:
            answer, body, tiles = _answer(head, bytes(data), limits)
        except InputError as error:
            answer, body = {"error": str(error)}, memoryview(b"")
        except MemoryError:
            what = head.get("name", "scribbles")
            answer, body = {"error": f"{what}: needs too much memory here."}, memoryview(b"")
        send(sink, answer, body)
        if tiles:
            send(sink, {}, b"".join(tiles))


if __name__ == "__main__":
    main()
