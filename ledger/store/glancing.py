"""Connections that stay open between looks at a few rows.

Taking one from SQLAlchemy's pool, asking whether it lives, opening a view and giving it back costs ten times the look
itself on SQLite, and five questions to a server where one would do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, exc
from sqlalchemy.engine import URL

from ledger.store import dialect

CACHE = 2048
"""KiB of pages that each connection to a file keeps at most."""
TOGETHER = 15
"""Looks at one moment: as many connections as SQLAlchemy's pool gives away before it lets the next one wait for one to
come back, which ours never do. Who comes later waits here, where a connection that was used comes back to."""
PATIENCE = {True: 20.0, False: 2.0}
"""Seconds to wait for one, of a file and of a server."""
FRESH = 0.5
"""Seconds after its last word for which a server's connection counts as alive; then the pool asks it again."""


class Glances:
    """Threads may share it; each look has a connection of its own. Each statement sees all that was committed before
    it, by whichever process; in a file, where a view costs nothing, all statements of a look see one moment."""

    def __init__(self, url: str | URL) -> None:
        self._engine = dialect.connect(url)
        self._file = self._engine.dialect.name == "sqlite"
        event.listen(self._engine, "connect", _prepare_file if self._file else _prepare_server)
        options = {dialect.MODE: dialect.KEPT} | ({} if self._file else {"isolation_level": "AUTOCOMMIT"})
        self._kept = self._engine.execution_options(**options)
        self._idle: list[tuple[Connection, float]] = []
        self._room = threading.BoundedSemaphore(TOGETHER)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[0].close()
        self._engine.dispose()

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Raises UnavailableError, IntegrityError: STORE_…, see ``dialect.translated``."""
        with dialect.translated(), self._turn():
            connection = self._take()
            try:
                driver: Any = connection.connection.driver_connection
                if self._file:
                    driver.execute("BEGIN")
                yield connection
                if connection.in_transaction():  # SQLAlchemy thinks that it began one
                    connection.rollback()
                driver.rollback()
            except BaseException:
                connection.close()
                while self._idle and not self._file:  # what one met the others of a server may meet too
                    self._idle.pop()[0].close()
                raise
            self._idle.append((connection, time.monotonic()))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._room.acquire(timeout=PATIENCE[self._file]):
            raise exc.TimeoutError
        try:
            yield
        finally:
            self._room.release()

    def _take(self) -> Connection:
        try:
            connection, since = self._idle.pop()
        except IndexError:
            return self._kept.connect()
        if self._file or time.monotonic() - since < FRESH:
            return connection
        connection.close()
        return self._kept.connect()


def _prepare_file(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA cache_size=-{CACHE}")


def _prepare_server(connection: Any, _record: Any) -> None:
    connection.execute("SET default_transaction_read_only = on")
    connection.commit()
