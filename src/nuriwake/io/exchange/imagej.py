"""ImageJ and Fiji: a zip of ROIs for the ROI manager."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from nuriwake.errors import require
from nuriwake.io.exchange.annotated import Annotated

if TYPE_CHECKING:
    from nuriwake.io.outlines import Outline


def write_imagej(picture: Annotated) -> bytes:
    """Write every object as an ROI: exact, holes included.

    Parameters
    ----------
    picture : Annotated

    Returns
    -------
    bytes
        A zip, for "Open" in ImageJ. An ROI is named after the object's class and number.

    Raises
    ------
    MissingDependencyError
        If roifile is not installed.
    """
    roifile = require("roifile", extra="annotate")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, pieces in picture.outlines.items():
            name = f"{picture.class_name(each)}-{each}"
            # A fixed date: equal regions give equal files.
            entry = zipfile.ZipInfo(f"{name}.roi", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, _roi(roifile, name, pieces).tobytes())
    return stream.getvalue()


def _roi(roifile: Any, name: str, pieces: tuple[Outline, ...]) -> Any:
    """Make one ring a traced ROI, and several a composite one, whose rings cut each other out."""
    rings = [ring for piece in pieces for ring in (piece.exterior, *piece.holes)]
    corners = np.concatenate(rings)[:, ::-1]
    roi = roifile.ImagejRoi.frompoints(rings[0][:-1, ::-1], name=name)
    if len(rings) == 1:
        roi.roitype = roifile.ROI_TYPE.TRACED
        return roi
    path = np.concatenate([_path(ring[:-1, ::-1]) for ring in rings])
    return roifile.ImagejRoi(
        roitype=roifile.ROI_TYPE.RECT,
        name=name,
        left=int(corners[:, 0].min()),
        top=int(corners[:, 1].min()),
        right=int(corners[:, 0].max()),
        bottom=int(corners[:, 1].max()),
        shape_roi_size=path.size,
        multi_coordinates=path,
    )


def _path(corners: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Write a ring as move (0), lines (1) and close (4)."""
    verbs = np.ones((len(corners), 1))
    verbs[0] = 0
    steps = np.concatenate([verbs, corners], axis=1).ravel()
    return np.append(steps, 4).astype(np.float32)
