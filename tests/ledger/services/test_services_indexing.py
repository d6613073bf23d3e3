"""The index is a cache: deleted and built again from chain and segments it gives the same answers."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from ledger_world import World, check_ledger, write_rows
from services_faults import replace_port

from ledger.assembly import council_work
from ledger.assembly.demo_plan import OFFICE_A, OFFICE_B
from ledger.chain.abi import interface
from ledger.chain.calls import CouncilCall
from ledger.chain.transactor import Transactor
from ledger.core.bundles import Bundle
from ledger.core.identifiers import organisation_bytes32
from ledger.core.manifests import BlockName
from ledger.core.registries import Permission, Reason, State
from ledger.crypto.digests import digest_path
from ledger.errors import ConflictError, NotFoundError
from ledger.outside.accounts import make_account
from ledger.ports import Account, AnchorCall, Chain, StatusCall
from ledger.proofs.events import AnchoredEvent
from ledger.services import indexing
from ledger.services.indexing import Indexing
from ledger.services.offline import Question, verify_offline
from ledger.services.statuses import ChangeRequest


def answers(world: World) -> dict[str, Any]:
    """Everything a user can ask, by name of the record."""
    app = world.app
    found: dict[str, Any] = {}
    for name, record_id in world.ids.items():
        with app.store.read() as unit:
            rows = unit.records.find_ids(app.index_key.id(record_id))
            entries = [unit.chain.entries(r.issuer, r.leaf) for r in rows]
        report = app.verifying.by_id(record_id, Question())
        places = [(r.issuer, r.kind, r.type, r.leaf, r.vault, r.index) for r in rows]
        found[name] = places, entries, report.indication, report.cause_code
    with app.store.read() as unit:
        found["batches"] = sorted(
            (b.issuer, b.root, b.size, b.sequence, b.block, b.block_hash, b.accreditation, b.manifest_sha256)
            for b in unit.batches.in_states(("receipted",))
        )
        found["organisations"] = unit.chain.organisations()
        found["signers"], found["accounts"] = unit.chain.signers(), unit.chain.accounts()
        found["accreditations"] = unit.chain.accreditations()
    return found


def test_an_index_that_two_processes_read_never_goes_back(demo: World) -> None:
    app, chain = demo.app, demo.app.chain
    head, _ = chain.head()

    class Late:
        """Begins at an earlier head, and while it reads another process gets further."""

        def __getattr__(self, name: str) -> Any:
            return getattr(chain, name)

        def head(self) -> tuple[BlockName, int]:
            return BlockName(head.block - 3, chain.canonical(head.block - 3)), 0

        def events(self, since: int, until: int) -> Any:
            app.indexing.run()
            return chain.events(since, until)

    before = answers(demo)
    with app.store.begin() as unit:
        unit.chain.clear()
    late = Indexing(app.store, cast(Chain, Late()), app.segments, app.vault, app.index_key)
    assert late.run() == 0
    with app.store.read() as unit:
        assert unit.chain.cursor() == head
    assert answers(demo) == before


@pytest.mark.parametrize("step", [2000, 3])
def test_rows_deleted_and_rebuilt_give_the_same_answers(
    demo: World, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(indexing, "RANGE", step)
    page = demo.home.parent / "page.html"
    page.write_bytes("<title>示范网页</title>".encode())
    before = answers(demo)
    by_file = demo.app.verifying.by_file(digest_path(page), Question()).exit_code
    rebuilt = demo.app.indexing.rebuild()
    assert (rebuilt.erased, rebuilt.missing) == (0, ())
    assert rebuilt.records == check_ledger(demo.app)
    assert answers(demo) == before
    assert demo.app.verifying.by_file(digest_path(page), Question()).exit_code == by_file == 0
    demo.app.indexing.rebuild()
    assert answers(demo) == before


def test_after_a_rebuild_no_number_is_issued_a_second_time(demo: World) -> None:
    demo.app.indexing.rebuild()
    result, _ = demo.import_rows(_first_source(demo))
    assert dict(result.counts) == {"existing": 6}


def _first_source(demo: World) -> Path:
    (demo.home.parent / "real-estate-0.pdf").write_bytes(b"%PDF-1.7 invented")
    return write_rows(demo.home.parent / "again.csv", 6, with_files=1)


def test_a_rebuild_waits_for_open_work(demo: World) -> None:
    accepted = demo.issue_seal("在途")
    with pytest.raises(ConflictError) as refused:
        demo.app.indexing.rebuild()
    assert refused.value.code == "REBUILD_OPEN_WORK"
    demo.drain()
    check_ledger(demo.app, [accepted.leaf])


def test_a_rebuild_that_was_killed_is_done_again(demo: World) -> None:
    before = answers(demo)
    segments = replace_port(demo, "segments")
    service = Indexing(demo.app.store, demo.app.chain, segments, demo.app.vault, demo.app.index_key)
    real, opened = segments.inner.open, 0

    class Killed(BaseException):
        pass

    def open_(root: bytes) -> Any:
        nonlocal opened
        opened += 1
        if opened == 3:
            raise Killed
        return real(root)

    segments.open = open_
    with pytest.raises(Killed):
        service.rebuild()
    demo.close()
    demo.app.indexing.rebuild()
    assert answers(demo) == before


def test_an_erased_key_is_counted_and_the_record_said_to_be_erased(demo: World) -> None:
    row = demo.row(demo.ids["plain"])
    demo.app.vault.erase([row.vault])
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).exit_code == 3
    with pytest.raises(NotFoundError) as refused:
        demo.app.bundling.open(row)
    assert refused.value.code == "RECORD_ERASED"
    rebuilt = demo.app.indexing.rebuild()
    assert rebuilt.erased == 1
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).exit_code == 3
    assert demo.app.verifying.by_id(demo.ids["spare"], Question()).exit_code == 0


def test_a_batch_whose_segment_is_lost_is_named_not_invented(demo: World) -> None:
    with demo.app.store.read() as unit:
        row = demo.row(demo.ids["seal"])
        root = unit.batches.get(row.batch or 0).root
    name = root.hex()
    shutil.rmtree(demo.home / "segments" / name[:2] / name[2:4] / name)
    assert demo.app.indexing.rebuild().missing == (root,)
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).exit_code == 0


def test_another_office_that_anchors_our_root_neither_stops_a_rebuild_nor_gets_our_records(demo: World) -> None:
    """Roots are public: office B anchors A's under its own name."""
    app = demo.app
    before = answers(demo)
    events = [e for _, _, e in app.chain.events(0, app.chain.head()[0].block) if isinstance(e, AnchoredEvent)]
    victim = next(e for e in events if e.issuer.startswith(OFFICE_A.encode()) and e.kind == 2)
    with app.store.read() as unit:
        accreditation = next(a for a in unit.chain.accreditations(OFFICE_B) if a.kind.word == "seal")
        signer = unit.chain.signers(OFFICE_B)[0].certificate
    account = app.account(OFFICE_B, Permission.ANCHOR)
    call = AnchorCall(
        accreditation.id, accreditation.kind, 1, victim.size, victim.root, victim.manifest_sha256, (signer,)
    )
    app.chain.send(app.chain.sign_anchor(account, app.chain.chain_nonce(account.address), call)[0])
    demo.clock.sleep(2)
    assert app.indexing.rebuild().missing == (victim.root,)
    assert answers(demo) == before


def send(demo: World, account: Account, function: str, *values: object) -> None:
    """A transaction to Records that the library itself never sends."""
    transactor = Transactor(demo.app.engine, sleep=demo.clock.sleep, clock=demo.clock)
    transactor.transact(account, demo.app.chain.contracts.records, interface("Records").call(function, *values))


def history(demo: World, name: str) -> list[tuple[str, str, str]]:
    row = demo.row(demo.ids[name])
    with demo.app.store.read() as unit:
        entries = [e.entry for e in unit.chain.entries(row.issuer, row.leaf)]
    return [(e.actor, e.state.word, e.reason.word) for e in entries]


def test_an_annulment_by_the_council_is_read_and_proved(demo: World) -> None:
    app, leaf = demo.app, demo.row(demo.ids["revoked"]).leaf
    act = organisation_bytes32(OFFICE_A), leaf, sha256(b"decision").digest()
    send(demo, app.account(OFFICE_A, Permission.STATUS), "annul", *act)
    call = CouncilCall(app.chain.contracts.records, interface("Records").call("annul", *act))
    council_work.decide(app, [call], None)
    council = "0x" + (bytes(12) + app.chain.contracts.council).hex()
    assert history(demo, "revoked")[1:] == [(council, "active", "setAside")]
    data = app.bundling.bundle(demo.row(demo.ids["revoked"]), None, state=True).to_bytes()
    assert Bundle.from_bytes(data).to_bytes() == data
    report = verify_offline(data, app.trust.content(), Question(), int(demo.clock()))
    # bound by the proved history; only the decision itself is not here
    assert (report.exit_code, report.cause_code) == (3, "STATUS_UNSIGNED")


def test_the_statement_of_an_emergency_suspension_comes_later_and_decides(demo: World) -> None:
    app, row = demo.app, demo.row(demo.ids["plain"])
    account, since = app.account(OFFICE_A, Permission.STATUS), int(demo.clock())
    call = StatusCall(OFFICE_A, ((row.leaf, bytes(32)),), State.SUSPENDED, since, Reason.DETAINED)
    app.chain.send(app.chain.sign_status(account, app.chain.chain_nonce(account.address), call)[0])
    demo.clock.sleep(2)
    assert app.verifying.by_id(demo.ids["plain"], Question()).cause_code == "STATUS_UNSIGNED"
    request = ChangeRequest(OFFICE_A, row.leaf, State.SUSPENDED, since, Reason.DETAINED, "决定 1")
    app.statuses.request(OFFICE_A, [request])
    with pytest.raises(ConflictError, match="STATUS_TRANSITION"):
        app.statuses.request(OFFICE_A, [request])  # one statement is on its way already
    demo.drain()
    assert history(demo, "plain") == [(OFFICE_A, "suspended", "detained")] * 2
    report = app.verifying.by_id(demo.ids["plain"], Question())
    assert report.cause_code == app.verifying.by_id(demo.ids["suspended"], Question()).cause_code != "STATUS_UNSIGNED"


def test_no_name_kind_or_reason_that_the_chain_allows_stops_the_index(demo: World) -> None:
    """The council registers what is no id, and makes it the office's superior, which ends a license for reason 77."""
    app, leaf = demo.app, demo.row(demo.ids["plain"]).leaf
    odd, stranger = b"REGISTRY 9".ljust(32, b"\0"), make_account(sha256(b"stranger").digest())
    office, consortium = organisation_bytes32(OFFICE_A), app.chain.contracts.consortium
    calls = [
        ("registerOrganisation", odd),
        ("setAccount", stranger.address, odd, 7),
        ("bindSigner", odd, bytes(31) + b"\1", 0, 2**40 - 1),
        ("accredit", bytes(31) + b"\2", odd, 1, b"SG".ljust(32, b"\0"), bytes(32), 0, 2**40 - 1),
        ("accredit", bytes(31) + b"\3", office, 999, b"SG".ljust(32, b"\0"), bytes(32), 0, 2**40 - 1),
        ("setSuperior", office, odd),
        ("bar", organisation_bytes32(OFFICE_B)),
    ]
    encoded = [CouncilCall(consortium, interface("Consortium").call(name, *values)) for name, *values in calls]
    with app.store.read() as unit:
        before = unit.chain.organisations(), unit.chain.accreditations(), unit.chain.signers()
    council_work.decide(app, encoded, None)
    send(demo, stranger, "setStatus", office, [(leaf, sha256(b"decision").digest())], 2, 1, 77)
    send(demo, stranger, "setStatus", odd, [(leaf, sha256(b"decision").digest())], 2, 1, 77)
    app.indexing.run()
    assert history(demo, "plain") == [("0x" + odd.hex(), "revoked", "code77")]
    with app.store.read() as unit:
        assert (OFFICE_B, True) in {(o, barred) for o, _, barred in unit.chain.organisations()}
        assert [o for o, _, _ in unit.chain.organisations()] == [o for o, _, _ in before[0]]
        assert (unit.chain.accreditations(), unit.chain.signers()) == before[1:]
    report = app.verifying.by_id(demo.ids["plain"], Question())
    assert (report.exit_code, report.cause_code) == (3, "STATUS_UNSIGNED")
    assert app.indexing.rebuild().missing == ()


def test_a_reorganised_chain_is_read_again_from_its_beginning(demo: World) -> None:
    app = demo.app
    head, _ = app.chain.head()
    with app.store.begin() as unit:
        before = unit.chain.organisations()
        unit.chain.set_cursor(type(head)(head.block, bytes(32)))
        unit.chain.put_organisation(OFFICE_A, 1, True)  # what the lost blocks said
    assert app.indexing.run() > 0
    with app.store.read() as unit:
        assert unit.chain.cursor() == head
        assert unit.chain.organisations() == before
    check_ledger(app)


def test_reading_again_changes_nothing(demo: World) -> None:
    before = answers(demo)
    assert demo.app.indexing.run() == 0
    with demo.app.store.begin() as unit:
        unit.chain.clear()
    demo.app.indexing.run()
    assert answers(demo) == before


def test_a_status_recorded_since_the_last_look_is_in_the_answer(demo: World) -> None:
    demo.change(demo.row(demo.ids["plain"]).leaf, State.REVOKED)
    demo.drain()
    with demo.app.store.begin() as unit:
        unit.chain.clear()
    assert demo.app.verifying.by_id(demo.ids["plain"], Question()).cause_code == "STATUS_REVOKED"
