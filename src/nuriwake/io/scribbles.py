"""Scribble files: maps of integers, the authors' files, and PNGs painted in any colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError
from nuriwake.io.exchange.reading import is_annotation, read_annotations
from nuriwake.io.image import LOSSLESS_SUFFIXES, read_image
from nuriwake.learn.guidance import Scribbles, decode_scribbles
from nuriwake.raster import LabelMap, Raster

#: More colours than this are not painted on purpose.
MAX_COLOURS = 64
#: A colour with a smaller share of the scribbled pixels looks like the rim of a soft brush.
RIM_SHARE = 0.01


def read_scribbles(path: Path, shape: tuple[int, int] | None = None) -> Scribbles:
    """Read a scribble file.

    One band of integers is read by :func:`nuriwake.learn.guidance.decode_scribbles`. In a colour
    picture the transparent pixels, or else the most frequent colour, are not scribbled; the other
    colours become labels 1, 2, ... in the order of their red, green and blue values. Annotations of
    other tools are read by :func:`.exchange.reading.read_annotations`.

    Parameters
    ----------
    path : pathlib.Path
        PNG or TIFF; or annotations of LabelMe, Label Studio, COCO or ImageJ.
    shape : tuple of int, optional
        Height and width of the image, which ImageJ's files do not tell.

    Returns
    -------
    Scribbles
        Its note says what was assumed, and which colour became which label.

    Raises
    ------
    InputError
        If the file cannot be read, is in a lossy format, or its brush had soft edges.
    """
    if is_annotation(path):
        return read_annotations(path, shape)
    if path.suffix.lower() not in LOSSLESS_SUFFIXES:
        raise InputError(
            f"{path}: scribbles must be PNG or TIFF, or annotations of LabelMe, Label Studio, COCO "
            f"or ImageJ; {path.suffix or 'a file without suffix'} may "
            "blur their colours into new ones. Save them as PNG."
        )
    raster = read_image(path)
    if raster.array.dtype.kind not in "bui":
        raise InputError(f"{path}: scribbles must be integers; got {raster.array.dtype}.")
    if raster.n_bands == 1:
        scribbles = decode_scribbles(np.where(raster.valid, raster.array[:, :, 0], 0))
        refuse_soft_edges(path, _sizes(scribbles.labels))
        return scribbles
    return _decode_colours(path, raster)


def _decode_colours(path: Path, raster: Raster) -> Scribbles:
    colours, index = np.unique(
        raster.array.reshape(-1, raster.n_bands), axis=0, return_inverse=True
    )
    index = index.reshape(raster.shape)
    if raster.valid.all():
        blank = int(np.bincount(index.ravel()).argmax())
        is_blank = index == blank
        described = f"the most frequent colour {_text(colours[blank])}"
    else:
        is_blank = ~raster.valid
        described = "transparent"
    drawn, labels = np.unique(index[~is_blank], return_inverse=True)
    if drawn.size > MAX_COLOURS:
        raise InputError(_soft_edges(path, drawn.size))
    painted = np.zeros(raster.shape, np.int32)
    painted[~is_blank] = labels + 1
    refuse_soft_edges(path, _sizes(painted))
    mapping = ", ".join(f"{_text(colours[k])} -> {i + 1}" for i, k in enumerate(drawn))
    return Scribbles(painted, f"{described} means not scribbled; {mapping}")


def _text(colour: NDArray[np.generic]) -> str:
    return f"({', '.join(map(str, colour.tolist()))})"


def _sizes(labels: LabelMap) -> NDArray[np.int64]:
    sizes: NDArray[np.int64] = np.unique(labels[labels > 0], return_counts=True)[1]
    return sizes


def refuse_soft_edges(path: Path, sizes: NDArray[np.int64]) -> None:
    """Refuse maps most of whose labels are a few pixels each: mixtures at the rim of a brush.

    Parameters
    ----------
    path : pathlib.Path
    sizes : ndarray of int64
        Pixels of each label.

    Raises
    ------
    InputError
        If so.
    """
    n_rims = int((sizes < RIM_SHARE * sizes.sum()).sum())
    if n_rims > sizes.size / 2:
        raise InputError(_soft_edges(path, sizes.size))


def _soft_edges(path: Path, n_colours: int) -> str:
    return (
        f"{path}: scribbles must have one colour per label; got {n_colours} colours, most of them "
        "in a few pixels. Draw with a hard brush (no anti-aliasing, no smoothing), and save the "
        "strokes alone: an empty layer over the picture, without the picture."
    )
