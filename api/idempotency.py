"""``Idempotency-Key``: the same key and request get the same answer, whatever happened in between.

The answer itself is not stored, because it shows ids: what is stored, in the transaction that makes something, is what
it made, and the answer is put together from that again. A request that failed made nothing and may be tried again.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Header, Request

from ledger.errors import ConflictError
from ledger.ports import Unit
from ledger.ports.access import AnswerRow, ServiceUnit
from ledger.services.access import Access, Caller
from ledger.services.operations import by

if TYPE_CHECKING:
    from api.service import Service

PATIENCE = 5.0
"""Seconds that a second request with a key waits for the first."""
TAKEN = "ACCESS_KEY_TAKEN"

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="以同一键重发不会重复签发 · sent again with the same key, nothing is made twice",
        pattern=r"^[\x21-\x7e]{1,128}$",
        examples=["2026-11-22-0001"],
    ),
]


async def _digest(request: Request) -> bytes:
    return request_digest(request, await request.body())


RequestDigest = Annotated[bytes, Depends(_digest)]


def request_digest(request: Request, body: bytes) -> bytes:
    """SHA-256 of method, path, query and body."""
    head = f"{request.method}\n{request.url.path}\n{request.url.query}\n"
    return hashlib.sha256(head.encode() + body).digest()


class Flights:
    """Keys that are in work in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[tuple[str, str], threading.Event] = {}

    @contextmanager
    def only(self, caller: str, key: str) -> Iterator[None]:
        """Wait for an earlier request with the key. Raises ConflictError API_KEY_BUSY."""
        mine, name = threading.Event(), (caller, key)
        while True:
            with self._lock:
                other = self._busy.setdefault(name, mine)
            if other is mine:
                break
            if not other.wait(PATIENCE):
                raise ConflictError("API_KEY_BUSY")
        try:
            yield
        finally:
            with self._lock:
                del self._busy[name]
            mine.set()


Remember = Callable[[Unit, bytes], None]
"""Stores, in the transaction that makes it, what a key made."""


def act_once(service: Service, caller: Caller, key: str, request: bytes, act: Callable[[Remember], bytes]) -> bytes:
    """``once`` for an act of the ledger in the caller's name, of which the worker is told; ``act`` returns what it
    made, as it had it remembered.

    Raises: as ``once``.
    """

    def make(remembered: AnswerRow) -> bytes:
        def remember(unit: Unit, made: bytes) -> None:
            cast(ServiceUnit, unit).access.add_answer(replace(remembered, subject=made))

        with by(caller.who):
            return act(remember)

    made = once(service.flights, service.ledger.access, caller, key, request, make)
    service.wake()
    return made


def once(
    flights: Flights, access: Access, caller: Caller, key: str, request: bytes, make: Callable[[AnswerRow], bytes]
) -> bytes:
    """What this key made, made now if it was not before. ``make`` stores the answer, its ``subject`` put in, together
    with what it makes, and returns the subject.

    Raises:
        ConflictError: ACCESS_KEY_REUSED, API_KEY_BUSY. InputError: ACCESS_KEY. And what ``make`` raises.
    """
    with flights.only(caller.id, key):
        known = access.answered(caller, key, request)
        if known is not None:
            return known.subject
        try:
            return make(access.answer(caller, key, request, b""))
        except ConflictError as e:
            # another process was faster: its transaction holds the key. What else collides may do so because of that
            # (the number is taken by then), so the key is asked about again before anything is refused
            known = access.answered(caller, key, request)
            if known is None:
                raise e
            return known.subject
