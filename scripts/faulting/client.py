"""A client of a ledger and what it was told: the process that fault runs kill, and start again until it is done.

It issues, imports and revokes as a seed says, and drives the outbox as `serve` does. What the ledger tells it goes into
a file, a line at a time, which outlives it. Started again it first waits until everything that was on its way has
arrived, without a person, and then goes on behind the last act that it was told of.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ledger.assembly.app import App
from ledger.assembly.demo_plan import CITY_A, OFFICE_A
from ledger.assembly.founding import found
from ledger.assembly.founding_plans import plain
from ledger.core.registries import Reason, State
from ledger.errors import UnavailableError
from ledger.proofs.events import AnchoredEvent
from ledger.services.importing import ImportRequest
from ledger.services.outbox import Pass
from ledger.services.statuses import ChangeRequest
from ledger.settings import load_settings
from scripts import demo_data
from scripts.faulting.history import Anchored, History, Receipted, Violation, check

START = 1_790_000_000.0
RECOVERY_SECONDS = 30.0
"""A ledger whose process was killed has done what was on its way after so long, the lease of the dead included."""
PASSES = 60
"""How often the client looks again, a second apart, before it calls the ledger stuck."""
Act = tuple[str, int]


class SkippingClock:
    """Seconds UTC that pass as real ones do, but nobody waits for a ``sleep``."""

    def __init__(self, now: float) -> None:
        self._offset = now - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self._offset

    def sleep(self, seconds: float) -> None:
        self._offset += seconds


class Told:
    """What the client was told, as lines of JSON ``[what, …]`` in a file; each is one write, all or nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def tell(self, what: str, *values: Any) -> None:
        os.write(self._file, (json.dumps([what, *values]) + "\n").encode())

    def all(self, what: str) -> list[list[Any]]:
        lines = (json.loads(line) for line in self._path.read_text("utf-8").splitlines())
        return [values for name, *values in lines if name == what]

    def close(self) -> None:
        os.close(self._file)


def found_office(home: Path) -> float:
    """One office alone on an embedded chain; returns the time its clock has reached."""
    clock = SkippingClock(START)
    found(home, plain(OFFICE_A, "示范甲市不动产登记中心", CITY_A, "zh"), clock, clock.sleep)
    return clock()


def plan_of(seed: int) -> list[Act]:
    """A few acts of each kind in an order of the seed's own; the last one finishes everything."""
    chance = random.Random(seed)  # noqa: S311
    acts = [("issue", chance.randint(1, 3)) for _ in range(2)] + [("import", chance.randint(2, 6)), ("renew", 1)]
    acts += [("revoke", 1), ("drain", 0)]
    chance.shuffle(acts)
    return [*acts, ("drain", 0)]


class Client:
    def __init__(self, app: App, folder: Path, seed: int, told: Told) -> None:
        self.app = app
        self.told = told
        self._folder = folder
        self._seed = seed

    def run(self) -> int:
        """Recover, do what is left of the plan, and check the history; returns the number of records in final batches.

        Raises:
            Violation: ``recovery``, or what `history.check` finds.
        """
        killed = self.told.all("now")
        if killed:
            self.drain()
            took = self.app.clock() - killed[-1][0]
            self.told.tell("recovered", took)
            if took > RECOVERY_SECONDS:
                raise Violation("recovery", f"{took:.1f} s")
        acts = plan_of(self._seed)
        for number in range(len(self.told.all("did")), len(acts)):
            what, count = acts[number]
            self._until_done(what, number, count)
            self.told.tell("did", number)
        return self.checked()

    def _until_done(self, what: str, number: int, count: int) -> None:
        while True:
            self.now()
            try:
                getattr(self, f"_{what}")(number, count)
                return
            except UnavailableError:  # told that it failed, whether it did or not: asked for once more
                self.app.sleep(1)

    def now(self) -> None:
        self.told.tell("now", self.app.clock())

    # ---- acts ----

    def _issue(self, number: int, count: int) -> None:
        values = {"name": f"第{number}枚", "owner": OFFICE_A, "sealType": "业务专用章", "certificate": "demo"}
        for _ in range(count):
            issued = self.app.issuing.issue(OFFICE_A, self.app.types.get("seal"), values)
            self.told.tell("accepted", issued.leaf.hex(), issued.id)

    def _import(self, number: int, count: int) -> None:
        self._import_rows(number, [(f"2026{number:03d}{n:04d}", "") for n in range(count)])

    def _renew(self, number: int, count: int) -> None:
        """A license of its own, and the one that supersedes it: record, statement and change at once."""
        (old,) = self._import_rows(number, [(f"2027{number:03d}0000", "")])
        self._import_rows(number, [(f"2028{number:03d}0000", old)])

    def _import_rows(self, number: int, rows: list[tuple[str, str]]) -> list[str]:
        """The same file again is not imported twice: what exists is found, and told as accepted."""
        source = self._folder / f"table-{rows[0][0]}.csv"
        if not source.exists():
            made = [
                (serial, *row[1:-2], "", old)
                for row, (serial, old) in zip(demo_data.real_estate_rows(len(rows)), rows, strict=True)
            ]
            demo_data.write_csv(source, demo_data.REAL_ESTATE_HEADER, iter(made))
        found: list[Any] = []
        request = ImportRequest(OFFICE_A, self.app.types.get("real-estate-certificate"), source, self._folder)
        self.app.importing.run(request, found.extend)
        ids = [outcome.id for outcome in found if outcome.outcome in ("new", "existing")]
        if len(ids) != len(rows):
            raise Violation("import", ", ".join(f"{o.outcome} {o.problem}" for o in found))
        for id_ in ids:
            self.told.tell("accepted", self._row(id_).leaf.hex(), id_)
        return ids

    def _revoke(self, number: int, count: int) -> None:
        self._issue(number, 1)
        leaf = bytes.fromhex(self.told.all("accepted")[-1][0])
        when = int(self.app.clock())
        request = ChangeRequest(OFFICE_A, leaf, State.REVOKED, when, Reason.CANCELLED, "决定 1")
        (statement,) = self.app.statuses.request(OFFICE_A, [request])
        self.told.tell("accepted", statement.hex(), "")

    def _drain(self, number: int, count: int) -> None:
        self.drain()

    def drain(self) -> None:
        """Until nothing is on its way, waiting for the lease of one that was killed."""
        for _ in range(PASSES):
            self.now()
            try:
                done = self.app.outbox.drain(600, self._watch)
            except UnavailableError:
                self.app.sleep(1)
                continue
            if not done.problems and not done.open:
                return
        raise Violation("stuck", str(self.app.outbox.run_once()))

    def _watch(self, done: Pass) -> None:
        """After each pass the client asks for its receipts."""
        self.now()
        head, _ = self.app.chain.head()
        known = {leaf for leaf, *_ in self.told.all("receipt")}
        for leaf, *_ in self.told.all("accepted"):
            if leaf not in known and (root := self._receipted(bytes.fromhex(leaf))) is not None:
                self.told.tell("receipt", leaf, root.hex(), head.block)

    def _receipted(self, leaf: bytes) -> bytes | None:
        with self.app.store.read() as unit:
            row = unit.records.by_leaf(leaf)
            batch = unit.batches.get(row.batch) if row and row.batch is not None else None
        return batch.root if batch and batch.state == "receipted" else None

    def _row(self, id_: str) -> Any:
        with self.app.store.read() as unit:
            return unit.records.find_ids(self.app.index_key.id(id_))[-1]

    # ---- the proof ----

    def checked(self) -> int:
        history = self.history()
        found = check(history)
        missing = {leaf for leaf, *_ in self.told.all("accepted")} - {r.leaf.hex() for r in history.receipts}
        if missing:
            raise Violation("no-receipt", ", ".join(sorted(missing)))
        self.told.tell("checked", found)
        return found

    def history(self) -> History:
        head, _ = self.app.chain.head()
        events = list(self._events(head.block))
        return History(
            [bytes.fromhex(leaf) for leaf, *_ in self.told.all("accepted")],
            [Receipted(bytes.fromhex(leaf), bytes.fromhex(root), at) for leaf, root, at in self.told.all("receipt")],
            events,
            {event.root: self.app.segments.open(event.root).leaves() for event in events},
            head.block,
        )

    def _events(self, until: int) -> Iterator[Anchored]:
        for block, _, event in self.app.chain.events(0, until):
            if isinstance(event, AnchoredEvent):
                yield Anchored(block, event.issuer, event.sequence, event.root, event.size)


def open_client(home: Path, now: float, seed: int) -> Client:
    """A client with a process' own view of the ledger at ``home``; what it is told stands beside the folder."""
    told = Told(home.with_suffix(".told"))
    clock = SkippingClock(max([now, *(values[0] for values in told.all("now"))]))
    return Client(App(load_settings(home), clock, clock.sleep), home.parent, seed, told)


def finish(client: Client) -> None:
    client.app.__exit__()
    client.told.close()
