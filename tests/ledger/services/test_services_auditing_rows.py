"""Whoever can write rows by hand, past every program of ours: each column that he may change is found, and named.

The list of columns is the tables' own: a new column is edited here too, or stands among those that nothing proves.
"""

# ruff: noqa: S608 - names of tables and columns are the metadata's own

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ledger_world import Template, World

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import COURT, OFFICE_A
from ledger.core.registries import State
from ledger.core.tombstones import ErasureReason
from ledger.services.acting import RecordsAct
from ledger.services.audit_scope import UNPROTECTED
from ledger.store import service_tables
from ledger.store.tables import metadata

assert service_tables.metadata is metadata

COLUMNS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if f"{table.name}.{column.name}" not in UNPROTECTED and f"{table.name}.*" not in UNPROTECTED
]
NAMED_BY = {
    "records": ("record_files",),
    "runs": ("records", "spool"),
    "owners": ("records", "runs"),
    "batches": ("records",),
    "intents": ("transactions",),
    "acts": ("transactions",),
}
"""Tables whose rows are also told of by another name: a run and an owner say something of records; a batch
stands with its records, a wish in its transaction."""


@pytest.fixture(scope="module")
def rich(filled_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A row in every table that the audit proves."""
    world = filled_template.copy(tmp_path_factory.mktemp("rich") / "home")
    app = world.app
    app.access.add("窗口系统", [OFFICE_A], ["issue", "read"], 3600)
    app.log_anchoring.anchor_due()
    world.act(RecordsAct.FREEZE, COURT, OFFICE_A, world.row(world.ids["plain"]).leaf)
    world.drain()
    app.erasing.erase(OFFICE_A, world.row(world.ids["spare"]).leaf, ErasureReason.ORDERED)
    world.drain()
    world.issue_seal("待上链")
    world.change(world.row(world.ids["filed"]).leaf, State.SUSPENDED)
    yield world
    world.close()


@pytest.fixture(scope="module")
def rows(rich: World) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(rich.home / "rows.db", isolation_level=None)) as connection:
        yield connection


def other(value: Any, declared: str, key: bool) -> Any:
    """Another value that the column takes."""
    if value is None or value == "":
        return b"\1" * 32 if "BLOB" in declared else "x" if "CHAR" in declared or "TEXT" in declared else 7
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return value + (1000 if key else 1)


def test_what_is_edited_is_clean_before(rich: World) -> None:
    found, _ = audit(rich.app)
    assert found.findings == ()
    assert (found.erased, found.waiting) == (1, 2)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(c) for c in COLUMNS])
def test_an_edited_column_is_named(rich: World, rows: sqlite3.Connection, table: str, column: str) -> None:
    declared = {row[1]: row[2].upper() for row in rows.execute(f'PRAGMA table_info("{table}")')}[column]
    found = rows.execute(f'SELECT rowid, "{column}" FROM "{table}" ORDER BY rowid').fetchall()
    assert found, f"no row in {table} to edit"
    rowid, value = found[0]
    key = column in (c.name for c in metadata.tables[table].primary_key)
    changed = other(value, declared, key)
    taken = rows.execute(f'SELECT count(*) FROM "{table}" WHERE "{column}" IS ?', (changed,)).fetchone()[0]
    if taken and isinstance(value, int):  # of another row, beside which it could not stand
        changed = value + 50
    rows.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (changed, rowid))
    moved = changed if key and isinstance(value, int) else rowid
    try:
        audited, _ = audit(rich.app)
    finally:
        undone = rows.execute(
            f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" IS ? AND rowid IN (?, ?)',
            (value, changed, rowid, moved),
        )
        assert undone.rowcount == 1
    assert audited.exit_code == 1
    named = {finding.where.partition("/")[0] for finding in audited.findings if not finding.undetermined}
    assert named & {table, *NAMED_BY.get(table, ())}, audited.findings


def test_every_column_that_nothing_proves_is_there_and_has_its_reason(rich: World) -> None:
    assert all(len(reason) > 20 for reason in UNPROTECTED.values())
    for name in UNPROTECTED:
        table, _, column = name.partition(".")
        assert table in metadata.tables
        assert column == "*" or column in metadata.tables[table].columns


# A transaction is needed only until it is final; of those that are open a missing one is named by its wishes.
PROVED = [t.name for t in metadata.sorted_tables if f"{t.name}.*" not in UNPROTECTED and t.name != "transactions"]


@pytest.mark.parametrize("table", PROVED)
def test_a_deleted_row_is_missed(rich: World, rows: sqlite3.Connection, table: str) -> None:
    columns = [c.name for c in metadata.tables[table].columns]
    names = ", ".join(f'"{c}"' for c in columns)
    some = "WHERE id IN (SELECT accreditation FROM batches)" if table == "documents" else ""  # others nobody misses
    row = rows.execute(f'SELECT rowid, {names} FROM "{table}" {some} ORDER BY rowid LIMIT 1').fetchone()
    rows.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row[0],))
    try:
        audited, _ = audit(rich.app)
    finally:
        marks = ", ".join("?" * len(columns))
        rows.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', row[1:])
    assert audited.exit_code == 1, table


def test_nothing_of_all_that_stayed_behind(rich: World) -> None:
    found, _ = audit(rich.app)
    assert found.findings == ()


def test_the_columns_that_nothing_proves_are_documented() -> None:
    text = (Path(__file__).resolve().parents[3] / "ledger" / "FORMATS.md").read_text("utf-8")
    assert [name for name, reason in UNPROTECTED.items() if f"| `{name}` | {reason} |" not in text] == []
