"""The addresses of the page's server; each hands over at once to a module that does the work."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, State, UploadFile

from nuriwake.errors import InputError
from nuriwake.faces.form import field_forms, recipe_forms
from nuriwake.faces.web.decoder import Decoder
from nuriwake.faces.web.downloads import DOWNLOADS, look
from nuriwake.faces.web.events import job_events
from nuriwake.faces.web.examples import EXAMPLES, example_thumbnail, find_example
from nuriwake.faces.web.form import SERVER_SIDE, chosen_settings, command_line
from nuriwake.faces.web.jobs import Busy, Job, JobQueue
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.partition import parse_edits
from nuriwake.faces.web.picture import encode_jpeg, raster_picture
from nuriwake.faces.web.pyramid import TILE, Place
from nuriwake.faces.web.session import SUFFIX, Looked, open_session, pack_session
from nuriwake.faces.web.tags import Tags
from nuriwake.faces.web.transfer import pack_tree
from nuriwake.faces.web.uploads import clean_name, parse_page, read_settings_text
from nuriwake.faces.web.work import Grown, Origin, Task
from nuriwake.raster import Raster
from nuriwake.regions.editing import EditedCut
from nuriwake.regions.tree import Detail
from nuriwake.settings import Value

STATIC = Path(__file__).parent / "static"
router = APIRouter()


def _queue(request: Request) -> JobQueue:
    queue: JobQueue = request.app.state.queue
    return queue


def _limits(request: Request) -> Limits:
    limits: Limits = request.app.state.limits
    return limits


Queue = Annotated[JobQueue, Depends(_queue)]
LimitsOf = Annotated[Limits, Depends(_limits)]


def _job(job_id: str, queue: Queue) -> Job:
    job = queue.find(job_id)
    if job is None:
        raise HTTPException(
            404,
            "there is no such job; results are dropped after a time. Choose the picture again.",
        )
    return job


KnownJob = Annotated[Job, Depends(_job)]


def _grown(job: KnownJob) -> Grown:
    if job.grown is None:
        raise HTTPException(409, f"this job has no result; it is {job.status.state}.")
    return job.grown


GrownOf = Annotated[Grown, Depends(_grown)]


@router.get("/")
def page() -> FileResponse:
    """Send the page."""
    return FileResponse(STATIC / "index.html")


@router.get("/api/settings")
def settings(request: Request, limits: LimitsOf) -> JSONResponse:
    """Describe the form, the limits and what the page opens with."""
    opened: Task | None = request.app.state.opened
    return JSONResponse(
        {
            "recipes": recipe_forms(),
            "fields": field_forms(SERVER_SIDE),
            "downloads": [
                {"kind": kind, "title": d.title, "common": d.is_common}
                for kind, d in DOWNLOADS.items()
            ],
            "limits": {
                "bytes": limits.upload_bytes,
                "pixels": limits.pixels,
                "decode_pixels": limits.decode_pixels,
            },
            "opened": opened.name if opened else None,
        }
    )


@router.get("/api/examples")
def examples() -> JSONResponse:
    """List the built-in pictures."""
    return JSONResponse([{"name": e.name, "title": e.title, "credit": e.credit} for e in EXAMPLES])


@router.get("/api/examples/{name}.jpg")
def example_picture(name: str) -> Response:
    """Send the small picture of an example."""
    data = example_thumbnail(name)
    if data is None:
        raise HTTPException(404, "there is no such example.")
    return Response(data, media_type="image/jpeg")


@router.post("/api/jobs", status_code=201)
async def submit(request: Request, queue: Queue) -> JSONResponse:
    """Queue an image: an upload, an example, or one that the server has already."""
    _refuse_when_full(queue)  # said before the upload is read
    # Only what has come whole waits for a decoder: slow clients keep nobody waiting.
    async with request.form(max_files=2, max_fields=5) as form, request.app.state.decoding:
        _refuse_when_full(queue)
        parts = {name: await _bytes(form, name) for name in ("image", "scribbles")}
        task = await run_in_threadpool(_task, request.app.state, form, parts)
    return JSONResponse(_describe(queue.submit(task)), status_code=201)


def _refuse_when_full(queue: JobQueue) -> None:
    if queue.is_full:
        raise Busy("the server is busy; try again in a moment.")


async def _bytes(form: FormData, name: str) -> bytes:
    part = form.get(name)
    return await part.read() if isinstance(part, UploadFile) else b""


def _task(state: State, form: FormData, parts: dict[str, bytes]) -> Task:
    """Make a task of a form; runs in a thread of its own, as decoding takes time."""
    decoder: Decoder = state.decoder
    chosen = read_settings_text(_text(form, "settings"))
    name, raster, origin = _picture(state, form, parts["image"])
    drawn = parts["scribbles"]
    scribbles = decoder.scribbles(drawn, raster.shape) if drawn else None
    return Task(name, raster, chosen, scribbles, origin)


def _picture(state: State, form: FormData, data: bytes) -> tuple[str, Raster, Origin]:
    """Find the picture that a form is about."""
    queue: JobQueue = state.queue
    opened: Task | None = state.opened
    upload, example = form.get("image"), find_example(_text(form, "example"))
    if isinstance(upload, UploadFile):
        decoder: Decoder = state.decoder
        name = clean_name(upload.filename)
        return name, *decoder.image(data, name, parse_page(_text(form, "page")))
    if example is not None:
        return example.file, example.read(), Origin()
    if again := _text(form, "again"):
        job = queue.find(again)
        if job is None:
            raise InputError("this picture is no longer on the server; choose it again.")
        return _turned(job.task, _text(form, "page"))
    if opened is not None and _text(form, "opened"):
        return _turned(opened, _text(form, "page"))
    raise InputError("send a file as `image`, or the name of an example as `example`.")


def _turned(task: Task, page: str) -> tuple[str, Raster, Origin]:
    """Return the picture of a task, or another page of its file where one is named."""
    number = parse_page(page) if page else task.origin.page
    if task.origin.turn is None or number == task.origin.page:
        return task.name, task.raster, task.origin
    return task.name, *task.origin.turn(number)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _describe(job: Job) -> dict[str, str | int | dict[str, Value] | None]:
    """Tell what the page needs to show a job, also after it was loaded again."""
    height, width = job.task.raster.shape
    return {
        "id": job.id,
        "state": job.status.state,
        "message": job.status.message,
        "name": job.task.name,
        "height": height,
        "width": width,
        "command": command_line(job.task),
        "n_pages": job.task.origin.n_pages,
        "page": job.task.origin.page,
        "reduced": _reduced(job.task.origin),
        "settings": chosen_settings(job.task.settings),
    }


def _reduced(origin: Origin) -> dict[str, Value] | None:
    """Tell of what the picture is a reduced copy, and which tiles of that there are."""
    if origin.pyramid is None:
        return None
    levels = origin.pyramid.n_levels if origin.tiles else 0
    return {**asdict(origin.pyramid), "levels": levels, "tile": TILE}


@router.get("/api/jobs/{job_id}")
def status(job: KnownJob) -> JSONResponse:
    """Tell how a job stands."""
    return JSONResponse(_describe(job))


@router.get("/api/jobs/{job_id}/scribbles")
def send_scribbles(job: KnownJob) -> Response:
    """Send what was drawn: a byte a pixel, row by row; nothing where nothing was."""
    drawn = job.task.scribbles
    data = b"" if drawn is None else drawn.astype(np.uint8).tobytes()
    return Response(data, media_type="application/octet-stream")


@router.delete("/api/jobs/{job_id}", status_code=204)
def cancel(job: KnownJob, queue: Queue) -> Response:
    """Stop a job, or forget its result."""
    queue.cancel(job)
    return Response(status_code=204)


@router.get("/api/jobs/{job_id}/events")
async def events(job: KnownJob, queue: Queue) -> EventSourceResponse:
    """Stream a job's changes."""
    return EventSourceResponse(job_events(job, queue), sep="\n")


@router.get("/api/jobs/{job_id}/picture.jpg")
def picture(job: KnownJob) -> Response:
    """Send the image as people see it."""
    return Response(encode_jpeg(raster_picture(job.task.raster)), media_type="image/jpeg")


@router.get("/api/jobs/{job_id}/tiles/{level}/{row}/{col}.jpg")
def send_tile(job: KnownJob, level: int, row: int, col: int) -> Response:
    """Send a part of the image in its own size, or halved some times."""
    tiles = job.task.origin.tiles
    data = tiles.read(Place(level, row, col)) if tiles else None
    if data is None:
        raise HTTPException(404, "there is no such tile.")
    return Response(data, media_type="image/jpeg")


@router.get("/api/jobs/{job_id}/tree")
def send_tree(job: KnownJob, grown: GrownOf) -> Response:
    """Send the tree that the slider cuts."""
    return Response(
        pack_tree(grown, job.task),
        media_type="application/octet-stream",
        headers={"Content-Encoding": "gzip"},
    )


class Wanted(BaseModel):
    """The partition that a file is to be made of: a cut, steps by hand, classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_regions: int | None = None
    detail: Detail | None = None
    edits: str = ""
    tags: Tags = Tags()


async def _in_turn(request: Request, make: Callable[[], Response]) -> Response:
    """Make a file when it is its turn: some at a time, so that memory stays bounded."""
    async with request.app.state.writing:
        return await run_in_threadpool(make)


@router.get("/api/jobs/{job_id}/download/{kind}")
async def download(
    request: Request,
    job: KnownJob,
    grown: GrownOf,
    kind: str,
    n_regions: int | None = None,
    detail: Detail | None = None,
    edits: str = "",
) -> Response:
    """Send a result as a file."""
    wanted = Wanted(n_regions=n_regions, detail=detail, edits=edits)
    return await _in_turn(request, lambda: _send_file(job, grown, kind, wanted))


@router.post("/api/jobs/{job_id}/download/{kind}")
async def download_tagged(
    request: Request, job: KnownJob, grown: GrownOf, kind: str, wanted: Wanted
) -> Response:
    """Send a result as a file, with the classes of its regions."""
    return await _in_turn(request, lambda: _send_file(job, grown, kind, wanted))


@router.post("/api/jobs/{job_id}/session")
async def save_session(
    request: Request, job: KnownJob, grown: GrownOf, looked: Looked, limits: LimitsOf
) -> Response:
    """Send all of a piece of work as a file."""

    def make() -> Response:
        data = pack_session(job.task, grown, looked, limits)
        return _attachment(data, f"{job.task.stem}{SUFFIX}", "application/zip")

    return await _in_turn(request, make)


@router.post("/api/sessions", status_code=201)
async def reopen_session(request: Request, queue: Queue, limits: LimitsOf) -> JSONResponse:
    """Open a piece of work again."""
    async with request.form(max_files=1, max_fields=0) as form, request.app.state.decoding:
        data = await _bytes(form, "session")
        task, grown, looked = await run_in_threadpool(open_session, data, limits)
    job = _describe(queue.adopt(task, grown))
    return JSONResponse({**job, "looked": looked.model_dump()}, status_code=201)


class Chosen(BaseModel):
    """Jobs of which files are wanted, all cut to the same detail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: Annotated[list[str], Field(min_length=1, max_length=100)]
    detail: Detail | None = None


@router.post("/api/batch/{kind}")
async def download_batch(request: Request, kind: str, chosen: Chosen, queue: Queue) -> Response:
    """Send the results of several pictures in one archive."""
    return await _in_turn(request, lambda: _pack(kind, chosen, queue))


def _pack(kind: str, chosen: Chosen, queue: JobQueue) -> Response:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, job_id in enumerate(chosen.jobs, 1):
            job = _job(job_id, queue)
            detail = chosen.detail if _grown(job).shows_regions else None
            suffix, data = _write(job, _grown(job), kind, Wanted(detail=detail))
            archive.writestr(f"{number:02}-{job.task.stem}{suffix}", data)
    return _attachment(buffer.getvalue(), f"nuriwake.{kind}.zip", "application/zip")


def _send_file(job: Job, grown: Grown, kind: str, wanted: Wanted) -> Response:
    suffix, data = _write(job, grown, kind, wanted)
    return _attachment(data, f"{job.task.stem}{suffix}", DOWNLOADS[kind].media_type)


def _write(job: Job, grown: Grown, kind: str, wanted: Wanted) -> tuple[str, bytes]:
    """Make a file; what its name ends in, and its bytes."""
    if kind not in DOWNLOADS:
        raise HTTPException(404, f"there is no download of this kind, but {', '.join(DOWNLOADS)}.")
    cut = EditedCut(wanted.n_regions, wanted.detail, parse_edits(wanted.edits))
    view = look(job.task, grown, cut, wanted.tags)
    return DOWNLOADS[kind].suffix, DOWNLOADS[kind].write(view)


def _attachment(data: bytes, name: str, media_type: str) -> Response:
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    named = f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    headers = {"Content-Disposition": f"attachment; {named}"}
    return Response(data, media_type=media_type, headers=headers)
