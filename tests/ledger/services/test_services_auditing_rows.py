"""Whoever can write rows by hand, past every program of ours: each column that he may change is found, and named.

The list of columns is the tables' own: a new column is edited here too, or stands among those that nothing proves. On
PostgreSQL one column of some tables is; ``ZHENGYIN_EVERY_COLUMN=1`` has all of them edited (``make faults``).
"""

# ruff: noqa: S608 - names of tables and columns are the metadata's own

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ledger_world import Template, World
from sqlalchemy import Connection, Table, create_engine, text

from ledger.assembly.auditing import audit
from ledger.assembly.demo_plan import COURT, OFFICE_A
from ledger.core.records import FileDigest
from ledger.core.registries import State
from ledger.core.tombstones import ErasureReason
from ledger.crypto.digests import sm3
from ledger.services.acting import RecordsAct
from ledger.services.audit_scope import UNPROTECTED
from ledger.services.seals import use_values
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


BOTH = ("sqlite", "postgresql")
SOME = ("records", "runs", "batches", "chain_entries", "chain_organisations", "operations", "tokens")
EVERY = os.environ.get("ZHENGYIN_EVERY_COLUMN") == "1"


@dataclass(frozen=True)
class Rich:
    """A row in every table that the audit proves, and a connection of somebody who may do everything."""

    world: World
    rows: Connection

    @property
    def place(self) -> str:
        """Name of where a row lies; it may move when it is written."""
        return "rowid" if self.rows.dialect.name == "sqlite" else "ctid"

    def at(self, name: str) -> str:
        return f"{self.place} = :{name}" if self.place == "rowid" else f"ctid = CAST(:{name} AS tid)"

    def first(self, table: Table, column: str, where: str = "") -> Any:
        """(place, value) of the row that was written first."""
        order = ", ".join(f'"{c.name}"' for c in table.primary_key) or self.place
        query = f'SELECT {self.place}, "{column}" FROM "{table.name}" {where} ORDER BY {order} LIMIT 1'
        return self.rows.execute(text(query)).first()

    def holds(self, table: Table, column: str, value: Any) -> bool:
        query = f'SELECT 1 FROM "{table.name}" WHERE "{column}" = :value'
        return self.rows.execute(text(query), {"value": value}).first() is not None

    def write(self, table: Table, column: str, place: Any, value: Any) -> Any:
        """Returns where the row lies now."""
        statement = f'UPDATE "{table.name}" SET "{column}" = :value WHERE {self.at("place")} RETURNING {self.place}'
        found = self.rows.execute(text(statement), {"value": value, "place": place}).all()
        assert len(found) == 1
        return found[0][0]


@pytest.fixture(scope="module")
def rich(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rich]:
    suffix = "" if request.param == "sqlite" else "_postgresql"
    template: Template = request.getfixturevalue(f"filled_template{suffix}")
    with template.lend(tmp_path_factory.mktemp("rich") / "home") as world:
        _enrich(world)
        url = world.app.settings.database_url()
        server = url.get_backend_name() == "postgresql"
        engine = create_engine(url.set(drivername="postgresql+psycopg") if server else url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as rows:
            if server:
                rows.execute(text("SET session_replication_role = replica"))  # foreign keys stop only honest people
            yield Rich(world, rows)
        engine.dispose()


def _enrich(world: World) -> None:
    app = world.app
    app.access.add("窗口系统", [OFFICE_A], ["issue", "read"], 3600)
    app.log_anchoring.anchor_due()
    world.act(RecordsAct.FREEZE, COURT, OFFICE_A, world.row(world.ids["plain"]).leaf)
    world.drain()
    app.erasing.erase(OFFICE_A, world.row(world.ids["spare"]).leaf, ErasureReason.ORDERED)
    world.drain()
    use_seal(world)
    world.drain()
    world.issue_seal("待上链")
    world.change(world.row(world.ids["filed"]).leaf, State.SUSPENDED)


def use_seal(world: World) -> None:
    values = {"seal": world.ids["seal"], "usedAt": int(world.clock()), "reason": "办理登记", "operator": "张三"}
    document = FileDigest(1, hashlib.sha256(b"a").digest(), sm3(b"a"))
    definition = world.app.types.get("seal-use")
    world.app.issuing.issue(OFFICE_A, definition, values | use_values(document))


def edited(backend: str) -> list[tuple[str, str]]:
    if backend == "sqlite" or EVERY:
        return COLUMNS
    keys = {(t.name, c.name) for t in metadata.sorted_tables for c in t.primary_key}
    return list({table: (table, c) for table, c in COLUMNS if table in SOME and (table, c) not in keys}.values())


def other(value: Any, declared: str, key: bool) -> Any:
    """Another value that the column takes."""
    if value is None or value == "":
        return b"\1" * 32 if "BLOB" in declared else "x" if "CHAR" in declared or "TEXT" in declared else 7
    if isinstance(value, bool):
        return not value
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return value + (1000 if key else 1)


@pytest.mark.parametrize("rich", BOTH, indirect=True)
def test_what_is_edited_is_clean_before(rich: Rich) -> None:
    found, _ = audit(rich.world.app)
    assert found.findings == ()
    assert (found.erased, found.waiting) == (1, 2)


CASES = [pytest.param(b, *c, id=f"{b}-{'.'.join(c)}") for b in BOTH for c in edited(b)]


@pytest.mark.parametrize(("rich", "table", "column"), CASES, indirect=["rich"])
def test_an_edited_column_is_named(rich: Rich, table: str, column: str) -> None:
    described = metadata.tables[table]
    declared = str(described.columns[column].type).upper()
    found = rich.first(described, column)
    assert found, f"no row in {table} to edit"
    place, value = found
    key = column in (c.name for c in described.primary_key)
    changed = other(value, declared, key)
    if isinstance(value, int) and not isinstance(value, bool) and rich.holds(described, column, changed):
        changed = value + 50  # it could not stand beside another row's
    moved = rich.write(described, column, place, changed)
    try:
        audited, _ = audit(rich.world.app)
    finally:
        rich.write(described, column, moved, value)
    assert audited.exit_code == 1
    named = {finding.where.partition("/")[0] for finding in audited.findings if not finding.undetermined}
    assert named & {table, *NAMED_BY.get(table, ())}, audited.findings


def test_every_column_that_nothing_proves_is_there_and_has_its_reason() -> None:
    assert all(len(reason) > 20 for reason in UNPROTECTED.values())
    for name in UNPROTECTED:
        table, _, column = name.partition(".")
        assert table in metadata.tables
        assert column == "*" or column in metadata.tables[table].columns


# A transaction is needed only until it is final; of those that are open a missing one is named by its wishes.
PROVED = [t.name for t in metadata.sorted_tables if f"{t.name}.*" not in UNPROTECTED and t.name != "transactions"]


@pytest.mark.parametrize("rich", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", PROVED)
def test_a_deleted_row_is_missed(rich: Rich, table: str) -> None:
    described = metadata.tables[table]
    some = "WHERE id IN (SELECT accreditation FROM batches)" if table == "documents" else ""  # others nobody misses
    names = ", ".join(f'"{c.name}"' for c in described.columns)
    place, _ = rich.first(described, next(iter(described.columns)).name, some)
    removed = f'DELETE FROM "{table}" WHERE {rich.at("place")} RETURNING {names}'
    row = rich.rows.execute(text(removed), {"place": place}).one()
    try:
        audited, _ = audit(rich.world.app)
    finally:
        marks = ", ".join(f":v{n}" for n in range(len(row)))
        values = {f"v{n}": value for n, value in enumerate(row)}
        rich.rows.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({marks})'), values)
    assert audited.exit_code == 1, table


@pytest.mark.parametrize("rich", BOTH, indirect=True)
def test_nothing_of_all_that_stayed_behind(rich: Rich) -> None:
    found, _ = audit(rich.world.app)
    assert found.findings == ()


def test_the_columns_that_nothing_proves_are_documented() -> None:
    text = (Path(__file__).resolve().parents[3] / "ledger" / "FORMATS.md").read_text("utf-8")
    assert [name for name, reason in UNPROTECTED.items() if f"| `{name}` | {reason} |" not in text] == []
