"""A PostgreSQL server for tests. Unsafe against loss of power, and so only for them: it never syncs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from scripts.postgres_server import PostgresServer, programs

__all__ = ["PostgresServer", "running_server"]


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A started server, removed at the end. Skips the test where PostgreSQL is not installed, unless
    ZHENGYIN_NO_SKIP=1 says that everything must run."""
    found = programs()
    if found is None:
        reason = "PostgreSQL is not installed (Debian: postgresql)"
        if os.environ.get("ZHENGYIN_NO_SKIP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    server = PostgresServer(found)
    try:
        server.start()
        yield server
    finally:
        server.remove()
