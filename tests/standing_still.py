"""A PostgreSQL server that stands still: every process of it is stopped, and none is gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from ledger.store.watched import REMEMBERED


def processes(server: PostgresServer) -> list[int]:
    """The server's first process and its children."""
    first = int((server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    found = [first]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        if parent == first:
            found.append(int(stat.parent.name))
    return found


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Every process of it stands still; its sockets stay open, and the system takes new connections for it."""
    stopped = processes(server)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
        time.sleep(REMEMBERED)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are found in /proc")
