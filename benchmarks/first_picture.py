"""The picture of the README and of the first tutorial: a photograph, two cuts, three materials.

python benchmarks/first_picture.py [--output docs/first-picture.jpg]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nuriwake.io.atomic import atomic_path
from nuriwake.segmenter import segment

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "coffee.png"
_GAP, _CAPTION = 10, 34


def panels(path: Path) -> dict[str, np.ndarray]:
    """Segment a photograph as the tutorial does; return pictures by their captions."""
    found = segment(path)
    eight, materials = segment(path, regions=8), segment(path, labels=3)
    return {
        "a photograph": np.asarray(Image.open(path).convert("RGB")),
        f"{found.regions.max()} regions by itself": found.overlay(),
        "--regions 8": eight.overlay(),
        "--labels 3": materials.overlay(),
    }


def side_by_side(pictures: dict[str, np.ndarray], width: int) -> Image.Image:
    """Draw pictures of one size in a row, each with its caption below."""
    rows, cols, _ = next(iter(pictures.values())).shape
    height = width * rows // cols
    step = width + _GAP
    row = Image.new("RGB", (len(pictures) * step - _GAP, height + _CAPTION), "white")
    draw, font = ImageDraw.Draw(row), ImageFont.load_default(20)
    for i, (caption, picture) in enumerate(pictures.items()):
        small = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
        row.paste(small, (i * step, 0))
        draw.text((i * step + width // 2, height + 8), caption, "black", font, "mt")
    return row


def main() -> None:
    """Segment, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("docs/first-picture.jpg"))
    parser.add_argument("--width", type=int, default=360)
    options = parser.parse_args()
    with atomic_path(options.output) as temporary:
        row = side_by_side(panels(EXAMPLE), options.width)
        row.save(temporary, "JPEG", quality=88, optimize=True)


if __name__ == "__main__":
    main()
