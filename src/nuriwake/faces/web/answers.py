"""How errors of a request become answers: one line each, under a status that says whose fault."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from nuriwake.errors import NuriwakeError, RunCancelled
from nuriwake.faces.web.jobs import Busy


def answer_errors(app: FastAPI) -> None:
    """Let an application answer our errors, and requests that are none, in one line.

    Parameters
    ----------
    app : fastapi.FastAPI
    """
    for refusal in (Busy, RunCancelled):
        app.add_exception_handler(refusal, _answer_busy)
    app.add_exception_handler(NuriwakeError, _answer_bad)
    app.add_exception_handler(RequestValidationError, _answer_malformed)


def _told(error: Exception) -> str:
    """Return a message in letters that can be sent: what people send may hold halves of letters."""
    return str(error).encode("utf-8", "replace").decode()


async def _answer_busy(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    return JSONResponse({"detail": str(error)}, status_code=503, headers={"Retry-After": "5"})


async def _answer_bad(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    return JSONResponse({"detail": _told(error)}, status_code=422)


async def _answer_malformed(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    return JSONResponse({"detail": "the request is malformed."}, status_code=422)
