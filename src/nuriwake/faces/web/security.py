"""Who may talk to the server, and what the page may load: one layer around the application."""

from __future__ import annotations

import base64
import ipaddress
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nuriwake.errors import UsageError, out_of_range
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.patience import TooSlow, patiently

COOKIE = "nuriwake-token"
MIN_TOKEN = 16
_PATIENCE = 4  # times the limit that is read and thrown away of a refused body

_HEADERS = {
    # Nothing is loaded from elsewhere, nothing inline runs, no other page may frame this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """Who may use the page.

    Parameters
    ----------
    host : str
        The address that the server listens on.
    token : str or None
        A secret that every request must carry; needed when others than this machine can connect.

    Raises
    ------
    UsageError
        If the host is not loopback and there is no token, or the token is too short to be safe.

    Examples
    --------
    >>> Access("127.0.0.1").is_loopback
    True
    >>> Access("0.0.0.0")
    Traceback (most recent call last):
        ...
    nuriwake.errors.UsageError: `--token` must be at least 16 characters when ...
    """

    host: str = "127.0.0.1"
    token: str | None = None

    def __post_init__(self) -> None:
        expected = f"at least {MIN_TOKEN} characters"
        if self.token is not None and len(self.token) < MIN_TOKEN:
            raise UsageError(out_of_range("--token", expected, self.token))
        if self.token is None and not self.is_loopback:
            expected += f" when `--host` is {self.host}, which other machines can reach"
            hint = f"For example: --token {secrets.token_urlsafe(18)}"
            raise UsageError(out_of_range("--token", expected, None, hint))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return _is_loopback(self.host)

    def allows_host(self, header: str) -> bool:
        """Tell whether a Host header is ours.

        A page of another site can point its own name at 127.0.0.1 ("DNS rebinding"), and its
        scripts then reach this server; but their Host header still has that other name. Where a
        token is asked for, it is what keeps them out.
        """
        return self.token is not None or _is_loopback(_host_of(f"//{header}"))

    def allows_token(self, token: str) -> bool:
        """Compare in constant time."""
        return self.token is None or secrets.compare_digest(token.encode(), self.token.encode())


def _host_of(address: str) -> str:
    """Return the name in an address; empty where it is no address, as ``http://[``."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _is_origin(origin: str, host: str) -> bool:
    """Tell whether a page of this origin is one of ours."""
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """The layer around the application: hosts, origins, tokens, sizes, and the safety headers.

    It also bounds what all bodies together may hold while they come, and gives up on slow ones.
    """

    def __init__(self, app: ASGIApp, access: Access, limits: Limits) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._in_transit = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers) or self._refuse_size(headers)
        size = 0 if refusal else _announced(headers)
        self._in_transit += size
        try:
            await self._answer(refusal, scope, patiently(receive, self._limits), send_with_headers)
        except TooSlow:
            late = _refuse(408, "the request came too slowly.", {"Connection": "close"})
            await late(scope, receive, send_with_headers)
        except ClientDisconnect:  # nobody is left to be told
            return
        finally:
            self._in_transit -= size

    async def _answer(
        self, refusal: Response | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await _swallow(receive, _PATIENCE * self._limits.upload_bytes)
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self._access.allows_host(host):
            return _refuse(421, "this server answers to 127.0.0.1 and localhost only.")
        origin = headers.get("origin")
        foreign = origin is not None and not _is_origin(origin, host)
        if foreign or headers.get("sec-fetch-site") == "cross-site":
            return _refuse(403, "requests from other sites are not answered.")
        if self._access.token is None:
            return None
        return self._check_token(scope, headers)

    def _refuse_size(self, headers: Headers) -> Response | None:
        """Refuse a body by its announced length, of which the server reads no byte more."""
        if "transfer-encoding" in headers:
            return _refuse(411, "an upload must announce its Content-Length.")
        size = _announced(headers)
        if size > self._limits.upload_bytes:
            largest = _mebibytes(self._limits.upload_bytes)
            return _refuse(413, f"an upload may have at most {largest}.")
        if size and self._in_transit + size > self._limits.transit_bytes:
            return _refuse(503, "too many uploads at once; try again.", {"Retry-After": "5"})
        return None

    def _check_token(self, scope: Scope, headers: Headers) -> Response | None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and "token" in query:
            if self._access.allows_token(query["token"][0]):
                # The token leaves the address bar, and scripts cannot read the cookie.
                answer = RedirectResponse("/", status_code=303)
                answer.set_cookie(
                    COOKIE, query["token"][0], httponly=True, samesite="strict", path="/"
                )
                return answer
        elif self._access.allows_token(_token_of(headers)):
            return None
        return _refuse(401, "open the address with ?token=... that the server printed.")


def _token_of(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if scheme.lower() == "basic":
        return _password(token)
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _password(credentials: str) -> str:
    """Return the password of HTTP's basic scheme; its user may have any name."""
    try:
        return base64.b64decode(credentials).decode().partition(":")[2]
    except ValueError:
        return ""


def _announced(headers: Headers) -> int:
    return int(headers.get("content-length", "0"))


def _refuse(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": message}, status_code=status, headers=headers)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.3g} MiB"


async def _swallow(receive: Receive, limit: int) -> None:
    """Throw the body away: a client that is still sending cannot hear the refusal."""
    swallowed = 0
    while swallowed < limit:
        message = await receive()
        swallowed += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
