"""Listen, say where, and serve the page until Ctrl-C."""

from __future__ import annotations

import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.web.connections import connection_class
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.pages import read_page
from nuriwake.faces.web.pyramid import Tiles, fit
from nuriwake.faces.web.security import Access
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.server import create_app
from nuriwake.faces.web.work import Origin, Task
from nuriwake.io.formats import read_raster
from nuriwake.jobs.warm_up import warm_up
from nuriwake.raster import Raster
from nuriwake.settings import Settings

_GRACE_SECONDS = 2


def serve(image: Path | None, host: str, port: int, token: str | None, open_browser: bool) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    image : pathlib.Path, optional
        A picture to begin with.
    host, port : str, int
    token : str, optional
    open_browser : bool
        Open the page once the server listens.

    Raises
    ------
    UsageError
        If the address cannot be used, or needs a token.
    InputError
        If the image cannot be read.
    """
    access = Access(host, token)
    limits = Limits()
    opened = _open(image, limits) if image else None
    with listen(host, port) as listener:
        address = address_of(host, listener.getsockname()[1], token)
        print(f"nuriwake: the page is at {address}  (Ctrl-C ends it)", file=sys.stderr)  # noqa: T201
        if open_browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()
        app = create_app(run_task, limits=limits, access=access, opened=opened, warm_up=warm_up)
        with suppress(KeyboardInterrupt):  # the way to end it
            uvicorn.Server(configure(app, limits)).run([listener])


def configure(
    app: FastAPI, limits: Limits, grace_seconds: int | None = _GRACE_SECONDS
) -> uvicorn.Config:
    """Say how uvicorn serves the page: quietly, and with an end to every wait.

    Parameters
    ----------
    app : fastapi.FastAPI
    limits : Limits
    grace_seconds : int, optional
        So long requests may go on when the server ends; None where they end by themselves.

    Returns
    -------
    uvicorn.Config
    """
    return uvicorn.Config(
        app,
        http=connection_class(limits),
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )


def _open(image: Path, limits: Limits) -> Task:
    raster, origin = _turn(image, limits, 0)
    return Task(image.name, raster, Settings(), origin=origin)


def _turn(image: Path, limits: Limits, page: int) -> tuple[Raster, Origin]:
    raster, origin = read_page(image, page, read_raster)
    raster, pyramid, encoded = fit(raster, limits.pixels)
    lengths = [len(each) for each in encoded]
    tiles = Tiles(pyramid, lengths, b"".join(encoded)) if pyramid else None
    turn = partial(_turn, image, limits)
    return raster, replace(origin, pyramid=pyramid, tiles=tiles, turn=turn)


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises
    ------
    UsageError
        If it cannot be had.
    """
    if not 0 <= port < 2**16:
        raise UsageError(out_of_range("--port", "an int in [0, 65535]", port))
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"cannot listen on {host}:{port} ({reason}). Try another --port."
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def address_of(host: str, port: int, token: str | None = None) -> str:
    """Write the address that people open."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
