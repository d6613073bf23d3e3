"""uvicorn's HTTP protocol, with the limits that it leaves to others: the time until a request's headers are there,
their size, and the time in which a caller takes what he asked for. Slow and endless headers would hold connections and
memory before any route sees them; an answer that nobody reads, after the route has done its work."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES = 32 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """``patience``: seconds; set for the class by ``bounded``."""

    patience = 20.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """64 KiB wait to be read (``uvicorn`` leaves asyncio's limit as it is)."""
        super().pause_writing()
        self._taken()
        self._unread = self.loop.call_later(self.patience, self._drop)

    def resume_writing(self) -> None:
        """Fewer than 16 KiB wait."""
        self._taken()
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._expect()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._arrived()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > HEADER_BYTES:
            raise ValueError("headers")  # the parser passes it on as a malformed request: 400, connection closed

    def _expect(self) -> None:
        self._arrived()
        self._deadline = self.loop.call_later(self.patience, self._cut)

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _drop(self) -> None:
        """Unlike ``_cut`` it does not wait for what is still to be sent."""
        if self.transport is not None:
            self.transport.abort()

    def _cut(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def bounded(patience: float) -> type[BoundedProtocol]:
    return type("BoundedProtocol", (BoundedProtocol,), {"patience": patience})
