"""Attacks on a running ledger: wrong trust files, edited rows, records that nobody released, broken clocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from e2e_bundles import Kit, cut
from ledger_world import World, check_ledger, write_rows

from ledger.assembly.demo_plan import OFFICE_A, OFFICE_B
from ledger.core.bundles import Bundle
from ledger.core.disclosures import disclose
from ledger.core.identifiers import organisation_bytes32
from ledger.core.keys import RecordKey
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trusted_chains import TrustedChain
from ledger.core.verdicts import Step
from ledger.crypto.approvals import ApprovalKey
from ledger.errors import ZhengyinError
from ledger.proofs.keccak import keccak
from ledger.proofs.records_layout import batch_slot
from ledger.proofs.rlp import decode_strict
from ledger.services.accepting import Acceptor, Draft
from ledger.services.offline import Question, verify_offline

# ---- trust files ----------------------------------------------------------------------------------------------------


def with_chain(trust: Trust, change: Callable[[TrustedChain], TrustedChain]) -> Trust:
    return replace(trust, chains=tuple(change(c) for c in trust.chains))


def other_identity(**values: Any) -> Callable[[Trust], Trust]:
    return lambda t: with_chain(t, lambda c: replace(c, identity=replace(c.identity, **values)))


WRONG: dict[str, Callable[[Trust], Trust]] = {
    "another chain": other_identity(id=7),
    "another genesis": other_identity(genesis=bytes(range(32))),
    "another Records": other_identity(records=bytes(range(20))),
    "other code": lambda t: with_chain(t, lambda c: replace(c, records_code=bytes(range(32)))),
    "other validators": lambda t: with_chain(
        t, lambda c: replace(c, validators=tuple(replace(v, address=bytes(range(20))) for v in c.validators))
    ),
    "retired validators": lambda t: with_chain(
        t, lambda c: replace(c, validators=tuple(replace(v, until_block=1) for v in c.validators))
    ),
    "another past": lambda t: with_chain(
        t, lambda c: replace(c, checkpoints=tuple(replace(b, hash=bytes(range(32))) for b in c.checkpoints))
    ),
    "no authority": lambda t: replace(t, authorities=()),
    "no recognition": lambda t: replace(t, recognitions=()),
    "no policy": lambda t: replace(t, policies=()),
    "no chain": lambda t: replace(t, chains=()),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_trust_file_never_lets_a_bundle_pass(kit: Kit, name: str) -> None:
    other = replace(kit, trust=WRONG[name](kit.trust))
    assert kit.judge(kit.rich).exit_code == 0
    if name == "another past" and not any(c.checkpoints for c in kit.trust.chains):
        pytest.fail("the trust file has no checkpoint to contradict")
    assert other.judge(kit.rich).exit_code != 0


def test_an_expired_trust_file_decides_nothing(kit: Kit) -> None:
    assert replace(kit, now=kit.trust.expires + 1).judge(kit.rich).exit_code == 3


# ---- another office -------------------------------------------------------------------------------------------------


def test_office_b_under_the_manifest_of_office_a(shared_demo: World) -> None:
    ours = Bundle.from_bytes(cut(shared_demo, "plain", None))
    theirs = Bundle.from_bytes(cut(shared_demo, "business", None))
    trust, now = shared_demo.app.trust.content(), int(shared_demo.clock())
    for forged in (
        replace(ours, record=theirs.record, disclosures=theirs.disclosures),
        replace(ours, record=theirs.record, disclosures=theirs.disclosures, inclusion=theirs.inclusion),
        replace(theirs, record=replace(theirs.record, issuer=OFFICE_A)),
        replace(theirs, manifest=replace(theirs.manifest, issuer=OFFICE_A)),
        replace(theirs, signatures=ours.signatures),
        replace(theirs, anchor=ours.anchor),
    ):
        assert verify_offline(forged.to_bytes(), trust, Question(as_of_bundle=True), now).exit_code == 1


def refused_proof(world: World, bundle: Bundle, nodes: Iterable[bytes]) -> tuple[int, object]:
    """Exit code, and what was wrong with the nodes, of a bundle whose state has these nodes for its own."""
    assert bundle.state is not None
    forged = replace(bundle, state=replace(bundle.state, nodes=tuple(nodes))).to_bytes()
    trust, now = world.app.trust.content(), int(world.clock())
    report = verify_offline(forged, trust, Question(as_of_bundle=True), now)
    assert report.cause is not None and report.cause.step is Step.STATUS
    (finding,) = [f for f in report.cause.findings if f.code == "STATUS_PROOF_REFUSED"]
    return report.exit_code, finding.values["cause"]


def leaf_of_batch(bundle: Bundle) -> bytes:
    """The node that holds the word of the bundle's own batch: it ends the path to its slot."""
    slot = batch_slot(organisation_bytes32(bundle.record.issuer), bundle.manifest.root)
    hashed = keccak(slot).hex()
    assert bundle.state is not None
    for node in bundle.state.nodes:
        item = decode_strict(node)
        if isinstance(item, list) and len(item) == 2 and isinstance(item[0], bytes):
            digits = item[0].hex()  # flag 2: a leaf of an even path; 3: of an odd one (Yellow Paper, appendix C)
            if digits[0] in "23" and hashed.endswith(digits[2 if digits[0] == "2" else 1 :]):
                return node
    raise AssertionError("no node holds the batch")


def nodes_of(bundle: Bundle) -> tuple[bytes, ...]:
    assert bundle.state is not None
    return bundle.state.nodes


def test_the_state_of_another_office_says_nothing_of_this_record(shared_demo: World) -> None:
    """Neither for it nor against it: our batch's word is not among the nodes."""
    ours = Bundle.from_bytes(cut(shared_demo, "plain", None))
    theirs = Bundle.from_bytes(cut(shared_demo, "business", None))
    own = leaf_of_batch(ours)
    assert own in nodes_of(ours)
    nodes = [node for node in nodes_of(theirs) if node != own]  # their proof of what is unset may end in it by chance
    assert refused_proof(shared_demo, ours, nodes) == (3, "TRIE_NODE_MISSING")
    assert refused_proof(shared_demo, replace(ours, state=theirs.state), nodes) == (3, "TRIE_NODE_MISSING")


def test_the_state_of_others_beside_ones_own_is_slack(shared_demo: World) -> None:
    ours = Bundle.from_bytes(cut(shared_demo, "plain", None))
    # Four look-ups end in at most four leaves of the contract's storage. A state and a history of two records and the
    # batches of two more are six others: some are used by none.
    others = [Bundle.from_bytes(cut(shared_demo, name, None)) for name in ("revoked", "suspended", "business", "seal")]
    nodes = sorted({node for bundle in (ours, *others) for node in nodes_of(bundle)})
    assert refused_proof(shared_demo, ours, nodes) == (1, "TRIE_NODE_UNUSED")


# ---- whoever can write the database ---------------------------------------------------------------------------------


def edit(world: World, statement: str, *values: object) -> None:
    world.close()
    connection = sqlite3.connect(world.home / "rows.db")
    with connection:
        connection.execute(statement, values)
    connection.close()


def judged(world: World, record_id: str) -> int:
    try:
        return world.app.verifying.by_id(record_id, Question()).exit_code
    except ZhengyinError as error:
        return error.exit_code


def test_an_edited_row_never_makes_one_record_answer_for_another(demo: World) -> None:
    good, bad = demo.row(demo.ids["plain"]), demo.row(demo.ids["revoked"])
    unknown = demo.app.index_key.id("urn:zhengyin:" + "a" * 26)
    for table, column, value in (
        ("records", "leaf", bytes(32)),
        ("records", "leaf", b"\x01" * 32),
        ("records", "leaf", bad.leaf),
        ("runs", "batch", demo.row(demo.ids["seal"]).batch),
        ("runs", "position", 5),
    ):
        saved = demo.home.parent / f"{column}.db"
        demo.close()
        saved.write_bytes((demo.home / "rows.db").read_bytes())
        where = "row = ?" if table == "records" else "? BETWEEN first AND last"
        edit(demo, f"UPDATE {table} SET {column} = ? WHERE {where}", value, good.row)  # noqa: S608 - constants
        assert judged(demo, demo.ids["plain"]) != 0, column
        demo.close()
        (demo.home / "rows.db").write_bytes(saved.read_bytes())
    edit(demo, "UPDATE owners SET issuer = ? WHERE issuer = ?", "DE:HRB-1", OFFICE_A)
    assert judged(demo, demo.ids["plain"]) == 0  # who issued it stands in the signed bytes, not in the row
    edit(demo, "UPDATE records SET id_hmac = ? WHERE row = ?", unknown, good.row)
    assert judged(demo, "urn:zhengyin:" + "a" * 26) != 0  # an invented number led to a valid record
    demo.app.indexing.rebuild()
    assert judged(demo, demo.ids["plain"]) == 0


def test_a_deleted_status_or_an_edited_one_does_not_bring_a_license_back(demo: World) -> None:
    edit(demo, "DELETE FROM chain_entries")
    assert judged(demo, demo.ids["revoked"]) != 0
    edit(demo, "UPDATE chain_entries SET state = 0")
    assert judged(demo, demo.ids["suspended"]) != 0
    demo.app.indexing.rebuild()
    assert demo.app.verifying.by_id(demo.ids["revoked"], Question()).cause_code == "STATUS_REVOKED"


def test_a_record_that_no_source_released_is_never_signed(world: World) -> None:
    """Whoever can write rows, bodies and vault, but does not hold the approval key (why.md F6)."""
    app = world.app
    thief = Acceptor(app.store, app.vault, app.spool, app.index_key, lambda _: ApprovalKey(bytes(32)))
    values = {"name": "假章", "owner": OFFICE_A, "sealType": "章", "certificate": "x"}
    thief.commit([thief.prepare(OFFICE_A, Kind.SEAL, [Draft("seal", "urn:zhengyin:" + "a" * 26, values)], 1)])
    genuine, neighbour = world.issue_seal("真"), world.issue_seal("乙", OFFICE_B)
    done = app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["RECORD_UNAPPROVED"]
    assert judged(world, "urn:zhengyin:" + "a" * 26) == 3
    assert judged(world, genuine.id) == judged(world, neighbour.id) == 0


def test_an_approval_of_one_record_does_not_release_another(world: World) -> None:
    good = world.issue_seal()
    (chunk,) = (world.home / "spool").iterdir()
    data = chunk.read_bytes()
    chunk.write_bytes(data.replace(good.leaf, bytes(31) + b"\x01"))
    done = world.app.outbox.drain(60)
    assert [p.code for p in done.problems] == ["RECORD_UNAPPROVED"]
    assert judged(world, good.id) != 0
    chunk.write_bytes(data)
    world.drain()
    assert judged(world, good.id) == 0


def test_a_row_that_names_another_leaf_changes_nothing_of_what_is_signed(world: World) -> None:
    good = world.issue_seal()
    edit(world, "UPDATE records SET leaf = ?", bytes(31) + b"\x01")
    world.drain()
    assert judged(world, good.id) != 0
    world.app.indexing.rebuild()
    assert judged(world, good.id) == 0


def test_disclosed_values_of_another_key_never_match(kit: Kit) -> None:
    bundle = Bundle.from_bytes(kit.rich)
    values = {d.name: d.value for d in bundle.disclosures}
    forged = replace(bundle, disclosures=disclose(RecordKey(bytes(32)), values, values.keys()))
    assert kit.judge(forged.to_bytes()).exit_code == 1


# ---- clocks and disks -----------------------------------------------------------------------------------------------

DAY = 86_400


def test_a_clock_a_day_back_loses_nothing_and_says_so(demo: World) -> None:
    demo.close()
    demo.clock.now -= DAY
    accepted = demo.issue_seal("昨天")
    try:
        done = demo.app.outbox.drain(5)
        assert done.open or done.problems
    except ZhengyinError as error:
        assert error.code in ("OUTBOX_TIMEOUT", "ENGINE_CLOCK_BEHIND")
    assert judged(demo, demo.ids["plain"]) == 3
    demo.close()
    demo.clock.now += DAY + 100
    demo.drain()
    check_ledger(demo.app, [accepted.leaf])
    assert judged(demo, accepted.id) == judged(demo, demo.ids["plain"]) == 0


def test_a_clock_a_day_ahead_is_undecided_for_everybody_else(demo: World) -> None:
    now = int(demo.clock())
    demo.clock.now += DAY
    accepted = demo.issue_seal("明天")
    demo.drain()
    demo.ids["ahead"] = accepted.id
    bundle = cut(demo, "ahead", None)
    trust = demo.app.trust.content()
    report = verify_offline(bundle, trust, Question(as_of_bundle=True), now)
    assert report.exit_code == 3
    demo.close()
    demo.clock.now = now + 60.0  # set right: the chain waits until its newest block has come to pass
    later = demo.issue_seal("改正")
    assert judged(demo, later.id) == 3
    demo.clock.now += DAY + 60
    demo.drain()
    check_ledger(demo.app, [accepted.leaf, later.leaf])


@pytest.mark.parametrize("size", [20_000, 400_000])
def test_a_full_disk_leaves_nothing_half_done(world: World, tmp_path: Path, size: int) -> None:
    source = write_rows(tmp_path / "rows.csv", 300)
    done = world.worker("full-disk", str(size), str(source), check=False)
    assert done.returncode == 3, done.stdout[-500:] + done.stderr
    assert done.stdout.split()[-1].startswith(("STORE_", "ENGINE_STORAGE")), done.stdout
    result, outcomes = world.import_rows(source)
    assert result.counts["refused"] == 0
    assert len({o.id for o in outcomes}) == result.counts.total() == 300
    world.drain()
    assert check_ledger(world.app) == 300
