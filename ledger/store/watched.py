"""A connection to PostgreSQL that notices when the server stands still.

A server that was stopped, or hangs, keeps its sockets open: the system below it goes on acknowledging, so that neither
keep-alives nor ``tcp_user_timeout`` see anything, and a Unix socket has neither. A limit on statements would not do: a
wait for a lock, a copy or an audit may rightly take long. So whoever has heard nothing for a while asks the server for
a new connection: one that lives answers at once, whatever its old connections are waiting for.
"""

from __future__ import annotations

import selectors
import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import pq
from psycopg.waiting import Ready

QUIET = 0.4
"""Seconds without a word on any connection before the server is asked."""
ANSWER = 1.0
"""Seconds that it has to say the first word to a new connection."""
REMEMBERED = 0.5
"""Seconds for which a server that stood still is not asked again: whoever waited with the asker is told at once."""

_DRIVERS_OWN = frozenset({"autocommit", "context", "cursor_factory", "prepare_threshold", "row_factory"})
"""Arguments that are the driver's and say nothing about the server."""


class Pulse:
    """What is known of one server's life, shared by the connections to it. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard = self._silent = float("-inf")

    @property
    def heard(self) -> float:
        """When a word last came from the server, on the clock of ``time.monotonic``."""
        return self._heard

    def hear(self, now: float) -> None:
        self._heard = now

    def ask(self, conninfo: str) -> None:
        """Raises psycopg.OperationalError where the server has said nothing for ``QUIET`` and does not answer now."""
        with self._lock:  # of many that wait, one asks
            now = time.monotonic()
            if now - self._heard < QUIET:
                return
            if now - self._silent < REMEMBERED:
                raise psycopg.OperationalError("the server did not answer just now")
            if not answers(conninfo, ANSWER):
                self._silent = time.monotonic()
                raise psycopg.OperationalError("the server does not answer")
            self._heard = time.monotonic()


def answers(conninfo: str, seconds: float) -> bool:
    """Does the server say anything to a new connection, a refusal included? It is closed again at once."""
    connection = pq.PGconn.connect_start(conninfo.encode())
    end, asked = time.monotonic() + seconds, False
    try:
        while connection.status != pq.ConnStatus.BAD:
            state = connection.connect_poll()
            if state == pq.PollingStatus.OK:
                return True
            if state == pq.PollingStatus.FAILED:
                break
            asked = asked or connection.status == pq.ConnStatus.AWAITING_RESPONSE
            if not _ready(connection.socket, state, end - time.monotonic()):
                return False
        return asked  # it took the question and refused; else nobody was there to take it
    finally:
        connection.finish()


def _ready(socket: int, state: int, seconds: float) -> bool:
    wanted = selectors.EVENT_READ if state == pq.PollingStatus.READING else selectors.EVENT_WRITE
    with selectors.DefaultSelector() as selector:
        selector.register(socket, wanted)
        return bool(selector.select(max(seconds, 0)))


class WatchedConnection(psycopg.Connection[Any]):
    """``pulse``: of its server; set after it was opened."""

    pulse: Pulse | None = None

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """As its base; a server that stands still is ``psycopg.OperationalError``, and the connection is closed."""
        watched = gen if self.pulse is None else self._watched(gen, self.pulse)
        return super().wait(watched, *arguments, **named)

    def _watched(self, gen: Generator[Any, Any, Any], pulse: Pulse) -> Generator[Any, Any, Any]:
        """Hands on what the driver waits for; it is resumed ten times a second where nothing comes."""
        try:
            wanted = next(gen)
            since = time.monotonic()
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    since = now
                    if ready & Ready.R:
                        pulse.hear(now)
                elif now - max(since, pulse.heard) >= QUIET:
                    self._ask(pulse)
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _ask(self, pulse: Pulse) -> None:
        try:
            pulse.ask(self.info.dsn)
        except psycopg.OperationalError:
            self.pgconn.finish()  # else giving it back would wait for a word again
            raise


def connect(pulse: Pulse, *arguments: Any, **named: Any) -> WatchedConnection:
    """``psycopg.connect``, of a server that is asked first whether it lives: the driver itself would wait for two
    seconds at least. Raises psycopg.OperationalError."""
    conninfo = psycopg.conninfo.make_conninfo(*arguments, **{k: v for k, v in named.items() if k not in _DRIVERS_OWN})
    if "," not in named.get("host", ""):  # of several hosts the driver finds the one that lives
        pulse.ask(conninfo)
    found = WatchedConnection.connect(*arguments, **named)
    found.pulse = pulse
    pulse.hear(time.monotonic())
    return found
