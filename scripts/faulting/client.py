"""A client of a ledger and what it was told: the process that fault runs kill, and start again until it is done.

It issues, imports, uploads, revokes, freezes and erases as a seed says, and drives uploads, outbox and late validation
as `serve` does. Its test authority answers from within it, on loopback, and dies with it. What the ledger tells it goes
into a file, a line at a time, which outlives it. Started again it first waits until everything that was on its way has
arrived, without a person, and then goes on behind the last act that it was told of.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from ledger.assembly.app import App
from ledger.assembly.demo_plan import OFFICE_A
from ledger.core.manifests import Manifest
from ledger.crypto.timestamps import verify_kept
from ledger.errors import NotFoundError, UnavailableError
from ledger.proofs.events import AnchoredEvent
from ledger.services.anchoring import MANIFEST
from ledger.services.batch_signing import LATER_VALIDATION, check_signatures
from ledger.services.outbox import Pass
from ledger.settings import load_settings
from scripts.faulting.acts import Acts, Told
from scripts.faulting.history import Anchored, History, Receipted, Violation, check
from scripts.faulting.office import GRACE, SkippingClock

RECOVERY_SECONDS = 30.0
"""A ledger whose process was killed has done what was on its way after so long, the lease of the dead included."""
PASSES = 60
"""How often the client looks again, a second apart, before it calls the ledger stuck."""
Act = tuple[str, int]


def plan_of(seed: int) -> list[Act]:
    """A few acts of each kind in an order of the seed's own; the last one finishes everything."""
    chance = random.Random(seed)  # noqa: S311
    acts = [("issue", chance.randint(1, 3)) for _ in range(2)] + [("import", chance.randint(2, 6)), ("renew", 1)]
    acts += [("upload", chance.randint(2, 6)), ("revoke", 1), ("freeze", 1), ("erase", 1)]
    acts += [("drain", 0), ("validate", 0)]
    chance.shuffle(acts)
    return [*acts, ("drain", 0), ("validate", 0)]


class Client:
    def __init__(self, app: App, folder: Path, seed: int, told: Told) -> None:
        self.app = app
        self.told = told
        self._acts = Acts(app, folder, told)
        self._seed = seed

    def run(self) -> int:
        """Recover, do what is left of the plan, and check the history; returns the number of records in final batches.

        Raises:
            Violation: ``recovery``, ``stuck``, ``no-receipt``, ``no-token``, ``unvalidated``, ``decided``,
                ``erasure-lost``, ``not-erased``; what `history.check` finds, and what an act raises. InputError: CMS_…,
                TIMESTAMP_…. IntegrityError: OPERATIONS_….
        """
        killed = self.told.all("now")
        if killed:
            self._drain()
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
                match what:
                    case "drain":
                        self._drain()
                    case "validate":
                        self._validate()
                    case _:
                        self._acts.act(what, number, count)
                return
            except UnavailableError:  # told that it failed, whether it did or not: asked for once more
                self.app.sleep(1)

    def now(self) -> None:
        self.told.tell("now", self.app.clock())

    def _drain(self) -> None:
        """Until nothing is on its way, waiting for the leases of one that was killed."""
        for _ in range(PASSES):
            self.now()
            try:
                self.app.uploads.run_open()
                done = self.app.outbox.drain(600, self._watch)
                if not done.problems and not done.open and not self._uploading():
                    return
            except UnavailableError:
                pass
            self.app.sleep(1)
        raise Violation("stuck", str(self.app.outbox.run_once()))

    def _validate(self) -> None:
        """Until every anchored batch has its revocation data a second time, waiting for a dead one's lease."""
        for _ in range(PASSES):
            self.app.sleep(GRACE)
            self.now()
            self.app.late_validation.run_due()
            if not self._unvalidated():
                return
        raise Violation("stuck", ", ".join(root.hex() for root in self._unvalidated()))

    def _unvalidated(self) -> list[bytes]:
        return [root for root in self._anchored() if self.app.segments.open(root).get(LATER_VALIDATION) is None]

    def _anchored(self) -> list[bytes]:
        with self.app.store.read() as unit:
            return [batch.root for batch in unit.batches.in_states(("receipted",))]

    def _uploading(self) -> bool:
        with self.app.store.read() as unit:
            return bool(unit.access.open_uploads())

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

    # ---- the proof ----

    def checked(self) -> int:
        history = self.history()
        found = check(history)
        missing = {leaf for leaf, *_ in self.told.all("accepted")} - {r.leaf.hex() for r in history.receipts}
        if missing:
            raise Violation("no-receipt", ", ".join(sorted(missing)))
        self._proved()
        self._decided()
        self._erased()
        self.app.operations.verify_chain()
        self.told.tell("checked", found)
        return found

    def _proved(self) -> None:
        """Each batch has what its manifest promises, a token over the signature that stands, and both data."""
        for root in self._anchored():
            segment = self.app.segments.open(root)
            manifest = Manifest.from_bytes(segment.get(MANIFEST) or b"")
            for signature in check_signatures(segment, manifest):
                if not manifest.expects.token or signature.token is None:
                    raise Violation("no-token", root.hex())
                verify_kept(signature.token, signature.signature)
        if missing := self._unvalidated():
            raise Violation("unvalidated", ", ".join(root.hex() for root in missing))

    def _decided(self) -> None:
        """Each decision stands on chain once."""
        with self.app.store.read() as unit:
            for what, listed in (("revoked", unit.chain.entries), ("frozen", unit.chain_acts.of_subject)):
                for (leaf,) in self.told.all(what):
                    if len(listed(OFFICE_A, bytes.fromhex(leaf))) != 1:
                        raise Violation("decided", f"{what} {leaf}")

    def _erased(self) -> None:
        """An erasure that was told is over, and so is one that left no more than its tombstone."""
        told = {leaf for (leaf,) in self.told.all("erased")}
        for (leaf,) in self.told.all("erasing"):
            with self.app.store.read() as unit:
                row = unit.records.by_leaf(bytes.fromhex(leaf))
            if row is None or self.app.erasing.tombstone(row) is None:
                if leaf in told:
                    raise Violation("erasure-lost", leaf)
                continue
            try:
                self.app.bundling.open(row)
            except NotFoundError as e:
                if e.code == "RECORD_ERASED":
                    continue
                raise
            raise Violation("not-erased", leaf)

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
