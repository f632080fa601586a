"""Stand-ins for the files that the documentation names: small, and of the right kind."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def write_files(folder: Path, page: str) -> None:
    """Write what a page names into a folder, and the folders ``examples`` and ``frames``."""
    shutil.copytree(EXAMPLES, folder / "examples")
    shutil.copy(EXAMPLES / "coffee.png", folder)
    _picture(folder / "photo.jpg")
    for name, write in _FILES.items():
        if name.split("/")[0] in page:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
    for block in page.split("```toml\n")[1:]:
        text = block.split("```")[0]
        (folder / text.split("\n")[0].removeprefix("# ")).write_text(text, encoding="utf-8")


def _picture(path: Path) -> None:
    from PIL import Image

    Image.open(EXAMPLES / "coffee.png").convert("RGB").resize((300, 200)).save(path)


def _strokes(path: Path) -> None:
    from PIL import Image

    drawn = np.zeros((200, 300, 4), np.uint8)
    drawn[10:14, 5:60] = (255, 0, 0, 255)
    drawn[80:84, 130:170] = (0, 0, 255, 255)
    Image.fromarray(drawn).save(path)


def _labelme(path: Path) -> None:
    shapes = [
        {"label": name, "points": points, "group_id": None, "shape_type": "line", "flags": {}}
        for name, points in (("cup", [[130, 80], [170, 80]]), ("wood", [[5, 10], [60, 12]]))
    ]
    about = {"version": "5.5.0", "flags": {}, "imagePath": "photo.jpg", "imageData": None}
    size = {"imageHeight": 200, "imageWidth": 300}
    path.write_text(json.dumps({**about, "shapes": shapes, **size}), encoding="utf-8")


def _scene(path: Path) -> None:
    sys.path.insert(0, str(EXAMPLES.parent / "integrations" / "qgis" / "check"))
    from run import write_scene

    write_scene(path)


def _slices() -> np.ndarray:
    rows, cols = np.mgrid[:60, :80]
    return np.stack(
        [(80 + 100 * ((rows - 30) ** 2 + (cols - 30 - z) ** 2 < 300)) for z in range(8)]
    ).astype(np.uint8) + np.random.default_rng(0).integers(0, 30, (8, 60, 80), np.uint8)


def _stack(path: Path) -> None:
    import tifffile

    tifffile.imwrite(path, _slices(), photometric="minisblack")


def _zcyx(path: Path) -> None:
    import tifffile

    pixels = np.stack([_slices(), 255 - _slices(), _slices()], 1)
    axes = {"axes": "ZCYX"} if path.name.endswith(".ome.tif") else {}
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=axes)


def _nifti(path: Path) -> None:
    import nibabel

    nibabel.Nifti1Image(_slices().T, np.diag([1, 1, 3, 1])).to_filename(path)


_FILES: dict[str, Callable[[Path], None]] = {
    "reference1.jpg": _picture,
    "reference2.jpg": _picture,
    "frame001.png": _picture,
    "frame002.png": _picture,
    "frame050.png": _picture,
    "frames/a.png": _picture,
    "frames/b.png": _picture,
    "scans/a.png": _picture,
    "FOLDER/a.png": _picture,
    "ref/a.jpg": _picture,
    "test/a.jpg": _picture,
    "cell.tif": _picture,
    "strokes.png": _strokes,
    "photo.json": _labelme,
    "scene.tif": _scene,
    "scene1.tif": _scene,
    "scene2.tif": _scene,
    "archive/a.tif": _scene,
    "archive/b.tif": _scene,
    "stack.tif": _stack,
    "other_stack.tif": _stack,
    "cells.ome.tif": _zcyx,
    "pages.tif": _zcyx,
    "scan.nii": _nifti,
}
