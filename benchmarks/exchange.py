"""Do annotation tools read back what nuriwake writes? Each opens its form with its own package.

    python benchmarks/exchange.py
    python benchmarks/exchange.py --only labelme,cvat --json exchange.json

Every package gets an environment of its own, which is thrown away afterwards: together they weigh
some two gigabytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nuriwake.io.exchange.annotated import Annotated
from nuriwake.jobs.annotations import FORMS
from nuriwake.jobs.kinds import KINDS


@dataclass(frozen=True)
class Reader:
    """A tool's own package, and a program that reads a form with it.

    The program finds ``folder`` (files named after their form) and must fill ``found``: a mask for
    each object, in any order.
    """

    package: str
    form: str
    program: str


READERS = {
    "pycocotools": Reader(
        "pycocotools",
        "coco",
        """
from pycocotools.coco import COCO
data = COCO(folder / "coco.json")
found = [data.annToMask(each) for each in data.anns.values()]
""",
    ),
    "pycocotools, polygons": Reader(
        "pycocotools",
        "coco-polygons",
        """
from pycocotools.coco import COCO
data = COCO(folder / "coco-polygons.json")
found = [data.annToMask(each) for each in data.anns.values()]
""",
    ),
    "labelme": Reader(
        "labelme",
        "labelme",
        """
from labelme._label_file import LabelFile
for shape in LabelFile(str(folder / "labelme.json")).shapes:
    (left, top), (right, bottom) = [[int(x) for x in point] for point in shape["points"]]
    mask = np.zeros_like(objects, bool)
    mask[top : bottom + 1, left : right + 1] = shape["mask"]
    found.append(mask)
""",
    ),
    "label-studio-sdk": Reader(
        "label-studio-sdk",
        "label-studio",
        """
from label_studio_sdk.converter.brush import decode_rle
task, = json.loads((folder / "label-studio.json").read_text())
for each in task["predictions"][0]["result"]:
    size = each["original_height"], each["original_width"], 4
    found.append(decode_rle(each["value"]["rle"]).reshape(size)[:, :, 3] > 0)
""",
    ),
    "label-studio-sdk, COCO": Reader(
        "label-studio-sdk shapely",
        "coco-polygons",
        """
from label_studio_sdk.converter.imports.coco import convert_coco_to_ls
convert_coco_to_ls(str(folder / "coco-polygons.json"), str(folder / "tasks.json"), "image")
task, = json.loads((folder / "tasks.json").read_text())
height, width = objects.shape
pieces = [
    np.array(each["value"]["points"]) * [width / 100, height / 100]
    for each in task["annotations"][0]["result"] if each["type"] == "polygonlabels"
]
found = [filled(pieces, number) for number in numbers]
""",
    ),
    "datumaro, CVAT": Reader(
        "datumaro",
        "cvat",
        """
import shutil
(folder / "cvat" / "images").mkdir(parents=True)
shutil.copy(folder / "cvat.xml", folder / "cvat" / "annotations.xml")
shutil.copy(folder / "cup.png", folder / "cvat" / "images" / "cup.png")
from datumaro import Dataset
for item in Dataset.import_from(str(folder / "cvat"), "cvat"):
    found = [np.asarray(each.image) for each in item.annotations]
""",
    ),
    "supervision, COCO": Reader(
        "supervision",
        "coco",
        """
from supervision import DetectionDataset
data = DetectionDataset.from_coco(str(folder), str(folder / "coco.json"), force_masks=True)
found = [mask for each in data.annotations.values() for mask in each.mask]
""",
    ),
    "roifile": Reader(
        "roifile scikit-image",
        "imagej",
        """
from roifile import ImagejRoi
for roi in ImagejRoi.fromfile(folder / "imagej.zip"):
    found.append(even_odd(roi.coordinates(multi=True)))
""",
    ),
    "shapely, QuPath": Reader(
        "shapely",
        "qupath",
        """
import shapely
rows, cols = np.indices(objects.shape) + 0.5
for each in json.loads((folder / "qupath.geojson").read_text())["features"]:
    shape = shapely.geometry.shape(each["geometry"])
    assert shape.is_valid
    found.append(shapely.contains_xy(shape, cols, rows))
""",
    ),
}
_BEFORE = """
import json, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[1])
objects = np.load(folder / "objects.npy")
numbers = [number for number in np.unique(objects) if number]
found = []

def even_odd(rings):
    rows, cols = np.indices(objects.shape) + 0.5
    inside = np.zeros(objects.shape, bool)
    for ring in rings:
        for (x, y), (xx, yy) in zip(ring, np.roll(ring, -1, axis=0)):
            low, high = min(y, yy), max(y, yy)
            inside ^= (rows > low) & (rows < high) & (cols > x)
    return inside

def filled(pieces, number):
    mask = objects == number
    own = [piece for piece in pieces if mask[even_odd([piece])].all()]
    return np.any([even_odd([piece]) for piece in own], axis=0)
"""
_AFTER = """
expected = {(objects == number).tobytes() for number in numbers}
same = sum((np.asarray(mask) > 0).tobytes() in expected for mask in found)
print(json.dumps([len(numbers), len(found), same]))
"""


@dataclass(frozen=True)
class Outcome:
    """How many objects were written, read back, and read back without one wrong pixel."""

    reader: str
    version: str
    written: int
    read: int
    equal: int


def sample() -> np.ndarray:
    """Objects with holes, objects in holes and in several pieces: blobs of noise, enlarged."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    noise = np.stack([gaussian_filter(rng.normal(size=(60, 80)), 3) for _ in range(9)])
    return noise.argmax(axis=0).astype(np.int32)


def write_all(folder: Path) -> None:
    """Write the sample in every form."""
    objects = sample()
    np.save(folder / "objects.npy", objects)
    Image.fromarray(np.zeros((*objects.shape, 3), np.uint8)).save(folder / "cup.png")
    for form, write in FORMS.items():
        (folder / f"{form}{KINDS[form].suffix}").write_bytes(write(Annotated("cup.png", objects)))


def read_back(name: str, reader: Reader, folder: Path) -> Outcome:
    """Install a package in a fresh environment and read a form with it."""
    with tempfile.TemporaryDirectory(prefix="exchange-") as place:
        venv.create(place, with_pip=True)
        python = str(Path(place) / "bin" / "python")
        packages = ["numpy", *reader.package.split()]
        install = [python, "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True, capture_output=True)
        program = _BEFORE + reader.program + _AFTER
        done = subprocess.run([python, "-c", program, str(folder)], capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return Outcome(name, "failed", 0, 0, 0)
        asked = f"import importlib.metadata as m; print(m.version({packages[1]!r}))"
        version = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
        counts = json.loads(done.stdout.splitlines()[-1])
        return Outcome(name, version.stdout.strip(), *counts)


def main() -> None:
    """Write, read back, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="readers, separated by commas", default=",".join(READERS))
    parser.add_argument("--json", type=Path, help="write the outcomes there too")
    chosen = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        write_all(Path(folder))
        for name, reader in READERS.items():
            if reader.form in chosen.only.split(",") or name in chosen.only:
                outcomes.append(read_back(name, reader, Path(folder)))
                one = outcomes[-1]
                print(f"{name:26} {one.version:12} {one.equal} of {one.written} equal")
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1))


if __name__ == "__main__":
    main()
