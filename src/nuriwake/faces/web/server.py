"""The application: routes, the job queue, the guard around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from nuriwake.faces.web.answers import answer_errors
from nuriwake.faces.web.decoder import Decoder
from nuriwake.faces.web.jobs import JobQueue
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.routes import STATIC, router
from nuriwake.faces.web.security import Access, Guard
from nuriwake.faces.web.work import Runner, Task

_SWEEP_SECONDS = 2.0


def create_app(
    runner: Runner,
    *,
    limits: Limits | None = None,
    access: Access | None = None,
    opened: Task | None = None,
    warm_up: Callable[[], None] | None = None,
) -> FastAPI:
    """Build the page's server.

    Parameters
    ----------
    runner : Runner
        Segments an image; :func:`nuriwake.faces.web.segmenting.run_task` in earnest.
    limits : Limits, optional
    access : Access, optional
        Loopback only by default.
    opened : Task, optional
        The image that the page begins with.
    warm_up : callable, optional
        Loads libraries in the worker's thread while people look for a picture.

    Returns
    -------
    fastapi.FastAPI
    """
    limits = limits or Limits()
    app = FastAPI(title="nuriwake", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_live)
    app.state.queue = JobQueue(runner, limits)
    app.state.limits = limits
    app.state.opened = opened
    app.state.warm_up = warm_up
    app.state.decoder = Decoder(limits)
    # A burst of uploads is decoded a few at a time, so that memory stays bounded.
    app.state.decoding = asyncio.Semaphore(limits.decoders)
    # Files of a large picture take some times its memory too.
    app.state.writing = asyncio.Semaphore(limits.writers)
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    answer_errors(app)
    app.add_middleware(Guard, access=access or Access(), limits=limits)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    """Drop old results while the server runs; stop the worker at its end."""
    queue: JobQueue = app.state.queue
    decoder: Decoder = app.state.decoder
    if app.state.warm_up is not None:
        decoder.start()
        queue.warm_up(app.state.warm_up)
    sweeping = asyncio.create_task(_sweep(queue))
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        queue.close()
        decoder.close()


async def _sweep(queue: JobQueue) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        queue.sweep()
