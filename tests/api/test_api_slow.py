"""Callers who take their time, and callers who do not: over real connections, none of them keeps the others waiting."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from api_kit import SEAL, Office, running
from ledger_world import OFFICE_A, World, check_ledger

from api.app import create_app

SECONDS = 60
Address = tuple[str, int]


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=SECONDS)


def ended(connection: socket.socket) -> bytes:
    """What still comes until the other side ends the connection, in whichever way."""
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionError:
        return found
    return found


def patient(office: Office, patience: float) -> Any:
    app = office.world.app
    app.settings = app.settings.model_copy(update={"patience": patience, "public_rate": 0})
    return create_app(app)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"POST /v1/verifications HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
        b"POST /v1/verifications/number HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["nothing", "headers", "body", "chunks"],
)
def test_two_hundred_who_drip_keep_nobody_waiting_and_are_cut_off(office: Office, said: bytes) -> None:
    with running(patient(office, 1.0), patience=1.0) as address, ExitStack() as open_:
        slow = [open_.enter_context(connect(address)) for _ in range(200)]
        for connection in slow:
            connection.sendall(said)
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.1):
                for connection in slow:
                    try:
                        connection.sendall(b"a")
                    except OSError:  # cut off already
                        continue

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=SECONDS) as client:
                assert client.get("/healthz").status_code == 200
                assert client.post("/v1/verifications/number", json={"id": "1.2.3"}).status_code == 200
            found = Counter(ended(connection)[:12] for connection in slow)
        finally:
            over.set()
            dripping.join()
    assert found.keys() <= {b"", b"HTTP/1.1 408", b"HTTP/1.1 400"}, found


def test_who_does_not_read_is_cut_off(office: Office) -> None:
    """A report of some megabytes, asked for and left lying."""
    uploads = office.world.app.upload_files
    made = send_table(office)
    report = uploads.report(bytes.fromhex(made))
    report.write_bytes(b"1,2,3\r\n" * 3_000_000)
    with running(patient(office, 0.5), patience=0.5) as address:
        head = f"GET /v1/imports/{made}/report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.token}\r\n\r\n"
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(SECONDS)
            connection.connect(address)
            connection.sendall(head.encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
            time.sleep(1.5)
            assert len(ended(connection)) < report.stat().st_size
        headers = {"Authorization": f"Bearer {office.token}"}
        whole = httpx.get(
            f"http://{address[0]}:{address[1]}/v1/imports/{made}/report", headers=headers, timeout=SECONDS
        )
        assert len(whole.content) == report.stat().st_size  # who reads gets it all


def send_table(office: Office) -> str:
    headers = {"Idempotency-Key": "k", "Content-Type": "text/csv"}
    sent = office("POST", "/v1/imports", params={"type": "seal"}, content=b"a,b\n1,2\n", headers=headers)
    return str(sent.json()["id"])


def test_two_hundred_posts_with_one_key_at_two_servers_make_one_record(office: Office) -> None:
    world = office.world
    other = World(world.home, world.clock, {})
    try:
        headers = {"Authorization": f"Bearer {office.token}", "Idempotency-Key": "the-same"}
        with running(office.app) as one, running(create_app(other.app)) as two, ThreadPoolExecutor(40) as pool:
            addresses = [f"http://{host}:{port}/v1/records" for host, port in (one, two)]
            # of connections that lie idle the client closes some, and now and then one that a thread was just given
            kept = httpx.Limits(max_keepalive_connections=40, keepalive_expiry=None)
            with httpx.Client(headers=headers, timeout=SECONDS, limits=kept) as client:
                answers = list(pool.map(lambda n: client.post(addresses[n % 2], json=SEAL), range(200)))
                for n, answer in enumerate(answers):
                    while answers[n].status_code == 409:  # the first one takes its time
                        assert answer.json()["code"] == "API_KEY_BUSY"
                        answers[n] = client.post(addresses[n % 2], json=SEAL)
    finally:
        other.close()
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    world.drain()
    assert check_ledger(world.app, [bytes.fromhex(answers[0].json()["leaf"])]) == 1
    with world.app.store.read() as unit:
        assert len(unit.records.in_batch(unit.batches.newest(1)[0].row)) == 1
    assert answers[0].json()["issuer"] == OFFICE_A
