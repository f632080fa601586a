"""The flags of the commands that listen on an address."""

from __future__ import annotations

from typing import Annotated, Any

import typer

HostFlag = Annotated[str, typer.Option(help="address to listen on")]
PortFlag = Annotated[int, typer.Option(help="port to listen on; 0 takes a free one")]


def token_option(what: str) -> Any:
    """Return the option ``--token``; ``what`` says whose secret it is."""
    return typer.Option(
        help=f"{what}, 16 letters at least; needed for other hosts",
        envvar="NURIWAKE_TOKEN",
        show_envvar=True,
    )
