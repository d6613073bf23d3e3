"""A founded ledger for tests: real engine, store and keys under a clock that the tests move; and the proof of it all.

Blocks are a second apart on the embedded chain; with a clock whose ``sleep`` advances it nobody waits for them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from postgres_server import PostgresServer

from ledger.assembly.app import App
from ledger.assembly.council_work import decide
from ledger.assembly.demo_plan import OFFICE_A, OFFICE_B, demo_plan
from ledger.assembly.founding import found
from ledger.chain.calls import CouncilCall
from ledger.core import merkle
from ledger.core.bundles import Anchor
from ledger.core.canonical import BUNDLE_LIMITS, decode
from ledger.core.identifiers import organisation_from_bytes32
from ledger.core.manifests import Manifest
from ledger.core.registries import Reason, State
from ledger.crypto.cms import verify_detached
from ledger.errors import NotFoundError
from ledger.ports import BatchRow, RecordRow
from ledger.proofs.events import AnchoredEvent
from ledger.services.acting import RecordsAct
from ledger.services.acts import ActRequest
from ledger.services.anchoring import MANIFEST, RECEIPT, anchored_event
from ledger.services.batch_signing import CMS
from ledger.services.import_rows import ImportRequest, RowOutcome
from ledger.services.importing import ImportResult
from ledger.services.issuing import Accepted
from ledger.services.statuses import ChangeRequest
from ledger.settings import load_settings
from scripts import demo_data

if TYPE_CHECKING:
    from ledger_processes import LedgerProcess

ROOT = Path(__file__).resolve().parents[1]
START = 1_790_000_000.0
"""Before any real clock that runs these tests: files' own times are then never "an hour old"."""

ZERO = bytes(32)
ALL_STATES = ("batched", "signed", "broadcast", "mined", "final", "receipted", "refused")


LOOK = 0.5
"""Seconds: twice in the second that a block takes. Who looks more often works, and sees nothing more."""


class Clock:
    """Seconds UTC; ``sleep`` moves it. ``wait`` is the sleep of a ledger that looks again and again: never less than
    ``LOOK``, as a busy machine's may be."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, seconds: float) -> None:
        self.sleep(max(seconds, LOOK))


@dataclass(frozen=True)
class Template:
    """A data folder to be copied, and the instant its clock had reached. ``ids``: what was put into it, by name;
    ``server``, ``database``: where its rows are, if not in the folder."""

    home: Path
    now: float
    ids: dict[str, str]
    server: PostgresServer | None = None
    database: str = ""

    def copy(self, home: Path) -> World:
        shutil.copytree(self.home, home)
        database = ""
        if self.server is not None:
            database = self.server.create(self.database)
            settings = home / "zhengyin.toml"
            own, new = self.server.url(self.database), self.server.url(database)
            settings.write_text(settings.read_text("utf-8").replace(own, new), "utf-8")
        return World(home, Clock(self.now), dict(self.ids), database)

    @contextmanager
    def lend(self, home: Path) -> Iterator[World]:
        """A copy for a test, closed at its end; its database is dropped."""
        world = self.copy(home)
        try:
            yield world
        finally:
            world.close()
            if self.server is not None:
                self.server.drop(world.database)


class Done(NamedTuple):
    """A process that has ended."""

    returncode: int
    stdout: str
    stderr: str


class World:
    """A data folder with its clock. ``app`` is opened when first used and again after ``reopen``."""

    def __init__(self, home: Path, clock: Clock, ids: dict[str, str], database: str = "") -> None:
        self.home = home
        self.clock = clock
        self.ids = ids
        self.database = database
        self._app: App | None = None

    @property
    def app(self) -> App:
        if self._app is None:
            self._app = App(load_settings(self.home), self.clock, self.clock.wait)
        return self._app

    def close(self) -> None:
        if self._app is not None:
            self._app.__exit__()
            self._app = None

    # ---- what people do ----

    def issue_seal(self, name: str = "专用章", issuer: str = OFFICE_A) -> Accepted:
        values = {"name": name, "owner": issuer, "sealType": "业务专用章", "certificate": "demo"}
        return self.app.issuing.issue(issuer, self.app.types.get("seal"), values)

    def import_rows(self, source: Path, check: bool = False) -> tuple[ImportResult, list[RowOutcome]]:
        outcomes: list[RowOutcome] = []
        definition = self.app.types.get("real-estate-certificate")
        request = ImportRequest(OFFICE_A, definition, source, source.parent, check=check)
        return self.app.importing.run(request, outcomes.extend), outcomes

    def change(self, leaf: bytes, state: State, reason: Reason = Reason.CANCELLED) -> bytes:
        request = ChangeRequest(OFFICE_A, leaf, state, int(self.clock()), reason, "决定 1")
        return self.app.statuses.request(OFFICE_A, [request])[0]

    def act(self, act: RecordsAct, actor: str, issuer: str, subject: bytes, decision: str = "决定 2") -> bytes:
        """Ask for a freeze, an annulment or a disowning; returns the leaf of its statement."""
        (done,) = self.app.acts.request(actor, [ActRequest(act, issuer, subject, decision)])
        return done.statement

    def decree(self, call: CouncilCall) -> None:
        """Carried by the council's members here."""
        decide(self.app, [call], None)

    def drain(self) -> None:
        done = self.app.outbox.drain(300)
        assert (done.open, done.problems) == (0, ()), done

    def row(self, record_id: str) -> RecordRow:
        with self.app.store.read() as unit:
            return unit.records.find_ids(self.app.index_key.id(record_id))[-1]

    def begin(self, *action: object, fault: str | None = None, running: bool = False) -> LedgerProcess:
        """Do ``action`` in a process of its own, on this world's clock; several may be at work. ``running``: its clock
        runs on by itself, and is waited for."""
        from ledger_processes import LedgerProcess

        self.close()
        now = f"+{self.clock.now}" if running else repr(self.clock.now)
        return LedgerProcess(self.home, now, tuple(map(str, action)), fault)

    def worker(self, *action: object, fault: str | None = None, check: bool = True) -> Done:
        """``begin``, and wait for the end; it takes over this world's clock and gives it back."""
        with self.begin(*action, fault=fault) as process:
            out, errors = process.communicate()
            code = process.wait()
        self.clock.now += 1000  # further than it went, whatever happened to it
        if check:
            assert code == (-9 if fault else 0), errors
        return Done(code, out, errors)


def found_template(folder: Path, server: PostgresServer | None = None) -> Template:
    """The consortium of the demonstration, without a record; its rows in a database of ``server`` if there is one."""
    clock, plan, database = Clock(), demo_plan(), ""
    if server is not None:
        database = server.create()
        plan = replace(plan, settings=plan.settings | {"database": server.url(database)})
    found(folder / "home", plan, clock, clock.wait)
    return Template(folder / "home", clock.now, {}, server, database)


def demo_template(founded: Template, folder: Path) -> Template:
    """A few records of each kind and state, anchored."""
    world = founded.copy(folder / "home")
    try:
        _fill(world, folder)
    finally:
        world.close()
    return Template(world.home, world.clock.now, world.ids, founded.server, world.database)


def _fill(world: World, folder: Path) -> None:
    app = world.app
    (folder / "real-estate-0.pdf").write_bytes(b"%PDF-1.7 invented")
    write_rows(folder / "first.csv", 6, with_files=1)
    _, outcomes = world.import_rows(folder / "first.csv")
    for name, outcome in zip(("filed", "plain", "revoked", "suspended", "old", "spare"), outcomes, strict=True):
        world.ids[name] = outcome.id or ""
    demo_data.write_csv(folder / "business.csv", demo_data.BUSINESS_HEADER, demo_data.business_rows(8))
    business: list[RowOutcome] = []
    request = ImportRequest(OFFICE_B, app.types.get("business-license"), folder / "business.csv", folder)
    app.importing.run(request, business.extend)
    world.ids |= {"business": business[0].id or "", "expired": business[7].id or ""}
    (folder / "page.html").write_bytes("<title>示范网页</title>".encode())
    values = {
        "title": "网页取证",
        "source": "系统",
        "submitter": "当事人",
        "collectedAt": "2026-09-01",
        "method": "录屏",
    }
    evidence = app.issuing.deposit(OFFICE_A, app.types.get("evidence"), [folder / "page.html"], values)
    world.ids |= {"evidence": evidence.id, "seal": world.issue_seal().id}
    world.drain()
    world.change(world.row(world.ids["revoked"]).leaf, State.REVOKED)
    world.change(world.row(world.ids["suspended"]).leaf, State.SUSPENDED, Reason.DETAINED)
    write_rows(folder / "renewal.csv", 1, supersedes=world.ids["old"])
    _, outcomes = world.import_rows(folder / "renewal.csv")
    world.ids["new"] = outcomes[0].id or ""
    world.drain()


def write_rows(path: Path, count: int, with_files: int = 0, supersedes: str = "", first: int = 0) -> Path:
    """A CSV of invented real-estate certificates; ``first`` or a predecessor gives other serial numbers."""
    rows = []
    for n, row in enumerate(demo_data.real_estate_rows(count, with_files)):
        serial = f"2027{n:07d}" if supersedes else f"2026{first + n:07d}"
        rows.append((serial, *row[1:-1], supersedes))
    demo_data.write_csv(path, demo_data.REAL_ESTATE_HEADER, iter(rows))
    return path


# ---- the proof of the whole ledger ----------------------------------------------------------------------------------


def check_ledger(app: App, accepted: Sequence[bytes] = (), drained: bool = True) -> int:
    """Prove everything again from the bytes; returns the number of records in receipted batches.

    ``accepted``: leaves that somebody was told are accepted: each must be there, in exactly one leaf of exactly one
    batch, or (unless ``drained``) still on its way with a body that opens.
    """
    app.indexing.run()
    with app.store.read() as unit:
        batches = unit.batches.in_states(ALL_STATES)
        waiting = [row for issuer, kind, _ in unit.records.waiting() for row in unit.records.waiting_rows(issuer, kind)]
        members = {b.row: unit.records.in_batch(b.row) for b in batches}
    events = _anchored_events(app)
    leaves = [row.leaf for row in waiting] + [r.leaf for rows in members.values() for r in rows]
    assert len(leaves) == len(set(leaves)), "a record stands in two places"
    assert set(accepted) <= set(leaves), "an accepted record is lost"
    for row in [*waiting, *(r for rows in members.values() for r in rows)]:
        _check_body(app, row)
    receipted = [b for b in batches if b.state == "receipted"]
    for batch in receipted:
        _check_batch(app, batch, members[batch.row], events[batch.issuer, batch.root])
    if drained:
        assert not waiting
        assert {(b.issuer, b.root) for b in receipted} == events.keys(), "chain and rows differ"
    _check_statuses(app, drained)
    return sum(len(members[b.row]) for b in receipted)


def _check_body(app: App, row: RecordRow) -> None:
    """It opens, or was erased, and a tombstone says so."""
    try:
        app.bundling.open(row)
    except NotFoundError as error:
        assert error.code == "RECORD_ERASED"
        assert app.erasing.tombstone(row), "a key is missing and nothing says why"
        assert row.id_hmac is None


def _anchored_events(app: App) -> dict[tuple[str, bytes], tuple[int, AnchoredEvent]]:
    events: dict[tuple[str, bytes], tuple[int, AnchoredEvent]] = {}
    for block, _, event in app.chain.events(0, app.chain.head()[0].block):
        if isinstance(event, AnchoredEvent):
            key = organisation_from_bytes32(event.issuer), event.root
            assert key not in events, "one root was anchored twice"
            events[key] = block, event
    return events


def _check_batch(app: App, batch: BatchRow, rows: Sequence[RecordRow], found: tuple[int, AnchoredEvent]) -> None:
    block, event = found
    segment = app.segments.open(batch.root)
    assert segment.leaves() == b"".join(r.leaf for r in rows)
    assert merkle.root_of(merkle.build_levels(segment.leaves())) == batch.root == event.root
    assert [r.index for r in rows] == list(range(batch.size))
    manifest, cms, receipt = segment.get(MANIFEST), segment.get(CMS), segment.get(RECEIPT)
    assert manifest and cms and receipt
    verify_detached(cms, manifest)
    named = Manifest.from_bytes(manifest)
    assert (named.issuer, named.kind, named.root, named.size) == (batch.issuer, batch.kind, batch.root, batch.size)
    assert named.sha256() == batch.manifest_sha256 == event.manifest_sha256
    sm3 = segment.sm3()
    assert (named.root_sm3, named.sm3()) == (sm3.root() if sm3 else None, event.manifest_sm3)
    value: Any = decode(receipt, BUNDLE_LIMITS)
    assert anchored_event(Anchor.from_json(value, RECEIPT), app.chain.identity.records, batch.root) == event
    assert (batch.sequence, batch.size, int(batch.kind)) == (event.sequence, event.size, event.kind)
    assert batch.accreditation == event.accreditation
    assert (batch.block, batch.block_hash) == (block, app.chain.canonical(block))


def _check_statuses(app: App, drained: bool) -> None:
    with app.store.read() as unit:
        intents = unit.intents.in_states(("accepted", "ready", "sent", "done", "refused"))
        for intent in intents:
            entries = [e.entry for e in unit.chain.entries(intent.issuer, intent.leaf)]
            recorded = [e for e in entries if e.statement == intent.statement]
            assert len(recorded) == (1 if intent.state == "done" else 0) or intent.state == "sent"
            if recorded:
                statement = unit.records.by_leaf(intent.statement)
                assert statement and statement.batch is not None
                batch = unit.batches.get(statement.batch)
                assert batch.state == "receipted", "a change was recorded before its statement was final"
    if drained:
        assert all(i.state in ("done", "refused") for i in intents)
