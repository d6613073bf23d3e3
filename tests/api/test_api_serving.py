"""The service as a process: refuses to be exposed, takes work, survives kill -9, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_kit import Office, running
from ledger_world import OFFICE_A, ROOT, Clock, Template, World, check_ledger, write_rows

from api.serving import is_loopback, require_safe, tls_files
from ledger.assembly.app import App
from ledger.assembly.chains import rpc_server
from ledger.assembly.demo_plan import demo_plan
from ledger.assembly.founding import found
from ledger.errors import ConfigError
from ledger.services.access import ACTIONS
from ledger.settings import Settings, load_settings

SECONDS = 120
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def recent(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Founded a minute ago: a process of its own has the clock on the wall."""
    home, clock = tmp_path_factory.mktemp("recent") / "home", Clock(time.time() - 60)
    found(home, demo_plan(), clock, clock.sleep)
    return Template(home, clock.now, {})


@pytest.fixture
def present(recent: Template, tmp_path: Path) -> Iterator[World]:
    world = recent.copy(tmp_path / "home")
    world.clock.now = time.time()
    yield world
    world.close()


@contextmanager
def started(command: list[str], fault: str | None = None) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHENGYIN_")} | {"PYTHONPATH": str(ROOT)}
    if fault:
        environment["ZHENGYIN_FAULTPOINT"] = fault
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def announced(home: Path, *options: str, fault: str | None = None) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The process, and what it says of itself once it serves."""
    command = [sys.executable, "-m", "ledger.cli", "--home", str(home), "--json", "serve", "--port", "0", *options]
    with started(command, fault) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)


@contextmanager
def served(home: Path, *options: str, fault: str | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with announced(home, *options, fault=fault) as (process, said):
        yield process, said["address"].rstrip("/")


def until(look: Any, wanted: Any) -> Any:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = look()
        if wanted(found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def token_of(world: World) -> dict[str, str]:
    _, token = world.app.access.add("", [OFFICE_A], ACTIONS, 3600)
    world.close()
    return {"Authorization": f"Bearer {token}"}


def test_it_serves_anchors_and_stops_on_sigterm(present: World) -> None:
    headers = token_of(present)
    values = {"name": "公章", "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "ab12"}
    body = {"issuer": OFFICE_A, "type": "seal", "values": values}
    with served(present.home) as (process, url), httpx.Client(base_url=url, headers=headers) as client:
        made = client.post("/v1/records", json=body, headers={"Idempotency-Key": "k"})
        assert made.status_code == 201
        where = made.headers["location"]
        until(lambda: client.get(where).json()["state"], lambda state: state == "receipted")
        assert client.get(f"{where}/bundle").status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out, err) == (0, "", "")
    present.clock.now = time.time() + 1
    present.drain()
    assert check_ledger(present.app, [bytes.fromhex(made.json()["leaf"])]) == 2  # and the head of the log


def configure(home: Path, line: str) -> None:
    with (home / "zhengyin.toml").open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def test_by_a_setting_the_chain_can_be_read_on_loopback_until_it_stops(present: World) -> None:
    present.close()
    configure(present.home, "rpc_port = 0")
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    with announced(present.home, "--no-worker") as (process, said):
        assert said["rpc"].startswith("http://127.0.0.1:")
        assert int(httpx.post(said["rpc"], json=question).json()["result"], 16) > 0
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=SECONDS) == ("", "")
        assert process.returncode == 0
        with pytest.raises(httpx.ConnectError):
            httpx.post(said["rpc"], json=question)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = refused(present.home, "serve", ZHENGYIN_RPC_PORT=str(taken.getsockname()[1]))
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (4, "RPC_SERVER_PORT")


def test_a_networks_chain_is_read_at_its_own_nodes(present: World) -> None:
    present.close()
    configure(present.home, 'rpc_port = 0\nengine = ["http://127.0.0.1:1"]')
    with App(load_settings(present.home)) as app, pytest.raises(ConfigError, match="RPC_SERVER_NETWORK") as refusal:
        rpc_server(app)
    assert "engine" in refusal.value.text("en")


def test_without_the_setting_no_port_is_opened(present: World) -> None:
    assert rpc_server(present.app) is None
    with announced(present.home, "--no-worker") as (_, said):
        assert said["rpc"] is None


@pytest.mark.parametrize("fault", ["upload.chunk", "upload.report", "upload.closed", "import.committed"])
def test_killed_while_importing_it_goes_on_after_the_next_start(present: World, tmp_path: Path, fault: str) -> None:
    headers = token_of(present)
    table = write_rows(tmp_path / "t.csv", 30).read_bytes()
    with served(present.home, fault=fault) as (process, url), httpx.Client(base_url=url, headers=headers) as client:
        query = {"type": "real-estate-certificate"}
        sent = client.post("/v1/imports", params=query, content=table, headers={"Idempotency-Key": "k"})
        process.communicate(timeout=SECONDS)
        assert process.returncode == KILLED
    where = sent.headers["location"]
    present.clock.now = time.time() + 31  # the leases of the dead have run out
    present.app.uploads.run_open()
    present.drain()
    shown = present.app.uploads.find(bytes.fromhex(where.rpartition("/")[2]))
    assert shown is not None
    assert (shown.state, shown.rows, shown.refused) == ("finished", 30, 0)
    assert present.app.uploads.report(shown.id) is not None
    present.app.operations.verify_chain()
    assert check_ledger(present.app) >= 30


def test_the_worker_alone_imports_and_anchors(present: World, tmp_path: Path) -> None:
    headers = token_of(present)
    command = [sys.executable, "-m", "ledger.cli", "--home", str(present.home), "worker"]
    with ExitStack() as spawned:
        _, url = spawned.enter_context(served(present.home, "--no-worker"))
        client = spawned.enter_context(httpx.Client(base_url=url, headers=headers))
        table = write_rows(tmp_path / "t.csv", 3).read_bytes()
        query = {"type": "real-estate-certificate"}
        sent = client.post("/v1/imports", params=query, content=table, headers={"Idempotency-Key": "k"})
        worker = spawned.enter_context(started(command))
        until(lambda: client.get(sent.headers["location"]).json()["state"], lambda state: state == "finished")
        listed = f"/v1/records?issuer={OFFICE_A}"
        until(
            lambda: [r["state"] for r in client.get(listed).json()["items"]],
            lambda states: len(states) >= 3 and set(states) == {"receipted"},
        )
        worker.send_signal(signal.SIGTERM)
        assert worker.communicate(timeout=SECONDS)[1] == ""
        assert worker.returncode == 0


# ---- what is refused before anything is served ----------------------------------------------------------------------


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "office.example", ""])  # noqa: S104
def test_beyond_this_machine_it_wants_tokens_and_a_safe_wire(bind: str, tmp_path: Path) -> None:
    assert not is_loopback(bind)
    plain = Settings(home=tmp_path, bind=bind)
    proxied = plain.model_copy(update={"trusted_proxy": "192.0.2.1"})
    for settings, has_token in ((plain, False), (plain, True), (proxied, False)):
        with pytest.raises(ConfigError, match="SERVE_EXPOSED"):
            require_safe(settings, lambda has_token=has_token: has_token)
    require_safe(proxied, lambda: True)
    require_safe(plain.model_copy(update={"tls_certificate": "c.pem", "tls_key": "k.pem"}), lambda: True)


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_this_machine_it_needs_neither(bind: str, tmp_path: Path) -> None:
    require_safe(Settings(home=tmp_path, bind=bind), lambda: False)


def test_a_proxy_is_an_address_and_tls_is_two_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SERVE_PROXY"):
        require_safe(Settings(home=tmp_path, trusted_proxy="*"), lambda: True)
    assert tls_files(Settings(home=tmp_path)) is None
    for settings in ({"tls_key": "k"}, {"tls_certificate": "c"}, {"tls_key": "k", "tls_certificate": "c"}):
        with pytest.raises(ConfigError, match="SERVE_TLS"):
            tls_files(Settings(home=tmp_path, **settings))


def refused(home: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ledger.cli", "--home", str(home), "--json", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)


def test_the_command_refuses_with_the_remedy(world: World) -> None:
    world.close()
    done = refused(world.home, "serve", "--bind", "0.0.0.0")  # noqa: S104
    assert done.returncode == 4
    assert json.loads(done.stdout)["error"]["code"] == "SERVE_EXPOSED"
    assert "token add" in done.stderr


# ---- connections that never come to the point ------------------------------------------------------------------------


def talk(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, timeout=SECONDS) as connection:
        connection.sendall(data)
        found = b""
        while piece := connection.recv(65_536):
            found += piece
        return found


def test_headers_that_never_end_are_cut_off(office: Office) -> None:
    with running(office.app, patience=0.3) as address:
        assert talk(address, b"") == b""
        assert talk(address, b"GET / HTTP/1.1\r\nX-Slow: 1\r\n") == b""


def test_headers_without_measure_are_refused(office: Office) -> None:
    with running(office.app) as address:
        many = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(100))
        assert talk(address, b"GET /healthz HTTP/1.1\r\n" + many).startswith(b"HTTP/1.1 400")
        long = b"GET /" + b"a" * 100_000
        assert talk(address, long + b" HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_body_that_drips_over_a_real_connection_is_cut_off(office: Office) -> None:
    app = office.world.app
    app.settings = app.settings.model_copy(update={"patience": 0.3})
    from api.app import create_app

    with running(create_app(app)) as address:
        head = b"POST /v1/verifications HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        assert talk(address, head).startswith(b"HTTP/1.1 408")
