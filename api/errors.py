"""One table from the ledger's errors to HTTP: RFC 9457 problem details with the stable code."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.schemas.problems import Problem
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
CODES = {
    "ACCESS_TOKEN_MISSING": 401,
    "ACCESS_TOKEN_INVALID": 401,
    "ACCESS_TOKEN_EXPIRED": 401,
    "ACCESS_ACTION": 403,
    "ACCESS_ORGANISATION": 403,
    "API_METHOD": 405,
    "API_SLOW": 408,
    "API_BODY_TOO_LARGE": 413,
    "UPLOAD_TOO_LARGE": 413,
    "API_INVALID": 422,
    "API_RATE": 429,
    "STORE_FULL": 507,
    "TYPE_UNKNOWN": 400,
}
"""Codes whose status says more than their class does."""
RETRY = {"API_KEY_BUSY": 1, "BUNDLE_NOT_ANCHORED": 2}
RETRY_UNAVAILABLE = 5
"""Seconds after which trying again makes sense."""
MAX_PATH = 80


def status_of(error: ZhengyinError) -> int:
    found = CODES.get(error.code)
    return found or next((s for kind, s in STATUSES.items() if isinstance(error, kind)), 500)


def problem(error: ZhengyinError, **more: Any) -> Response:
    """``type`` is a URN of the code; ``title`` and ``detail`` are its words in English and Chinese."""
    status = status_of(error)
    content = {
        "type": f"urn:zhengyin:problem:{error.code}",
        "title": error.text("en"),
        "detail": error.text("zh"),
        "status": status,
        "code": error.code,
        **more,
    }
    headers: dict[str, str] = {}
    retry = RETRY.get(error.code, RETRY_UNAVAILABLE if isinstance(error, UnavailableError) else None)
    if retry is not None and "retryAfter" not in content:
        content["retryAfter"] = retry
    if "retryAfter" in content:
        headers["Retry-After"] = str(content["retryAfter"])
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(content), status, headers, MEDIA_TYPE)


def install_errors(app: FastAPI) -> None:
    """Every error of the tree, of the framework's checks and of its routing becomes a problem."""

    async def ours(_: Request, error: Exception) -> Response:
        if not isinstance(error, ZhengyinError):
            raise error
        return problem(error, **_retry_of(error))

    async def invalid(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        found = [{"path": _path(e["loc"]), "rule": str(e["type"])} for e in error.errors()[:20]]
        return problem(InputError("API_INVALID"), errors=found)

    async def routing(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        found = {404: NotFoundError("API_NOT_FOUND"), 405: InputError("API_METHOD")}
        answer = problem(found.get(error.status_code) or InputError("API_INVALID"))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(ZhengyinError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, routing)


def _retry_of(error: ZhengyinError) -> dict[str, int]:
    seconds = error.values.get("seconds") if error.code == "API_RATE" else None
    return {} if seconds is None else {"retryAfter": seconds}


def _path(parts: tuple[int | str, ...]) -> str:
    """Where in the request, never what stands there: a key that we do not know is the caller's and may be a name."""
    known = [str(p) if isinstance(p, int) or str(p) in _OUR_NAMES else "…" for p in parts]
    return ".".join(known)[:MAX_PATH]


_OUR_NAMES: set[str] = {"body", "query", "path", "header"}


def learn_names(names: set[str]) -> None:
    """Names of our own fields and parameters, which a problem may repeat."""
    _OUR_NAMES.update(names)


_WORDS = {
    400: "请求有误 · bad request",
    401: "没有有效的令牌 · no valid token",
    403: "令牌无此权限 · the token does not allow it",
    404: "未找到 · not found",
    408: "请求过慢 · too slow",
    409: "与现状冲突 · conflicts with the state of things",
    413: "内容过大 · too large",
    422: "格式不符 · does not fit the schema",
    429: "请求过多 · too many requests",
    503: "暂时不可用 · temporarily unavailable",
    507: "存储空间不足 · no space left",
}
_SAMPLES: dict[int, ZhengyinError] = {
    401: InputError("ACCESS_TOKEN_INVALID"),
    403: InputError("ACCESS_ACTION", action="issue"),
    404: NotFoundError("RECORD_UNKNOWN"),
    408: InputError("API_SLOW"),
    409: ConflictError("ACCESS_KEY_REUSED"),
    413: InputError("API_BODY_TOO_LARGE", limit=1 << 20),
    422: InputError("API_INVALID"),
    429: InputError("API_RATE", seconds=30),
    503: UnavailableError("STORE_LOST"),
    507: UnavailableError("STORE_FULL"),
    400: InputError("API_CURSOR"),
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, for OpenAPI."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, 408, 413, 422, 503}):
        example = orjson.loads(problem(_SAMPLES[status]).body)
        content = {MEDIA_TYPE: {"example": example}}
        found[status] = {"model": Problem, "description": _WORDS[status], "content": content}
    return found
