"""Pictures with people's drawings: BSDS500 (Berkeley) and PASCAL VOC 2012.

References
----------
.. [1] P. Arbelaez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image
   Segmentation", IEEE TPAMI 33(5), 2011, section 2.2 (the data set).
.. [2] M. Everingham et al., "The PASCAL Visual Object Classes Challenge: A Retrospective", IJCV
   111(1), 2015 (VOC 2012).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nuriwake.errors import InputError, UsageError, out_of_range
from nuriwake.io.faults import check_file, reading, reason_of
from nuriwake.io.image import read_image
from nuriwake.io.picture import opened_picture

SPLITS = ("train", "val", "test")
VOC_SPLITS = ("train", "val", "trainval")
#: The pixels of a drawing of VOC that count for nothing: the rims of objects, and difficult ones.
VOC_VOID = 255
Dataset = Literal["bsds500", "voc2012"]
_WHAT = "a ground truth of BSDS500, a cell array `groundTruth` with the field `Segmentation`"


@dataclass(frozen=True)
class AnnotatedImage:
    """A picture and the drawings of its annotators; both are read when asked for.

    Parameters
    ----------
    name : str
        Name of the files, without suffix.
    image_path, truth_path : pathlib.Path
        The picture, and the MATLAB file with one label map for each annotator, or the PNG of VOC.
    """

    name: str
    image_path: Path
    truth_path: Path

    def image(self) -> NDArray[np.uint8]:
        """Read the picture, (H, W, 3) uint8.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        return read_image(self.image_path).array.astype(np.uint8, copy=False)

    def truths(self) -> list[NDArray[np.int32]]:
        """Read the label maps, one (H, W) int32 array for each annotator; labels start at 1."""
        is_voc = self.truth_path.suffix == ".png"
        return [read_objects(self.truth_path)] if is_voc else read_drawings(self.truth_path)


def read_drawings(path: Path) -> list[NDArray[np.int32]]:
    """Read the annotators' label maps from a ground-truth file of BSDS500.

    Parameters
    ----------
    path : pathlib.Path
        MATLAB file with the cell array ``groundTruth``, whose cells have a field ``Segmentation``.

    Returns
    -------
    list of (H, W) int32 arrays
        One for each annotator; labels start at 1.

    Raises
    ------
    InputError
        If the file cannot be read or holds something else.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    check_file(path)
    try:
        with reading(path, _WHAT):
            cells = loadmat(path)["groundTruth"].ravel()
            found = [np.asarray(cell["Segmentation"][0, 0]) for cell in cells]
    except MatReadError as error:
        raise InputError(f"{path}: cannot be read as {_WHAT} ({reason_of(error)}).") from error
    drawings = [_checked(path, drawing) for drawing in found]
    if not drawings:
        raise InputError(f"{path}: must hold at least one annotator's drawing; got none.")
    return drawings


def _checked(path: Path, drawing: NDArray[Any]) -> NDArray[np.int32]:
    is_map = drawing.ndim == 2 and drawing.size > 0 and drawing.dtype.kind in "buif"
    if not is_map or not (drawing >= 0).all() or drawing.max() > np.iinfo(np.int32).max:
        raise InputError(
            f"{path}: a drawing must be a map of labels; got {drawing.dtype} of shape "
            f"{drawing.shape}."
        )
    return drawing.astype(np.int32)


def read_objects(path: Path) -> NDArray[np.int32]:
    """Read the objects of a picture of PASCAL VOC.

    Parameters
    ----------
    path : pathlib.Path
        PNG of numbers, with or without a palette: 0 is the background, 255 counts for nothing.

    Returns
    -------
    (H, W) int32 array
        The background is 1, objects follow; 0 = not annotated.

    Raises
    ------
    InputError
        If the file cannot be read or holds something else.
    """
    with opened_picture(path) as picture:
        mode, numbers = picture.mode, np.asarray(picture)
    if mode not in ("P", "L"):
        raise InputError(
            f"{path}: a drawing of VOC must be a PNG of 8-bit numbers (palette or grey); got the "
            f"mode {mode}."
        )
    return np.where(numbers == VOC_VOID, 0, numbers.astype(np.int32) + 1).astype(np.int32)


def find_bsds500(data: Path, split: str = "val", limit: int | None = None) -> list[AnnotatedImage]:
    """List the pictures of a split, by name.

    Two layouts are understood: the official one, ``images/{train,val,test}/*.jpg`` beside
    ``groundTruth/{train,val,test}/*.mat``, and a flat one, ``images/*.jpg`` beside
    ``groundTruth/*.mat``, which holds one split: the one that `split` says it is.

    Parameters
    ----------
    data : pathlib.Path
        Folder that holds ``images`` and ``groundTruth``.
    split : {"train", "val", "test"}
        Which pictures.
    limit : int, optional
        At most this many, the first by name.

    Returns
    -------
    list of AnnotatedImage

    Raises
    ------
    UsageError
        If `split` or `limit` is out of range.
    InputError
        If a folder is missing or empty, or a picture has no ground truth.
    """
    _check_choice(split, SPLITS, limit)
    images, truths = _folders(Path(data), split)
    pictures = sorted(images.glob("*.jpg"))
    if not pictures:
        raise InputError(f"{images}: must hold at least one .jpg picture; got none.")
    return _complete(
        [AnnotatedImage(path.stem, path, truths / f"{path.stem}.mat") for path in pictures[:limit]]
    )


def find_voc2012(data: Path, split: str = "val", limit: int | None = None) -> list[AnnotatedImage]:
    """List the pictures of a split of PASCAL VOC 2012 [2]_, in the order of its list.

    The truth are the objects (``SegmentationObject``), each on its own whatever its class, and the
    background as one more; the void rims are left out.

    Parameters
    ----------
    data : pathlib.Path
        The folder ``VOC2012``: ``JPEGImages``, ``SegmentationObject`` and
        ``ImageSets/Segmentation/{train,val,trainval}.txt``.
    split : {"train", "val", "trainval"}
        Which list.
    limit : int, optional
        At most this many, the first of the list.

    Returns
    -------
    list of AnnotatedImage

    Raises
    ------
    UsageError
        If `split` or `limit` is out of range.
    InputError
        If the list is missing or empty, or a picture or its drawing is missing.
    """
    _check_choice(split, VOC_SPLITS, limit)
    names = Path(data) / "ImageSets" / "Segmentation" / f"{split}.txt"
    if not names.is_file():
        raise InputError(
            f"{names}: no such file. Name the folder VOC2012 of PASCAL VOC, which holds "
            "JPEGImages, SegmentationObject and ImageSets."
        )
    with reading(names, "a list of pictures"):
        chosen = names.read_text(encoding="utf-8").split()
    if not chosen:
        raise InputError(f"{names}: must name at least one picture; got none.")
    pictures, objects = Path(data) / "JPEGImages", Path(data) / "SegmentationObject"
    return _complete(
        [
            AnnotatedImage(name, pictures / f"{name}.jpg", objects / f"{name}.png")
            for name in chosen[:limit]
        ]
    )


#: What lists the pictures of each data set.
DATASETS: Mapping[Dataset, Callable[[Path, str, int | None], list[AnnotatedImage]]] = (
    MappingProxyType({"bsds500": find_bsds500, "voc2012": find_voc2012})
)


def _check_choice(split: str, splits: tuple[str, ...], limit: int | None) -> None:
    if split not in splits:
        raise UsageError(out_of_range("split", f"one of {', '.join(splits)}", split))
    if limit is not None and limit < 1:
        raise UsageError(out_of_range("limit", "an int of at least 1", limit))


def _complete(found: list[AnnotatedImage]) -> list[AnnotatedImage]:
    """Return the pictures if nothing of them is missing."""
    for each in found:
        if not each.image_path.is_file():
            raise InputError(f"{each.image_path}: the picture is missing.")
        if not each.truth_path.is_file():
            raise InputError(f"{each.image_path}: its ground truth {each.truth_path} is missing.")
    return found


def _folders(data: Path, split: str) -> tuple[Path, Path]:
    images, truths = data / "images", data / "groundTruth"
    if not (images.is_dir() and truths.is_dir()):
        raise InputError(
            f"{data}: must hold the folders images and groundTruth of BSDS500. Download the data "
            "set and name the folder that holds both."
        )
    if (images / split).is_dir():
        return images / split, truths / split
    if any((images / other).is_dir() for other in SPLITS):
        raise InputError(f"{images}: the split {split} is missing.")
    return images, truths
