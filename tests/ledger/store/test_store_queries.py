"""Bulk statements straight through the driver, on both: what goes in comes out, and a duplicate leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, bindparam, exc, select, update

from ledger.core.registries import Kind
from ledger.errors import ConflictError, InputError
from ledger.ports import JobRow
from ledger.store import dialect, queries
from ledger.store.tables import batches, documents, jobs
from ledger.store.unit import SqlStore

NAMES = ("issuer", "kind", "state", "root", "size", "accreditation", "sequence", "problem", "created")
FEW, MANY = 3, queries.COPIED + 40


@pytest.fixture
def connection(store: SqlStore) -> Iterator[Connection]:
    with store._connection(dialect.ALONE) as connection:
        yield connection


def batch(n: int) -> tuple[object, ...]:
    problem = None if n % 2 else f"第{n}行\t\\N\n\\.\"'%(x)s"
    return ("91110000600037341L", 1, "batched", n.to_bytes(32, "big"), n, bytes(32), 2**62 + n, problem, n)


def stored(connection: Connection) -> list[tuple[object, ...]]:
    return queries.fetch_tuples(connection, select(*(batches.c[name] for name in NAMES)).order_by(batches.c.size))


@pytest.mark.parametrize("number", [0, FEW, MANY])
def test_rows_come_back_as_they_went_in(connection: Connection, number: int) -> None:
    rows = [batch(n) for n in range(number)]
    queries.insert_many(connection, batches, NAMES, rows)
    assert stored(connection) == rows
    keys = [row for (row,) in queries.fetch_tuples(connection, select(batches.c.row).order_by(batches.c.size))]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("number", [FEW, MANY])
def test_a_duplicate_refuses_all_of_its_rows_and_the_transaction_goes_on(connection: Connection, number: int) -> None:
    queries.insert_many(connection, batches, NAMES, [batch(number - 1)])
    with (
        pytest.raises(ConflictError, match="STORE_DUPLICATE_ROOT"),
        queries.unique(connection, "STORE_DUPLICATE_ROOT", root="00"),
    ):
        queries.insert_many(connection, batches, NAMES, [batch(n) for n in range(number)])
    assert stored(connection) == [batch(number - 1)]
    queries.insert_many(connection, batches, NAMES, [batch(n) for n in range(100, 100 + number)])
    assert len(stored(connection)) == 1 + number


@pytest.mark.parametrize("number", [FEW, MANY])
def test_a_missing_value_is_no_duplicate(connection: Connection, number: int) -> None:
    rows = [(*batch(n)[:4], None, *batch(n)[5:]) for n in range(number)]
    with pytest.raises(exc.IntegrityError), queries.unique(connection, "STORE_DUPLICATE_ROOT", root="00"):
        queries.insert_many(connection, batches, NAMES, rows)
    assert stored(connection) == []


def test_many_updates_say_how_many_rows_they_touched(connection: Connection) -> None:
    queries.insert_many(connection, batches, NAMES, [batch(n) for n in range(50)])
    statement = (
        update(batches)
        .where(batches.c.size == bindparam("s"), batches.c.root == bindparam("r"))
        .values(problem=bindparam("p"), sequence=bindparam("q"))
    )
    values = [("p%", n.to_bytes(32, "big"), None, n) for n in range(40, 60)]
    assert queries.execute_many(connection, statement, ("p", "r", "q", "s"), values) == 10
    changed = [row for row in stored(connection) if row[7] == "p%"]
    assert [row[4] for row in changed] == list(range(40, 50)) and {row[6] for row in changed} == {None}
    assert queries.execute_many(connection, statement, ("p", "r", "q", "s"), []) == 0


def test_a_list_of_keys_of_any_length_finds_its_rows(connection: Connection) -> None:
    queries.insert_many(connection, batches, NAMES, [batch(n) for n in range(30)])
    keys = [n.to_bytes(32, "big") for n in range(queries.MEMBERS)]
    found = queries.fetch_tuples(connection, select(batches.c.size).where(batches.c.root.in_(keys)))
    assert sorted(size for (size,) in found) == list(range(30))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), min_size=queries.COPIED, max_size=40))
def test_any_bytes_come_back(connection: Connection, values: list[bytes]) -> None:
    with connection.begin_nested() as savepoint:
        rows = [(n.to_bytes(32, "big"), value) for n, value in enumerate(values)]
        queries.insert_many(connection, documents, ("id", "document"), rows)
        query = select(documents.c.id, documents.c.document).order_by(documents.c.id)
        assert queries.fetch_tuples(connection, query) == rows
        savepoint.rollback()


@pytest.mark.parametrize("name", ["\x00.csv", "长" * 300])
def test_a_text_that_the_server_does_not_take_is_refused(postgresql_url: str, name: str) -> None:
    store = SqlStore(postgresql_url)
    with pytest.raises(InputError, match="STORE_VALUE"), store.begin() as unit:
        unit.jobs.start("91110000600037341L", "license", bytes(32), name, 1)
    with store.begin() as unit:
        assert isinstance(unit.jobs.start("91110000600037341L", "license", bytes(32), "a", 1), JobRow)
        unit.batches.add("91110000600037341L", Kind.LICENSE, bytes(32), 1, bytes(32), 1)
    with pytest.raises(InputError, match="STORE_VALUE"), store._connection(dialect.ALONE) as connection:
        columns = ("issuer", "type", "source_sha256", "source_name", "rows_done", "new", "existing", "refused")
        rows = [("x", "t", n.to_bytes(32, "big"), name, 0, 0, 0, 0, "s", 1) for n in range(MANY)]
        queries.insert_many(connection, jobs, (*columns, "state", "created"), rows)
    store.close()
