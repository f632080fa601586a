"""Photographs with the outlines of their automatic cuts, side by side in one small picture.

    python benchmarks/contact_sheet.py DATA [--output docs/contact-sheet.jpg]

DATA is the folder of BSDS500 with `images` and `groundTruth`. Nobody chose the photographs: they
are twelve at equal steps through the sorted names. Prints the number of regions of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

from nuriwake.evaluate.datasets import find_bsds500
from nuriwake.io.atomic import atomic_path
from nuriwake.painting import outlines
from nuriwake.segmenter import segment

COLOUR = (255, 235, 0)


def thumbnail(picture: np.ndarray, side: int) -> tuple[Image.Image, int]:
    """Draw the outlines over the photograph and shrink it; also return the number of regions."""
    regions = segment(picture).regions
    drawn = picture.copy()
    drawn[binary_dilation(outlines(regions))] = COLOUR
    small = Image.fromarray(drawn)
    small.thumbnail((side, side * 2 // 3), Image.Resampling.LANCZOS)
    return small, int(regions.max())


def contact_sheet(thumbnails: list[Image.Image], side: int, columns: int) -> Image.Image:
    """Centre thumbnails in the cells of a white sheet, row by row."""
    rows = -(-len(thumbnails) // columns)
    height = max(small.height for small in thumbnails) + 8
    sheet = Image.new("RGB", (columns * (side + 8), rows * height), "white")
    for i, small in enumerate(thumbnails):
        left = i % columns * (side + 8) + (side + 8 - small.width) // 2
        top = i // columns * height + (height - small.height) // 2
        sheet.paste(small, (left, top))
    return sheet


def main() -> None:
    """Segment, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", default="val")
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--side", type=int, default=300)
    parser.add_argument("--output", type=Path, default=Path("docs/contact-sheet.jpg"))
    options = parser.parse_args()
    items = find_bsds500(options.data, options.split)
    thumbnails = []
    for item in items[:: max(1, len(items) // options.pictures)][: options.pictures]:
        small, n_regions = thumbnail(item.image(), options.side)
        thumbnails.append(small)
        print(f"{item.name}: {n_regions} regions", flush=True)
    with atomic_path(options.output) as temporary:
        sheet = contact_sheet(thumbnails, options.side, options.columns)
        sheet.save(temporary, "JPEG", quality=85, optimize=True)


if __name__ == "__main__":
    main()
