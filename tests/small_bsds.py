"""Tiny data sets in the form of BSDS500 and of PASCAL VOC 2012."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat


def write_pair(root: Path, name: str, split: str = "", *, n_annotators: int = 2) -> None:
    """Write a picture, 8 x 12, of a dark and a bright half, and drawings of 2, 3, ... segments."""
    images, truths = root / "images" / split, root / "groundTruth" / split
    images.mkdir(parents=True, exist_ok=True)
    truths.mkdir(parents=True, exist_ok=True)
    halves = np.repeat([[1, 2]], 6, axis=1).repeat(8, axis=0)
    Image.fromarray((halves[..., None].repeat(3, 2) * 100).astype(np.uint8)).save(
        images / f"{name}.jpg", quality=100
    )
    cells = np.empty((1, n_annotators), object)
    for i in range(n_annotators):
        drawing = halves.astype(np.uint16)
        drawing[:i, 6:] = np.arange(3, 3 + i)[:, None]
        cells[0, i] = {"Segmentation": drawing, "Boundaries": drawing > 1}
    savemat(truths / f"{name}.mat", {"groundTruth": cells})


def write_voc(root: Path, names: tuple[str, ...], split: str = "val") -> None:
    """Write pictures, 8 x 12, of a bright object on dark ground with a void rim between, as VOC."""
    for folder in ("JPEGImages", "SegmentationObject", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    objects = np.zeros((8, 12), np.uint8)
    objects[:, 5], objects[:, 6:] = 255, 1
    drawing = Image.fromarray(objects, "P")
    drawing.putpalette(bytes(range(256)) * 3)
    for name in names:
        drawing.save(root / "SegmentationObject" / f"{name}.png")
        grey = np.where(objects == 0, 40, 200).astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(root / "JPEGImages" / f"{name}.jpg", quality=100)
    lists = root / "ImageSets" / "Segmentation"
    (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
