"""A job's changes as server-sent events."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent

from nuriwake.faces.web.jobs import Job, JobQueue, Status


async def job_events(job: Job, queue: JobQueue) -> AsyncIterator[ServerSentEvent]:
    """Tell a watcher how a job stands, again after each change, until it is over.

    A slow watcher misses steps in between, never the end: only the newest status is sent.

    Parameters
    ----------
    job : Job
    queue : JobQueue

    Yields
    ------
    ServerSentEvent
        Events ``queued``, ``step``, ``done``, ``failed`` and ``cancelled``, data in JSON.
    """
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def notice() -> None:
        loop.call_soon_threadsafe(changed.set)

    unwatch = job.watch(notice)
    shown = 0
    try:
        while True:
            changed.clear()
            status = job.status
            yield _event(status, queue.n_before(job), shown)
            shown = status.preview_number
            if status.is_over:
                return
            await changed.wait()
    finally:
        unwatch()


def _event(status: Status, n_before: int, shown: int) -> ServerSentEvent:
    name = "step" if status.state == "running" else status.state
    data: dict[str, int | float | str | None] = {}
    if status.state == "queued":
        data["before"] = n_before
    elif status.state == "failed":
        data["message"] = status.message
    elif status.state == "running":
        data |= {
            "iteration": status.iteration,
            "max_iter": status.max_iter,
            "n_labels": status.n_labels,
            "loss": status.loss,
            "seconds_left": status.seconds_left,
        }
        if status.preview_number != shown:
            data["preview"] = base64.b64encode(status.preview).decode("ascii")
    return ServerSentEvent(json.dumps(data), event=name)
