"""A piece of work in one file: picture, settings, scribbles, result, edits and classes.

Of a large picture, the tiles too, where the file can still be opened again with them.

The file is a ZIP of a JSON text, plain bytes and a result; opening it runs no code.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nuriwake.errors import InputError, NuriwakeError, UsageError
from nuriwake.faces.web.form import chosen_settings
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.pyramid import Pyramid, Tiles
from nuriwake.faces.web.tags import RegionClass
from nuriwake.faces.web.uploads import clean_name, read_settings_text
from nuriwake.faces.web.work import Grown, Origin, Task
from nuriwake.jobs.result_file import load_result, save_result
from nuriwake.raster import Raster
from nuriwake.segmentation import Partition, Reading
from nuriwake.settings import Value

SUFFIX = ".nuriwake.zip"
_FORMAT: Literal[1] = 1
_DTYPES = frozenset({"|u1", "<u2", "<i2", "<u4", "<i4", "<f4", "<f8", "|b1", "|i1", "<f2"})
_MAX_EDITS = 1000
#: Bytes of the tiles' lengths, and room for what a ZIP says of its members.
_LENGTHS, _SPARE = np.dtype("<u4"), 4096
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError, EOFError, RuntimeError)


class LeafTags(BaseModel):
    """Classes, and which of them each leaf of the tree has; 0 = none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: Annotated[list[RegionClass], Field(max_length=64)] = []
    ofLeaf: Annotated[list[Annotated[int, Field(ge=0, le=64)]], Field(max_length=1_000_000)] = []  # noqa: N815 - the page's name


class Looked(BaseModel):
    """How the page looks at a result: the cut, the steps by hand, the classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cutName: Literal["auto", "fine", "medium", "coarse"] | None = "auto"  # noqa: N815 - the page's name
    cutCount: Annotated[int, Field(ge=1)] | None = None  # noqa: N815 - the page's name
    edits: Annotated[
        list[Annotated[str, Field(pattern=r"^[ms][0-9]{1,9}$")]], Field(max_length=_MAX_EDITS)
    ] = []
    tags: LeafTags = LeafTags()


class _Head(BaseModel):
    """The JSON text of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    name: str
    settings: dict[str, Value]
    pyramid: Pyramid | None = None
    dtype: str
    shape: tuple[int, int, int]
    has_scribbles: bool
    looked: Looked


def pack_session(task: Task, grown: Grown, looked: Looked, limits: Limits) -> bytes:
    """Write a session.

    Parameters
    ----------
    task : Task
    grown : Grown
    looked : Looked
    limits : Limits

    Returns
    -------
    bytes

    Raises
    ------
    UsageError
        If it is so large that it could not be opened again.
    """
    array = np.ascontiguousarray(task.raster.array)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    head = _Head(
        format=_FORMAT,
        name=task.name,
        settings=chosen_settings(task.settings),
        pyramid=task.origin.pyramid,
        dtype=array.dtype.str,
        shape=(array.shape[0], array.shape[1], array.shape[2]),
        has_scribbles=task.scribbles is not None,
        looked=looked,
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("session.json", head.model_dump_json())
        archive.writestr("array", array.tobytes())
        archive.writestr("valid", task.raster.valid.tobytes())
        if task.scribbles is not None:
            archive.writestr("scribbles", task.scribbles.astype(np.uint8).tobytes())
        archive.writestr("result.npz", _pack_result(grown.partition), zipfile.ZIP_STORED)
        if task.origin.tiles is not None:
            _pack_tiles(archive, task.origin.tiles, limits.upload_bytes - buffer.tell())
    if buffer.tell() > limits.upload_bytes:
        raise UsageError(
            f"a session of this picture has {buffer.tell() / 2**20:.0f} MiB, more than could be "
            "opened here again. Download the result, and cut it from the command line."
        )
    return buffer.getvalue()


def _pack_tiles(archive: zipfile.ZipFile, tiles: Tiles, room: int) -> None:
    """Add the tiles where there is room; without them the picture is seen as it was learned."""
    lengths = np.array(tiles.lengths, _LENGTHS)
    if int(lengths.sum()) + lengths.nbytes + _SPARE <= room:
        archive.writestr("tile_lengths", lengths.tobytes())
        archive.writestr("tiles", tiles.joined(), zipfile.ZIP_STORED)


def _pack_result(partition: Partition) -> bytes:
    with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
        path = Path(folder) / "result.npz"
        save_result(path, partition)
        return path.read_bytes()


def open_session(data: bytes, limits: Limits) -> tuple[Task, Grown, Looked]:
    """Read a session; nothing of it is trusted.

    Parameters
    ----------
    data : bytes
    limits : Limits

    Returns
    -------
    task : Task
    grown : Grown
    looked : Looked

    Raises
    ------
    InputError
        If it is damaged, no session, or larger than the limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            head = _Head(**json.loads(_member(archive, "session.json", limits.upload_bytes)))
            task = _task(archive, head, limits)
            n_bytes = 32 * limits.pixels
            partition = _read_result(_member(archive, "result.npz", n_bytes))
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"the session is damaged, or of a newer nuriwake (`{where}`).") from error
    except NuriwakeError as error:
        raise InputError(f"the session cannot be opened: {error}") from error
    except (RecursionError, *_DAMAGED) as error:
        raise InputError("not a session of nuriwake, or damaged.") from error
    if partition.own_labels.shape != task.raster.shape:
        raise InputError("the session is damaged: its picture and its result differ in size.")
    reading = Reading(prefers_labels=head.has_scribbles)
    grown = Grown(replace(partition, reading=reading, name=task.name))
    return task, grown, head.looked


def _task(archive: zipfile.ZipFile, head: _Head, limits: Limits) -> Task:
    height, width, n_bands = head.shape
    n_pixels = height * width
    if min(head.shape) < 1 or n_pixels > limits.pixels or n_pixels * n_bands > limits.values:
        raise InputError(f"its picture is too large: {width:,} x {height:,} x {n_bands:,}.")
    if head.pyramid and not head.pyramid.fits((height, width), limits.decode_pixels):
        raise ValueError("a picture of another size")
    if head.dtype not in _DTYPES:
        raise ValueError("a dtype that no picture has")
    array = _array(archive, "array", np.dtype(head.dtype), head.shape)
    valid = _array(archive, "valid", np.dtype(np.uint8), (height, width)) != 0
    drawn = (
        _array(archive, "scribbles", np.dtype(np.uint8), (height, width))
        if (head.has_scribbles)
        else None
    )
    scribbles = None if drawn is None else drawn.astype(np.int32)
    settings = read_settings_text(json.dumps(head.settings))
    tiles = _tiles(archive, head.pyramid, limits) if head.pyramid else None
    origin = Origin(pyramid=head.pyramid, tiles=tiles)
    return Task(clean_name(head.name), Raster(array, valid), settings, scribbles, origin)


def _tiles(archive: zipfile.ZipFile, pyramid: Pyramid, limits: Limits) -> Tiles | None:
    if "tiles" not in archive.namelist():
        return None
    packed = _member(archive, "tile_lengths", pyramid.n_tiles * _LENGTHS.itemsize)
    lengths = np.frombuffer(packed, _LENGTHS).tolist()
    return Tiles(pyramid, lengths, _member(archive, "tiles", limits.upload_bytes))


def _array(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[np.generic], shape: tuple[int, ...]
) -> NDArray[np.generic]:
    size = math.prod(shape) * dtype.itemsize
    data = _member(archive, name, size)
    return np.frombuffer(data, dtype, math.prod(shape)).reshape(shape).copy()


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member of the archive, of at most so many bytes."""
    with archive.open(name) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} is larger than it says")
    return data


def _read_result(data: bytes) -> Partition:
    with tempfile.TemporaryDirectory(prefix="nuriwake-") as folder:
        path = Path(folder) / "result.npz"
        path.write_bytes(data)
        return load_result(path)
