"""The command ``nuriwake app``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nuriwake.faces.listening import HostFlag, PortFlag, token_option


def open_page(
    image: Annotated[
        Path | None, typer.Argument(metavar="[IMAGE]", help="a picture to begin with")
    ] = None,
    host: HostFlag = "127.0.0.1",
    port: PortFlag = 8765,
    token: Annotated[str | None, token_option("secret that the page asks for")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="open the page")] = False,
) -> None:
    """Open the page in a browser: look, slide, scribble, download. Ctrl-C ends it.

    Only this machine can connect, unless --host says otherwise; then --token is needed.
    """
    from nuriwake.errors import require

    for module in ("fastapi", "uvicorn", "python_multipart", "sse_starlette"):
        require(module, extra="app")
    from nuriwake.faces.web.serving import serve

    serve(image, host, port, token, open_browser)
