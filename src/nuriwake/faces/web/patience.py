"""How long the server waits for what a client still has to send."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from nuriwake.faces.web.limits import Limits


class TooSlow(Exception):  # noqa: N818 - the client's doing, not a fault
    """A body came too slowly, or stopped coming."""


def patiently(receive: Receive, limits: Limits) -> Receive:
    """Give up on a body that comes too slowly.

    Time counts only while the server waits. What comes after the body, the news that the client is
    gone, is waited for without end.

    Parameters
    ----------
    receive : callable
        ASGI's, of one request.
    limits : Limits

    Returns
    -------
    callable
        The same, which raises TooSlow.
    """
    n_received, waited, is_complete = 0, 0.0, False

    async def receive_patiently() -> Message:
        nonlocal n_received, waited, is_complete
        if is_complete:
            return await receive()
        left = limits.grace_seconds + n_received / limits.slowest_rate - waited
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            message = await asyncio.wait_for(receive(), min(limits.idle_seconds, max(left, 0.0)))
        except TimeoutError:
            raise TooSlow from None
        waited += clock() - started
        n_received += len(message.get("body", b""))
        is_complete = not message.get("more_body", False)
        return message

    return receive_patiently
