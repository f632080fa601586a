"""A machine-learning backend of Label Studio: it asks for predictions, and gets regions.

References
----------
Label Studio's ML backend: ``GET /health``, ``POST /setup``, ``POST /predict``, ``POST /webhook``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from typing import Annotated as Given
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from fastapi import Body, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from nuriwake.errors import InputError, NuriwakeError, RunCancelled, UsageError, one_line
from nuriwake.faces.web.answers import answer_errors
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.security import Access, Guard
from nuriwake.io.exchange.annotated import Annotated
from nuriwake.io.exchange.label_studio import Tool, results
from nuriwake.io.formats import read_raster
from nuriwake.regions.tree import Detail
from nuriwake.settings import Settings

if TYPE_CHECKING:
    from nuriwake.recipes.training import Step

_LOG = logging.getLogger(__name__)
_Prediction = dict[str, Any]
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
        inner = _path_of(address)
        folder = self.images.resolve()
        # Below the folder as the address has it (local storage), or straight in it (uploads).
        for name in (inner.lstrip("/"), PurePosixPath(inner).name):
            # Of names that no file can have, and of rings of links, Python tells by these.
            with suppress(OSError, ValueError, RuntimeError):
                path = (folder / name).resolve()
                if name and path.is_relative_to(folder) and path.is_file():
                    return path
        raise InputError(
            f"{self.images / PurePosixPath(inner).name}: no such file. Start the backend with "
            "--images FOLDER, the folder that holds the pictures of the project."
        )


def _path_of(address: str) -> str:
    """Return which file an address means: local storage names it in the query, as ``d``."""
    try:
        parts = urlsplit(address)
    except ValueError:  # such as http://[
        return address
    return parse_qs(parts.query).get("d", [unquote(parts.path)])[0]


def create_backend(
    backend: Backend,
    access: Access,
    limits: Limits | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> FastAPI:
    """Build the server.

    Parameters
    ----------
    backend : Backend
    access : Access
    limits : Limits, optional
    is_stopping : callable, optional
        Asked at every step of a training, which must not keep a server that was told to end.

    Returns
    -------
    fastapi.FastAPI
    """
    # One picture after the other: each takes all cores.
    turn = asyncio.Semaphore(1)
    app = FastAPI(title="nuriwake", docs_url=None, redoc_url=None, openapi_url=None)

    def go_on(_step: Step | None = None) -> None:
        if is_stopping():
            raise RunCancelled("the server ends.")

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
    async def predict(request: Request, asked: Given[dict[str, Any], Body()]) -> dict[str, Any]:
        tool, key = read_interface(str(asked.get("label_config") or ""))
        found: list[_Prediction | NuriwakeError] = []
        for address in _addresses(asked, key):
            async with turn:
                go_on()
                if await request.is_disconnected():  # Label Studio waits for 100 s
                    raise ClientDisconnect
                found.append(await run_in_threadpool(_attempt, backend, tool, address, go_on))
        return {"results": _results(found), "model_version": _VERSION}

    answer_errors(app)
    app.add_middleware(Guard, access=access, limits=limits or Limits())
    return app


def _addresses(asked: Mapping[str, Any], key: str) -> list[str]:
    try:
        return [str(task["data"][key]) for task in asked["tasks"]]
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"not a request of Label Studio: each of its `tasks` must have `{key}` among its "
            f"`data` ({error!r})."
        ) from None


def _results(found: Sequence[_Prediction | NuriwakeError]) -> list[_Prediction | list[_Prediction]]:
    """Return each task's prediction; none where its picture failed, unless all did.

    Raises
    ------
    NuriwakeError
        The first of them, if every picture failed.
    """
    errors = [each for each in found if isinstance(each, NuriwakeError)]
    if errors and len(errors) == len(found):
        raise errors[0]
    for error in errors:
        _LOG.warning("%s", one_line(str(error)))
    return [[] if isinstance(each, NuriwakeError) else each for each in found]


class _Elements(ElementTree.TreeBuilder):
    """Elements only: what a document type declares may grow without end."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        """Refuse it."""
        raise UsageError(f"the labelling interface has a <!DOCTYPE {name}>. Leave it out.")


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
        If there is neither, or the XML is broken, too long, or declares entities.

    Examples
    --------
    >>> tool, key = read_interface(
    ...     '<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">'
    ...     '<Label value="leaf"/></BrushLabels></View>'
    ... )
    >>> tool.kind, tool.name, tool.image, tool.labels, key
    ('brushlabels', 'b', 'i', ('leaf',), 'photo')
    """
    if len(config) > _MAX_CONFIG:
        raise UsageError(
            f"the labelling interface has {len(config):,} characters; at most {_MAX_CONFIG:,} are "
            "read here."
        )
    try:
        root = ElementTree.fromstring(config, ElementTree.XMLParser(target=_Elements()))
    except (ElementTree.ParseError, UnicodeEncodeError) as error:
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


def _attempt(
    backend: Backend, tool: Tool, address: str, go_on: Callable[[Step], None]
) -> _Prediction | NuriwakeError:
    try:
        return _predict(backend, tool, address, go_on)
    except RunCancelled:
        raise
    except NuriwakeError as error:
        return error


def _predict(
    backend: Backend, tool: Tool, address: str, go_on: Callable[[Step], None]
) -> _Prediction:
    from nuriwake.segmenter import finish_steps, segment_steps

    path = backend.find(address)
    found = finish_steps(segment_steps(read_raster(path, []), backend.settings), go_on)
    parts = found.cut(detail=backend.detail) if found.shows_regions else found.labels
    picture = Annotated(path.name, parts)
    return {"result": results(picture, tool), "model_version": _VERSION}
