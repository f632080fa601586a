"""The pictures that come with scikit-image, to try the page with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

from nuriwake.faces.web.picture import raster_picture, thumbnail
from nuriwake.io.image import read_image
from nuriwake.raster import Raster

_THUMBNAIL_SIDE = 240


@dataclass(frozen=True)
class Example:
    """One picture.

    Parameters
    ----------
    name : str
    file : str
        In scikit-image's folder of data.
    title : str
    credit : str
        Origin and licence, as scikit-image states them.
    """

    name: str
    file: str
    title: str
    credit: str

    def read(self) -> Raster:
        """Read the picture."""
        with as_file(files("skimage.data") / self.file) as path:
            raster = read_image(path)
        return Raster(raster.array, raster.valid)


EXAMPLES = (
    Example("coffee", "coffee.png", "Coffee cup", "Rachel Michetti, CC0"),
    Example("chelsea", "chelsea.png", "Cat", "Stéfan van der Walt, CC0"),
    Example("rocket", "rocket.jpg", "Rocket", "SpaceX, public domain"),
    Example("ihc", "ihc.png", "Stained tissue", "no known copyright"),
    Example("hubble", "hubble_deep_field.jpg", "Deep field", "NASA, public domain"),
    Example("coins", "coins.png", "Coins", "Brooklyn Museum, no known copyright"),
)


def find_example(name: str) -> Example | None:
    """Return the example of this name."""
    return next((example for example in EXAMPLES if example.name == name), None)


@cache
def example_thumbnail(name: str) -> bytes | None:
    """Return a small JPEG of an example; None where there is none of this name."""
    example = find_example(name)
    return thumbnail(raster_picture(example.read()), _THUMBNAIL_SIDE) if example else None
