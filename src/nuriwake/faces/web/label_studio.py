"""A machine-learning backend of Label Studio: it asks for predictions, and gets regions.

References
----------
Label Studio's ML backend: ``GET /health``, ``POST /setup``, ``POST /predict``, ``POST /webhook``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Annotated as Given
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from fastapi import Body, FastAPI, HTTPException
from fastapi.concurrency import run_in_threadpool

from nuriwake.errors import InputError, UsageError
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.security import Access, Guard
from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.exchange.label_studio import Tool, results
from nuriwake.io.formats import read_raster
from nuriwake.regions.tree import Detail
from nuriwake.settings import Settings

_VERSION = "nuriwake"
#: Tools that can draw a region, and the type of what they draw.
_KINDS: Mapping[str, Literal["brushlabels", "polygonlabels"]] = MappingProxyType(
    {"BrushLabels": "brushlabels", "PolygonLabels": "polygonlabels"}
)
#: Characters of a labelling interface at most.
_MAX_CONFIG = 1 << 20


@dataclass(frozen=True)
class Backend:
    """Where the pictures are, and how they are divided.

    Parameters
    ----------
    images : pathlib.Path
        The folder in which the tasks' pictures are looked for, by their file names. Nothing is
        fetched from elsewhere.
    settings : Settings
    detail : {"fine", "medium", "coarse"} or None
        None for the automatic cut.
    """

    images: Path
    settings: Settings
    detail: Detail | None

    def find(self, address: str) -> Path:
        """Find the picture of a task.

        Raises
        ------
        InputError
            If the folder does not hold it.

        Examples
        --------
        >>> Backend(Path("examples"), Settings(), "medium").find("/data/upload/3/no.png")
        Traceback (most recent call last):
            ...
        nuriwake.errors.InputError: examples/no.png: no such file. Start the backend with ...
        """
        parts = urlsplit(address)
        inner = parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
        folder = self.images.resolve()
        # Below the folder as the address has it (local storage), or straight in it (uploads).
        for name in (inner.lstrip("/"), PurePosixPath(inner).name):
            path = (folder / name).resolve()
            if name and path.is_relative_to(folder) and path.is_file():
                return path
        raise InputError(
            f"{self.images / PurePosixPath(inner).name}: no such file. Start the backend with "
            "--images FOLDER, the folder that holds the pictures of the project."
        )


def create_backend(backend: Backend, access: Access, limits: Limits | None = None) -> FastAPI:
    """Build the server.

    Parameters
    ----------
    backend : Backend
    access : Access
    limits : Limits, optional

    Returns
    -------
    fastapi.FastAPI
    """
    app = FastAPI(title="nuriwake", docs_url=None, redoc_url=None, openapi_url=None)
    # One picture after the other: each takes all cores.
    turn = asyncio.Semaphore(1)

    @app.get("/")
    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "UP", "model_class": _VERSION}

    @app.post("/setup")
    def setup() -> dict[str, str]:
        return {"model_version": _VERSION}

    @app.post("/webhook")
    def webhook() -> dict[str, str]:
        return {}

    @app.post("/predict")
    async def predict(request: Given[dict[str, Any], Body()]) -> dict[str, Any]:
        try:
            tool, key = read_interface(str(request.get("label_config") or ""))
            addresses = [str(task["data"][key]) for task in request["tasks"]]
            async with turn:
                found = [
                    await run_in_threadpool(_predict, backend, tool, each) for each in addresses
                ]
        except (InputError, UsageError) as error:
            raise HTTPException(422, str(error)) from error
        except (KeyError, TypeError) as error:
            raise HTTPException(422, f"not a request of Label Studio ({error!r}).") from error
        return {"results": found, "model_version": _VERSION}

    app.add_middleware(Guard, access=access, limits=limits or Limits())
    return app


def read_interface(config: str) -> tuple[Tool, str]:
    """Find the brush or the polygons of a labelling interface, and the picture that it shows.

    Parameters
    ----------
    config : str
        The project's labelling interface, XML.

    Returns
    -------
    tool : Tool
    key : str
        The name of the picture among a task's data.

    Raises
    ------
    UsageError
        If there is neither, or the XML is broken.

    Examples
    --------
    >>> tool, key = read_interface(
    ...     '<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">'
    ...     '<Label value="leaf"/></BrushLabels></View>'
    ... )
    >>> tool.kind, tool.name, tool.image, tool.labels, key
    ('brushlabels', 'b', 'i', ('leaf',), 'photo')
    """
    try:
        root = ElementTree.fromstring(config[:_MAX_CONFIG])
    except ElementTree.ParseError as error:
        raise UsageError(f"the labelling interface is not XML ({error}).") from None
    images = {each.get("name", ""): each.get("value", "") for each in root.iter("Image")}
    for element in root.iter():
        image = element.get("toName", "")
        if element.tag in _KINDS and image in images:
            labels = tuple(each.get("value", "") for each in element.iter("Label"))
            return Tool(_KINDS[element.tag], element.get("name", ""), image, labels), images[
                image
            ].lstrip("$")
    raise UsageError(
        "the labelling interface has neither BrushLabels nor PolygonLabels on an Image. Take the "
        "template Semantic Segmentation with Masks, or with Polygons."
    )


def _predict(backend: Backend, tool: Tool, address: str) -> dict[str, Any]:
    from nuriwake.segmenter import finish_steps, segment_steps

    path = backend.find(address)
    found = finish_steps(segment_steps(read_raster(path, []), backend.settings))
    parts = found.cut(detail=backend.detail) if found.shows_regions else found.labels
    picture = Annotated(path.name, parts)
    return {"result": results(picture, tool), "model_version": _VERSION}
