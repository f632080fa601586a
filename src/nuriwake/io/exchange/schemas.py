"""What is read of the JSON of LabelMe, Label Studio and COCO, checked while it is parsed."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import (
    Base64Bytes,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

Item = TypeVar("Item")
Many = Annotated[list[Item], Field(fail_fast=True)]
Extent = Annotated[int, Field(ge=1, lt=1 << 31)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Byte = Annotated[int, Field(ge=0, le=255)]
Count = Annotated[int, Field(ge=0, lt=1 << 62)]


class _Table(BaseModel):
    """A table of which we know some keys."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class LabelMeShape(_Table):
    """One object of LabelMe."""

    label: str
    points: Many[tuple[Number, Number]] = Field(min_length=1)
    shape_type: Literal[
        "polygon", "rectangle", "circle", "line", "linestrip", "point", "points", "mask"
    ] = "polygon"
    mask: Base64Bytes | None = None


class RunLengths(_Table):
    """A mask of COCO: as a text, or as numbers."""

    size: tuple[Extent, Extent] | None = None
    counts: str | Many[Count]


class CocoImage(_Table):
    """A picture of COCO."""

    height: Extent
    width: Extent


class CocoCategory(_Table):
    """A class of COCO."""

    id: int
    name: str


class CocoAnnotation(_Table):
    """One object of COCO."""

    category_id: int
    segmentation: Many[Many[Number]] | RunLengths


class Document(_Table):
    """LabelMe's table, or COCO's: one of them is told by the keys that it has."""

    shapes: Many[LabelMeShape] | None = None
    height: Extent | None = Field(None, alias="imageHeight")
    width: Extent | None = Field(None, alias="imageWidth")
    images: Many[CocoImage] | None = None
    annotations: Many[CocoAnnotation] | None = None
    categories: Many[CocoCategory] = []


class Value(_Table):
    """What Label Studio's tools draw; lengths in per cent of the picture."""

    brushlabels: Many[str] = []
    polygonlabels: Many[str] = []
    rectanglelabels: Many[str] = []
    labels: Many[str] = []
    rle: Many[Byte] | None = None
    points: Many[tuple[Number, Number]] | None = None
    x: Number = 0
    y: Number = 0
    width: Number | None = None
    height: Number | None = None
    rotation: Number = 0

    @property
    def name(self) -> str:
        """The class; a tool without classes draws objects."""
        given = self.brushlabels or self.polygonlabels or self.rectanglelabels or self.labels
        return given[0] if given else "object"


class Result(_Table):
    """One object of Label Studio, or an answer of another kind, which has no size."""

    type: str = ""
    height: Extent | None = Field(None, alias="original_height")
    width: Extent | None = Field(None, alias="original_width")
    value: Value = Value()


class Work(_Table):
    """What one person, or one model, made of a picture."""

    result: Many[Result]


class Task(_Table):
    """A picture of Label Studio."""

    annotations: Many[Work] = []
    predictions: Many[Work] = []


def parse_tasks(data: bytes) -> list[Task]:
    """Read Label Studio's list of tasks; the errors of :func:`parse_document`."""
    return _parsed(TypeAdapter(Many[Task]), data)


def parse_document(data: bytes) -> Document:
    """Read LabelMe's or COCO's table.

    Raises
    ------
    ValueError
        Naming the place of what is not as it should be.

    Examples
    --------
    >>> parse_document(b'{"images": [{"height": 0, "width": 2}]}')
    Traceback (most recent call last):
        ...
    ValueError: images.0.height: Input should be greater than or equal to 1
    """
    return _parsed(TypeAdapter(Document), data)


def _parsed(adapter: TypeAdapter[Item], data: bytes) -> Item:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
