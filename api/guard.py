"""Around every route, as plain ASGI: limits of size and patience, security headers, figures, and the last word on
faults of the program."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from api.metrics import UNMATCHED, Metrics
from ledger.core.canonical import BUNDLE_LIMITS
from ledger.errors import InputError, IntegrityError
from ledger.settings import Settings

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(self), microphone=(), geolocation=()"),
    ("cache-control", "no-store"),
)
"""Where a route has not set its own."""
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
BODY = 128 * 1024
"""Bytes of a body that has no limit of its own."""
CRYPTO_BODY = 3 << 20
"""Data, signature, certificates and lists of revocation in one question to the crypto service, quoted in JSON."""
LEAST_RATE = 1024
"""Bytes a second, on the average, below which a caller is cut off."""

_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS]
_log = logging.getLogger("zhengyin.api")


class Guard:
    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":  # what GET answers, without its content (RFC 9110, section 9.3.2)
            scope, send = {**scope, "method": "GET"}, _contentless(send)
        passage = _Passage(scope, receive, send, self._limit(scope["path"]), self._settings.patience)
        try:
            await self._app(scope, passage.receive, passage.send)
        except ClientDisconnect:
            return
        except Exception as e:
            await passage.fail(e)
        finally:
            route = getattr(scope.get("route"), "path", UNMATCHED)
            named = method if route != UNMATCHED else "–"
            self._metrics.observe(named, route, passage.status, time.perf_counter() - passage.began)

    def _limit(self, path: str) -> int:
        if path in ("/v1/imports", "/v1/crypto/digest"):
            return self._settings.upload_limit
        if path.startswith("/v1/crypto/"):
            return CRYPTO_BODY
        if path == "/v1/verifications/bundle":
            return 2 * BUNDLE_LIMITS.size + BODY  # quoted in JSON
        return BUNDLE_LIMITS.size if path == "/v1/verifications" else BODY


def _contentless(send: Send) -> Send:
    async def without_content(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return without_content


class _Passage:
    """One request on its way through."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int, patience: float) -> None:
        self.began = time.perf_counter()
        self.status = 499  # the caller left before anything was answered
        self._scope = scope
        self._receive = receive
        self._send = send
        self._limit = limit
        self._patience = patience
        self._received = 0
        self._complete = False
        self._started = False
        self._refusal: InputError | None = None
        self._refused = False

    async def receive(self) -> Message:
        """Raises InputError API_BODY_TOO_LARGE, API_SLOW while the body arrives; the answer is then a problem, however
        the route takes it."""
        if self._complete:
            return await self._receive()
        left = self.began + self._patience + self._received / LEAST_RATE - time.perf_counter()
        try:
            async with asyncio.timeout(max(left, 0.001)):  # unlike wait_for it needs no task of its own
                message = await self._receive()
        except TimeoutError as e:
            self._refusal = InputError("API_SLOW")
            raise self._refusal from e
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._received > self._limit:
                self._refusal = InputError("API_BODY_TOO_LARGE", limit=self._limit)
                raise self._refusal
        return message

    async def send(self, message: Message) -> None:
        if self._refusal is not None and not self._started:
            await self._refuse(self._refusal)
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._started = True
            self.status = message["status"]
            message = {**message, "headers": self._headers(message.get("headers", []))}
        await self._send(message)

    async def fail(self, error: Exception) -> None:
        """A bug: its kind only, since its words could hold what no log may show."""
        if self._refusal is not None and not self._started:
            await self._refuse(self._refusal)
            return
        route = getattr(self._scope.get("route"), "path", UNMATCHED)
        _log.error("%s in %s %s", type(error).__name__, self._scope["method"], route, exc_info=_debug(error))
        if not self._started:
            await self._answer(problem(IntegrityError("API_BUG")))
        # else nothing more is sent: the server cuts the connection, so that half an answer does not look whole

    async def _refuse(self, error: InputError) -> None:
        self._refused = True
        await self._answer(problem(error), close=True)

    async def _answer(self, response: Any, close: bool = False) -> None:
        self._started = True
        self.status = response.status_code
        headers = self._headers([*response.raw_headers, *([(b"connection", b"close")] if close else [])])
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await self._send({"type": "http.response.body", "body": response.body})

    def _headers(self, headers: Any) -> list[tuple[bytes, bytes]]:
        found = list(headers)
        names = {name.lower() for name, _ in found}
        found += [(name, value) for name, value in _HEADERS if name not in names]
        return [*found, STRICT_TRANSPORT] if self._scope["scheme"] == "https" else found


def _debug(error: Exception) -> Exception | None:
    import os

    return error if os.environ.get("ZHENGYIN_DEBUG") else None
