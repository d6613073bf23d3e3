"""A long table through HTTP: memory by the row, progress, disk, and a sender that dawdles.

20,000 rows here; ``ZHENGYIN_UPLOAD_ROWS`` asks for more (``make big-upload``: 1,000,000).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ledger_world import OFFICE_A, ROOT, Clock, World

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import demo_plan
from ledger.assembly.founding import found
from ledger.services.access import ACTIONS
from scripts import demo_data

ROWS = int(os.environ.get("ZHENGYIN_UPLOAD_ROWS", "20000"))
SECONDS = 60 + ROWS / 100
WINDOW = 65_536
"""Rows that are accepted together: further ones take no more memory."""
BYTES_PER_ROW = 4 * 1024
"""Of memory, of those accepted together."""
DISK_PER_ROW = 4 * 1024
QUERY = {"type": "real-estate-certificate"}


@contextmanager
def served(home: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`serve` in a process of its own: (process, address)."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHENGYIN_")} | {"PYTHONPATH": str(ROOT)}
    environment |= {f"ZHENGYIN_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "ledger.cli", "--home", str(home), "--json", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)["address"].rstrip("/")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Founded a minute ago: a process of its own has the clock on the wall."""
    clock = Clock(time.time() - 60)
    found(tmp_path / "home", demo_plan(), clock, clock.sleep)
    clock.now = time.time()
    made = World(tmp_path / "home", clock, {})
    yield made
    made.close()


@pytest.fixture
def token(world: World) -> str:
    _, made = world.app.access.add("", [OFFICE_A], ACTIONS, 300_000_000)
    world.close()
    return made


def peak(process: subprocess.Popen[str]) -> int:
    """Bytes of memory that the process had at most (proc(5), VmHWM)."""
    lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def table(count: int, first: int = 0) -> Iterator[bytes]:
    """A CSV of invented certificates, in pieces; it is nowhere as a whole."""
    yield (",".join(demo_data.REAL_ESTATE_HEADER) + "\r\n").encode("utf-8-sig")
    piece, rows = bytearray(), list(demo_data.real_estate_rows(min(count, 1000)))
    for n in range(count):
        row = rows[n % len(rows)]
        cells = (f"2026{first + n:07d}", *row[1:])
        piece += (",".join(f'"{c}"' if "," in c else c for c in cells) + "\r\n").encode()
        if len(piece) > 1 << 16:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def followed(client: httpx.Client, where: str) -> tuple[dict[str, Any], list[int]]:
    """The import when it is over, and the numbers of rows that were seen on the way."""
    seen: list[int] = []
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        shown = client.get(where).json()
        seen.append(shown["rows"])
        if shown["state"] not in ("waiting", "running"):
            return shown, seen
        time.sleep(0.05 if ROWS < WINDOW else 1)
    raise AssertionError(shown)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_long_table_takes_memory_by_the_window_and_disk_by_the_row(world: World, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with served(world.home) as (process, url), httpx.Client(base_url=url, headers=headers, timeout=SECONDS) as client:

        def send(rows: int, first: int) -> str:
            sent = client.post(
                "/v1/imports", params=QUERY, content=table(rows, first), headers={"Idempotency-Key": str(rows)}
            )
            assert sent.status_code == 202, sent.text
            return str(sent.headers["location"])

        assert followed(client, send(1000, 9_000_000))[0]["new"] == 1000  # everything that is needed is loaded
        before = peak(process)
        where = send(ROWS, 0)
        assert peak(process) - before < 32 << 20  # its bytes went to the disk as they came
        done, seen = followed(client, where)
        assert (done["state"], done["rows"], done["new"], done["refused"]) == ("finished", ROWS, ROWS, 0)
        assert seen == sorted(seen)
        assert len(set(seen)) > min(ROWS // WINDOW, 4)  # progress is shown, once a window
        grown = peak(process) - before
        assert grown < (32 << 20) + min(ROWS, WINDOW) * BYTES_PER_ROW, grown
        assert client.get("/readyz").status_code == 200
        with client.stream("GET", f"{where}/report") as report:
            assert sum(piece.count(b"\n") for piece in report.iter_raw()) == ROWS + 1
        used = sum(path.stat().st_size for path in world.home.rglob("*") if path.is_file())
        assert used < (64 << 20) + ROWS * DISK_PER_ROW, used
        assert not list((world.home / "uploads").glob("[0-9a-f]*[0-9a-f].csv"))  # the table is gone
        print(f"{ROWS} rows: {grown >> 20} MiB more memory, {used >> 20} MiB of disk")
    world.clock.now = time.time() + 60
    world.drain()
    audited, _ = audit(world.app)
    assert audited.findings == ()
    with world.app.store.read() as unit:
        assert sum(b.size for b in unit.batches.in_states(("receipted",))) >= ROWS + 1000


def test_a_sender_that_dawdles_is_cut_off_and_leaves_nothing(world: World, token: str) -> None:
    with served(world.home, patience="0.5") as (_, url):
        host, port = url.removeprefix("http://").split(":")
        head = (
            "POST /v1/imports?type=real-estate-certificate HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: 1000000\r\n\r\n"
        )
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(head.encode() + b"a" * 100)
            found = b""
            while piece := connection.recv(65_536):
                found += piece
        assert found.startswith(b"HTTP/1.1 408")
        assert b"API_SLOW" in found
        assert list((world.home / "uploads").iterdir()) == []
        again = httpx.get(f"{url}/v1/imports", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert again.json()["items"] == []
