"""Label Studio: a task with predictions, brushed or as polygons.

References
----------
rle-pack of thi.ng/umbrella, whose run lengths Label Studio's brush uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.exchange.bridges import bridged
from nuriwake.raster import BoolMap

#: Bits of a run's length, four choices; two bits say which.
_LENGTH_BITS = (3, 4, 8, 16)
_WORD_BITS = 8
#: Red, green, blue and alpha of each pixel, all of them the mask.
_CHANNELS = 4


@dataclass(frozen=True)
class Tool:
    """A labelling tool of a project, as its labelling interface names it.

    Parameters
    ----------
    kind : {"brushlabels", "polygonlabels"}
    name : str
        Of the tool.
    image : str
        The name of the picture that it draws on.
    labels : tuple of str
        What it can draw; a class that is not among them is drawn as the first. Empty: anything.
    """

    kind: Literal["brushlabels", "polygonlabels"]
    name: str
    image: str = "image"
    labels: tuple[str, ...] = ()

    def label_of(self, class_name: str) -> str:
        """Return the label that an object of this class is drawn as."""
        return class_name if not self.labels or class_name in self.labels else self.labels[0]


#: The tools of Label Studio's own templates.
BRUSH, POLYGON = Tool("brushlabels", "tag"), Tool("polygonlabels", "label")


def write_brush(picture: Annotated) -> bytes:
    """Write a task whose predictions are brush strokes: masks, exact.

    Parameters
    ----------
    picture : Annotated
        Its name becomes the task's ``image``: upload the picture under that name, or replace it by
        its address.

    Returns
    -------
    bytes
        JSON, for Label Studio's import.
    """
    return _task(picture, BRUSH)


def write_polygons(picture: Annotated) -> bytes:
    """Write a task whose predictions are polygons; a hole is joined to the ring around it."""
    return _task(picture, POLYGON)


def results(picture: Annotated, tool: Tool) -> list[dict[str, Any]]:
    """Return the objects of a prediction, as the tool would have drawn them.

    Parameters
    ----------
    picture : Annotated
    tool : Tool

    Returns
    -------
    list of dict
        In the form of Label Studio's JSON.
    """
    values = _strokes(picture) if tool.kind == "brushlabels" else _polygons(picture)
    return [
        {
            "id": name,
            "type": tool.kind,
            "from_name": tool.name,
            "to_name": tool.image,
            "original_width": picture.width,
            "original_height": picture.height,
            "image_rotation": 0,
            "value": {**value, tool.kind: [tool.label_of(picture.class_name(each))]},
        }
        for each, name, value in values
    ]


def _strokes(picture: Annotated) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for each in picture.ids:
        yield each, f"r{each}", {"format": "rle", "rle": pack(picture.objects == each)}


def _polygons(picture: Annotated) -> Iterator[tuple[int, str, dict[str, Any]]]:
    # Label Studio counts in per cent of the picture.
    unit = np.array([100 / picture.width, 100 / picture.height])
    for each, pieces in picture.outlines.items():
        for place, piece in enumerate(pieces):
            points = (bridged(piece)[:-1, ::-1] * unit).tolist()
            name = f"r{each}" if len(pieces) == 1 else f"r{each}-{place}"
            yield each, name, {"points": points, "closed": True}


def _task(picture: Annotated, tool: Tool) -> bytes:
    prediction = {"model_version": "nuriwake", "result": results(picture, tool)}
    task = {"data": {tool.image: picture.name}, "predictions": [prediction]}
    return json.dumps([task], separators=(",", ":")).encode()


def pack(mask: BoolMap) -> list[int]:
    """Write a mask as the brush's run lengths, a list of bytes.

    Examples
    --------
    >>> unpack(pack(np.array([[True, False]])), (1, 2)).tolist()
    [[True, False]]
    """
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    lengths = np.diff(np.append(starts, flat.size)) * _CHANNELS
    head = f"{flat.size * _CHANNELS:032b}{_WORD_BITS - 1:05b}"
    head += "".join(f"{bits - 1:04b}" for bits in _LENGTH_BITS)
    runs = (
        _run(length, 255 * value)
        for length, value in zip(lengths.tolist(), flat[starts].tolist(), strict=True)
    )
    text = head + "".join(runs)
    # Never a whole number of bytes: the reader of Label Studio wants some padding.
    text += "0" * (8 - len(text) % 8)
    bits = np.frombuffer(text.encode(), np.uint8) - ord("0")
    packed: list[int] = np.packbits(bits).tolist()
    return packed


def _run(length: int, value: int) -> str:
    """Write one run: a flag, which size of length, the length less one, the value."""
    longest = 1 << _LENGTH_BITS[-1]
    text = ""
    while length > longest:
        text += f"111{longest - 1:016b}{value:08b}"
        length -= longest
    choice = next(i for i, bits in enumerate(_LENGTH_BITS) if length <= 1 << bits)
    return f"{text}1{choice:02b}{length - 1:0{_LENGTH_BITS[choice]}b}{value:08b}"


def unpack(packed: list[int], shape: tuple[int, int]) -> BoolMap:
    """Read the brush's run lengths into a mask.

    Raises
    ------
    ValueError
        If they do not fill the shape.
    """
    read = _bit_reader(np.unpackbits(np.asarray(packed, np.uint8)))
    size = read(32)
    if size != shape[0] * shape[1] * _CHANNELS:
        raise ValueError(f"brush strokes of {size} values for {shape[1]} x {shape[0]} pixels")
    word = read(5) + 1
    length_bits = [read(4) + 1 for _ in range(4)]
    values = np.zeros(size, np.uint8)
    place = 0
    while place < size:
        is_run = read(1)
        end = place + 1 + read(length_bits[read(2)])
        if end > size:
            raise ValueError("brush strokes that run over the picture")
        values[place:end] = read(word) if is_run else [read(word) for _ in range(end - place)]
        place = end
    mask: BoolMap = values[::_CHANNELS].reshape(shape) > 0
    return mask


def _bit_reader(bits: NDArray[np.uint8]) -> Callable[[int], int]:
    place = 0

    def read(count: int) -> int:
        nonlocal place
        if place + count > bits.size:
            raise ValueError("brush strokes that end too early")
        value = 0
        for bit in bits[place : place + count].tolist():
            value = value << 1 | bit
        place += count
        return value

    return read
