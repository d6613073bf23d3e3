"""What the service stands on fails, over real connections: the database server ends, the disk fills up, nodes lie."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_kit import SEAL, Office, open_office, running
from http_kit import PATIENT, Node, Way, bent, hung_up, late, raw, truncated
from ledger_world import OFFICE_A, Template, World, check_ledger, write_rows
from postgres_server import PostgresServer

from ledger.assembly.auditing import audit
from ledger.chain.endpoint import HttpLimits
from ledger.chain.http_engine import HttpEngine
from ledger.errors import ZhengyinError

LISTED = f"/v1/records?issuer={OFFICE_A}"
REAL_ESTATE = {"type": "real-estate-certificate"}


@contextmanager
def called(office: Office, timeout: float = 30.0) -> Iterator[httpx.Client]:
    """A client of the office's own token, over a real connection."""
    with running(office.app) as (host, port):
        headers = {"Authorization": f"Bearer {office.token}"}
        with httpx.Client(base_url=f"http://{host}:{port}", headers=headers, timeout=timeout) as client:
            yield client


def issue(client: httpx.Client, key: str) -> httpx.Response:
    return client.post("/v1/records", json=SEAL, headers={"Idempotency-Key": key})


def patiently(client: httpx.Client, key: str) -> httpx.Response:
    """As ``Retry-After`` asks, once or twice."""
    again = issue(client, key)
    for _ in range(3):
        if again.status_code == 503:
            time.sleep(int(again.headers["retry-after"]))
            again = issue(client, key)
    assert again.status_code == 201, again.text
    return again


def proved(world: World, leaves: list[bytes]) -> None:
    """Everything arrives, each leaf once, and an audit finds nothing."""
    world.drain()
    assert check_ledger(world.app, leaves) == len(leaves)
    found, _ = audit(world.app)
    assert found.findings == ()


# ---- the database server --------------------------------------------------------------------------------------------


@pytest.fixture
def on_server(founded_template_postgresql: Template, tmp_path: Path) -> Iterator[Office]:
    with founded_template_postgresql.lend(tmp_path / "home") as world:
        yield open_office(world)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_server_that_ends_while_clerks_issue_leaves_no_half_record(
    on_server: Office, postgresql: PostgresServer, how: signal.Signals
) -> None:
    with called(on_server) as client:
        keys = [f"key-{n}" for n in range(24)]
        answers: dict[str, httpx.Response] = {}
        begun, down, over = threading.Event(), threading.Event(), threading.Event()

        def clerk(mine: list[str]) -> None:
            for key in mine:
                answers[key] = issue(client, key)
                begun.set()
            down.wait(30)
            answers[mine[0] + "-while-away"] = issue(client, mine[0] + "-while-away")
            over.wait(30)

        clerks = [threading.Thread(target=clerk, args=(keys[n::4],)) for n in range(4)]
        for each in clerks:
            each.start()
        assert begun.wait(30)
        postgresql.stop(how)
        try:
            down.set()
            over.set()
            for each in clerks:
                each.join()
            client.timeout = httpx.Timeout(2.0)  # an answer, and within two seconds
            for path in (LISTED, "/readyz", "/v1/imports"):
                assert client.get(path).status_code == 503, path
            refused = client.post("/v1/imports", params=REAL_ESTATE, content=b"a\n", headers={"Idempotency-Key": "u"})
            assert (refused.status_code, refused.json()["code"]) == (503, "STORE_LOST")
            assert int(refused.headers["retry-after"]) > 0
            number = {"id": "1.2.3", "code": "0" * 16}
            assert client.post("/v1/verifications/number", json=number).status_code in (400, 503)
            assert client.get("/healthz").status_code == 200
        finally:
            postgresql.start()
        client.timeout = httpx.Timeout(30.0)
        assert {a.status_code for a in answers.values()} <= {201, 503}
        assert {a.json()["code"] for a in answers.values() if a.status_code == 503} == {"STORE_LOST"}
        leaves = {}
        for key, first in answers.items():
            again = patiently(client, key)
            leaves[key] = again.json()["leaf"]
            assert first.status_code == 503 or first.json()["leaf"] == leaves[key]
        assert client.get("/readyz").status_code == 200
    folder = on_server.world.home / "uploads"
    assert not folder.exists() or list(folder.iterdir()) == []
    proved(on_server.world, [bytes.fromhex(leaf) for leaf in leaves.values()])


# ---- the disk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(founded_template: Template, tmp_path: Path) -> Iterator[Office]:
    """A ledger alone on a file system of 48 MiB; only root may make one, and not in every container."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount") is not None
    command = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(mount)]
    if not made or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        with founded_template.lend(mount / "home") as world:
            yield open_office(world)
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)


def fill(filler: Path, left: int) -> None:
    free = shutil.disk_usage(filler.parent).free
    with filler.open("wb") as stream:
        for _ in range(max(0, free - left) >> 12):
            stream.write(b"\1" * 4096)


@pytest.mark.parametrize("left", [0, 300_000])
def test_a_full_disk_refuses_cleanly_and_goes_on_when_there_is_room(
    small_disk: Office, tmp_path: Path, left: int
) -> None:
    world = small_disk.world
    filler = world.home.parent / "filler"
    table = write_rows(tmp_path / "t.csv", 1500).read_bytes()
    with called(small_disk) as client:

        def upload(key: str) -> httpx.Response:
            return client.post("/v1/imports", params=REAL_ESTATE, content=table, headers={"Idempotency-Key": key})

        assert issue(client, "before").status_code == 201
        fill(filler, left)
        answers = {f"key-{n}": issue(client, f"key-{n}") for n in range(8)}
        sent = upload("table")
        driven = drive(world)
        answers |= {f"late-{n}": issue(client, f"late-{n}") for n in range(8)}
        codes = {a.json().get("code") for a in answers.values() if a.status_code != 201}
        assert codes <= {"STORE_FULL"}, codes
        assert {a.status_code for a in answers.values()} <= {201, 507}
        if left == 0:
            assert codes == {"STORE_FULL"}
            assert (sent.status_code, sent.json()["code"]) == (507, "STORE_FULL")
            assert "STORE_FULL" in driven or "ENGINE_STORAGE" in driven
        assert client.get("/readyz").json()["parts"]["disk"]["status"] == "degraded"
        assert client.get(LISTED).status_code == 200
        filler.unlink()
        leaves = set()
        for key in ("before", *answers):
            again = issue(client, key)
            assert again.status_code == 201, again.text
            assert key == "before" or answers[key].status_code == 507 or answers[key].json() == again.json()
            leaves.add(bytes.fromhex(again.json()["leaf"]))
        where = upload("table").headers["location"]
        world.app.uploads.run_open()
        shown = client.get(where).json()
        assert (shown["state"], shown["rows"], shown["refused"]) == ("finished", 1500, 0)
    with world.app.store.read() as unit:
        rows = [r.leaf for issuer, kind, _ in unit.records.waiting() for r in unit.records.waiting_rows(issuer, kind)]
        rows += [r.leaf for b in unit.batches.newest(100) for r in unit.records.in_batch(b.row)]
    assert leaves <= set(rows)
    assert len(rows) == len(set(rows)) == len(leaves) + 1500
    proved(world, rows)


def drive(world: World) -> set[str]:
    """What stands in the way of the worker's two halves."""
    found: set[str] = set()
    for step in (world.app.uploads.run_open, lambda: world.app.outbox.run_once().problems):
        try:
            problems = step()
            found |= {p.code for p in problems} if isinstance(problems, tuple) else set()
        except ZhengyinError as e:
            found.add(e.code)
    return found


# ---- the chain ------------------------------------------------------------------------------------------------------

QUICK = HttpLimits(patience=0.1, rest=0.02)
WAYS: dict[str, tuple[Way, HttpLimits]] = {
    "garbage": (raw(b"\x00\xff<html>"), QUICK),
    "half": (truncated, QUICK),
    "cut off": (hung_up, QUICK),
    "late": (late(0.4), HttpLimits(connect=1.0, answer=0.1, patience=0.1, rest=0.02)),
    "busy": (raw(b"", 429, Retry_After="1"), QUICK),
    "wrong": (bent(lambda a: a | {"result": "0x"} if isinstance(a, dict) else a), QUICK),
}


@contextmanager
def by_http(world: World, node: Node, limits: HttpLimits) -> Iterator[None]:
    """The world's app, opened anew, reaches its chain through the node only."""
    world.close()
    engine = HttpEngine([node.url], limits=limits)
    world.app.__dict__["engine"] = engine
    try:
        yield
    finally:
        world.close()
        engine.close()


@pytest.fixture
def node(world: World) -> Iterator[Node]:
    host = World(world.home, world.clock, {})
    made = Node(host.app.engine)
    yield made
    made.stop()
    host.close()


@pytest.mark.parametrize("name", WAYS)
def test_while_its_node_is_away_for_an_hour_the_office_issues_and_verification_waits(
    world: World, node: Node, name: str
) -> None:
    known = world.issue_seal()
    world.drain()
    bundle = world.app.bundling.bundle(world.row(known.id), None, state=False).to_bytes()
    leaves = [known.leaf]
    node.always, limits = WAYS[name]
    with by_http(world, node, limits), called(open_office(world)) as client:
        for n in range(3):  # an hour, twenty minutes at a time
            world.clock.now += 1200
            made = issue(client, f"away-{n}")
            assert made.status_code == 201, made.text
            leaves.append(bytes.fromhex(made.json()["leaf"]))
            refused(world.app.outbox.run_once)
        assert client.get("/readyz").json()["parts"]["chain"]["status"] == "degraded"
        assert client.get(made.headers["location"]).json()["state"] == "accepted"
        assert client.get(f"{made.headers['location']}/bundle").status_code in (409, 503)
        shown = [client.post("/v1/verifications", content=bundle).json()]
        number = {name: made.json()[name] for name in ("id", "code")}
        shown += client.post("/v1/verifications/number", json=number).json()["reports"]
        assert [report["headline"]["name"] for report in shown] == ["cannotBeDecided"] * 2
        assert not any(step["outcome"] == "failed" for report in shown for step in report["steps"])
    node.always = None
    world.clock.now += 61  # the lease of the one before has run out
    with by_http(world, node, PATIENT):
        proved(world, leaves)


def refused(act: Callable[[], Any]) -> None:
    """It says that it cannot, by an error or by the problems of its pass."""
    try:
        done = act()
    except ZhengyinError as e:
        assert e.exit_code == 3, e
    else:
        assert done.problems
        assert all(p.exit_code == 3 for p in done.problems), done
