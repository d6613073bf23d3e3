"""One table from the ledger's errors to HTTP: RFC 9457 problem details with the stable code."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from ledger.errors import (
    ConfigError,
    ConflictError,
    InputError,
    IntegrityError,
    NotFoundError,
    UnavailableError,
    ZhengyinError,
)

MEDIA_TYPE = "application/problem+json"
STATUSES: dict[type[ZhengyinError], int] = {
    InputError: 400,
    NotFoundError: 404,
    ConflictError: 409,
    ConfigError: 500,
    IntegrityError: 500,
    UnavailableError: 503,
}


def problem(error: ZhengyinError, status: int) -> JSONResponse:
    """``type`` is a URN of the code; ``title`` and ``detail`` are its words in English and Chinese."""
    content = {
        "type": f"urn:zhengyin:problem:{error.code}",
        "title": error.text("en"),
        "detail": error.text("zh"),
        "status": status,
        "code": error.code,
    }
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def install_errors(app: FastAPI) -> None:
    """Every error of the tree becomes a problem; anything else stays a 500 without words of ours."""

    async def answer(_: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, ZhengyinError):
            raise error
        status = next((s for kind, s in STATUSES.items() if isinstance(error, kind)), 500)
        return problem(error, status)

    app.add_exception_handler(ZhengyinError, answer)
