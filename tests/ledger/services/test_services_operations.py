"""The log of operations: written with the act, chained, anchored daily; every edit by SQL is found."""

from __future__ import annotations

import contextvars
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_world import OFFICE_A, World
from sqlalchemy import Connection, delete, insert, select, update

from ledger.core import canonical
from ledger.core.registries import State
from ledger.errors import ConflictError, IntegrityError
from ledger.services.log_anchoring import DAY, head_id
from ledger.services.operations import TAG, Act, by
from ledger.store.service_tables import operations, operations_head

Attack = Callable[[Connection], None]
TABLES = (operations, operations_head)


def fill(world: World) -> None:
    accepted = world.issue_seal()
    with by("token:0a1b2c3d4e5f"):
        world.issue_seal("第二枚")
    world.drain()
    world.change(accepted.leaf, State.REVOKED)
    world.app.log_anchoring.anchor_due()
    world.drain()


def entries(world: World) -> list[dict[str, object]]:
    with world.app.store.read() as unit:
        return [canonical.decode(entry) for _, entry, _ in unit.access.all_operations()]


def test_an_act_and_its_entry_are_one_transaction(world: World) -> None:
    fill(world)
    acts = [(e["act"], e["who"]) for e in entries(world)]
    assert acts == [
        ("record.issue", "local"),
        ("record.issue", "token:0a1b2c3d4e5f"),
        ("status.change", "local"),
        ("record.issue", "worker"),
        ("log.anchor", "worker"),
    ]
    with pytest.raises(ConflictError, match="ISSUE_ID_TAKEN"):
        issue_again(world)
    assert len(entries(world)) == len(acts)


def issue_again(world: World) -> None:
    evidence = world.app.types.get("evidence")
    values = {"title": "t", "source": "s", "submitter": "p", "collectedAt": "2026-09-01", "method": "m"}
    world.app.issuing.issue(OFFICE_A, evidence, values, id_=head_id(1))


def test_nothing_personal_is_logged(world: World) -> None:
    accepted = world.issue_seal("王小明印")
    text = str(entries(world))
    assert "王小明" not in text
    assert accepted.id not in text
    assert accepted.leaf.hex() in text


def test_the_chain_holds_and_heads_are_anchored_once_a_day(world: World) -> None:
    fill(world)
    anchoring = world.app.log_anchoring
    proof = anchoring.verify()
    assert (proof.entries, [h.row for h in proof.anchored]) == (5, [3])
    assert anchoring.anchor_due() is None, "nothing was logged since"
    world.issue_seal()
    assert anchoring.anchor_due() is None, "not today again"
    world.clock.now += DAY
    assert anchoring.anchor_due() is not None
    assert [h.number for h in anchoring.verify().anchored] == [1, 2]


def test_many_threads_leave_one_chain(world: World) -> None:
    log = world.app.operations
    with ThreadPoolExecutor(8) as pool:
        for n in range(40):
            pool.submit(contextvars.copy_context().run, log.record, Act("test.act", None, f"{n:02x}"))
    assert log.verify_chain().entries == 40


def entry_of(text: bytes, **changed: object) -> bytes:
    return canonical.encode(canonical.decode(text) | changed)


def put(row: int, /, **values: object) -> Attack:
    return lambda c: c.execute(update(operations).where(operations.c.row == row).values(**values)) and None


def remove(row: int) -> Attack:
    return lambda c: c.execute(delete(operations).where(operations.c.row == row)) and None


def add(row: int) -> Attack:
    return lambda c: c.execute(insert(operations).values(row=row, entry=b"{}", hash=bytes(32))) and None


def head(**values: object) -> Attack:
    return lambda c: c.execute(update(operations_head).where(operations_head.c.name == "log").values(**values)) and None


def change(row: int, rehash: bool, **changed: object) -> Attack:
    """``rehash``: with its right hash, so that only the chain contradicts it."""

    def act(connection: Connection) -> None:
        old = connection.execute(select(operations.c.entry).where(operations.c.row == row)).scalar_one()
        new = entry_of(old, **changed)
        put(row, entry=new, **({"hash": hashlib.sha256(new).digest()} if rehash else {}))(connection)

    return act


def rechain(since: int, upto: int) -> Attack:
    """Rewrite everything from ``since`` on with right hashes, head and all, as who owns the database can."""

    def act(connection: Connection) -> None:
        connection.execute(delete(operations).where(operations.c.row > upto))
        rows = connection.execute(select(*operations.c).order_by(operations.c.row)).all()
        previous = rows[since - 2].hash
        for row, old, _ in rows[since - 1 :]:
            new = entry_of(old, previous=previous.hex(), who="local", **({"at": 1} if row == since else {}))
            previous = hashlib.sha256(new).digest()
            put(row, entry=new, hash=previous)(connection)
        head(row=upto, hash=previous)(connection)

    return act


ATTACKS = (
    (change(1, False, who="locaL"), "OPERATIONS_ENTRY"),
    (put(2, hash=bytes(32)), "OPERATIONS_ENTRY"),
    (put(5, row=99), "OPERATIONS_ROW"),
    (remove(2), "OPERATIONS_ROW"),
    (remove(5), "OPERATIONS_HEAD"),
    (add(0), "OPERATIONS_ROW"),
    (add(-5), "OPERATIONS_ROW"),
    (head(row=4), "OPERATIONS_HEAD"),
    (head(hash=bytes(32)), "OPERATIONS_HEAD"),
    (change(2, True, who="token:000000000000"), "OPERATIONS_CHAIN"),
    (change(5, True, act="log.anchored"), "OPERATIONS_HEAD"),
    (rechain(2, 5), "OPERATIONS_CHAIN"),
    (rechain(2, 3), "OPERATIONS_ANCHOR"),
    (rechain(2, 4), "OPERATIONS_ANCHOR"),
)


def test_who_edits_the_rows_is_found(world: World) -> None:
    fill(world)
    store = world.app.store
    with store.read() as unit:
        kept = {table: unit._connection.execute(select(table)).mappings().all() for table in TABLES}
    for number, (attack, code) in enumerate(ATTACKS):
        with store.begin() as unit:
            attack(unit._connection)
        with pytest.raises(IntegrityError) as caught:
            world.app.log_anchoring.verify()
        assert caught.value.code == code, number
        with store.begin() as unit:
            for table, rows in kept.items():
                unit._connection.execute(delete(table))
                unit._connection.execute(insert(table), [dict(row) for row in rows])
        assert world.app.log_anchoring.verify().entries == 5


def test_the_entry_is_the_documented_one(world: World) -> None:
    world.issue_seal()
    (entry,) = entries(world)
    assert entry["tag"] == TAG
    assert (entry["row"], entry["previous"], entry["before"]) == (1, "00" * 32, None)
