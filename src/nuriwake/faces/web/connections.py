"""HTTP connections that a client cannot keep open by doing nothing."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nuriwake.faces.web.limits import Limits

_CROWDED = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 21\r\n\r\ntoo many connections\n"
)


class Connection(H11Protocol):
    """uvicorn's connection, with a bound on their number, and on the waiting for either side.

    uvicorn itself waits without end for the first request of a connection, and for a client that
    reads nothing of its answer. Bodies are waited for in :mod:`nuriwake.faces.web.patience`.
    """

    limits: Limits
    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.write(_CROWDED)
            transport.close()
        else:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Read on; once the headers are there, their time is over."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._deadline = _cancel(self._deadline)
        elif self._deadline is None:
            self._expect_headers()

    def pause_writing(self) -> None:
        """Give a client that does not keep up some seconds."""
        super().pause_writing()
        self._stall = self.loop.call_later(self.limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that it keeps up again."""
        super().resume_writing()
        self._stall = _cancel(self._stall)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._deadline = _cancel(self._deadline)
        self._stall = _cancel(self._stall)
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(self.limits.header_seconds, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None


def connection_class(limits: Limits) -> type[asyncio.Protocol]:
    """Return the kind of connection that keeps to these limits, for uvicorn's ``http``."""
    return type("LimitedConnection", (Connection,), {"limits": limits})
