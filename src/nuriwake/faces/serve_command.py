"""The command ``nuriwake serve``: answer other programs."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from nuriwake.faces.listening import HostFlag, PortFlag, token_option

serve = typer.Typer(help="Answer other programs.", rich_markup_mode=None, no_args_is_help=True)


@serve.callback()
def programs() -> None:
    """Answer other programs."""


@serve.command("label-studio")
def label_studio(
    images: Annotated[
        Path, typer.Option(help="the folder that holds the project's pictures", metavar="FOLDER")
    ],
    detail: Annotated[str, typer.Option(help="fine, medium or coarse")] = "medium",
    host: HostFlag = "127.0.0.1",
    port: PortFlag = 9090,
    token: Annotated[str | None, token_option("password that Label Studio gives")] = None,
) -> None:
    """Suggest regions to Label Studio: a machine-learning backend. Ctrl-C ends it.

    Pictures are read from --images only; nothing is fetched from anywhere.
    """
    from nuriwake.errors import InputError, require
    from nuriwake.faces.cut_command import parse_detail

    for module in ("fastapi", "uvicorn"):
        require(module, extra="app")
    import uvicorn

    from nuriwake.faces.web.label_studio import Backend, create_backend
    from nuriwake.faces.web.limits import Limits
    from nuriwake.faces.web.security import Access
    from nuriwake.faces.web.serving import address_of, configure, listen
    from nuriwake.settings import Settings

    if not images.is_dir():
        raise InputError(f"{images}: no such folder. --images takes the project's pictures.")

    def is_stopping() -> bool:
        return server.should_exit

    backend = Backend(images, Settings(), parse_detail(detail))
    app = create_backend(backend, Access(host, token), is_stopping=is_stopping)
    server = uvicorn.Server(configure(app, Limits(), grace_seconds=None))
    with listen(host, port) as listener:
        address = address_of(host, listener.getsockname()[1])
        print(f"nuriwake: the backend is at {address}  (Ctrl-C ends it)", file=sys.stderr)  # noqa: T201
        with suppress(KeyboardInterrupt):  # the way to end it
            server.run([listener])
