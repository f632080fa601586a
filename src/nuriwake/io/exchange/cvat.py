"""CVAT for images, XML 1.1: masks as run lengths inside their boxes."""

from __future__ import annotations

from xml.etree import ElementTree

from nuriwake.io.exchange.annotated import Annotated, runs_of


def write_cvat(picture: Annotated) -> bytes:
    """Write every object as a mask: exact, holes included.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        XML, for CVAT's import as "CVAT 1.1".
    """
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    _describe(ElementTree.SubElement(root, "meta"), picture)
    image = ElementTree.SubElement(
        root,
        "image",
        {
            "id": "0",
            "name": picture.name,
            "width": str(picture.width),
            "height": str(picture.height),
        },
    )
    for each, box in picture.boxes.items():
        runs = runs_of(picture.mask(each).ravel())
        ElementTree.SubElement(
            image,
            "mask",
            {
                "label": picture.class_name(each),
                "source": "auto",
                "occluded": "0",
                "rle": ", ".join(map(str, runs)),
                "left": str(box.left),
                "top": str(box.top),
                "width": str(box.width),
                "height": str(box.height),
                "z_order": "0",
            },
        )
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _describe(meta: ElementTree.Element, picture: Annotated) -> None:
    """Name the classes, without which other readers of this form know none."""
    task = ElementTree.SubElement(meta, "task")
    ElementTree.SubElement(task, "size").text = "1"
    ElementTree.SubElement(task, "mode").text = "annotation"
    labels = ElementTree.SubElement(task, "labels")
    for name in picture.classes:
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "attributes")
