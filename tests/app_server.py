"""The page's server on a free loopback port, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI

from nuriwake.faces.web.serving import configure


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(configure(app, app.state.limits))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def local_client(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve an application; give a client of it."""
    with serving(app) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client
