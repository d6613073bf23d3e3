"""COPY in its binary format: what PostgreSQL reads is what was given, whatever the rows look like."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_server import PostgresServer
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    delete,
    exc,
    insert,
    select,
)

from ledger.store import copying, dialect
from ledger.store.copying import copy_rows

NAMES = ("big", "middle", "small", "key", "word")
ANY = Table(
    "anything",
    MetaData(),
    Column("big", BigInteger),
    Column("middle", Integer),
    Column("small", SmallInteger),
    Column("key", LargeBinary),
    Column("word", String(32)),
    Column("other", LargeBinary, unique=True),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@pytest.fixture(scope="module")
def connection(postgresql: PostgresServer) -> Iterator[Connection]:
    database = postgresql.create()
    engine = dialect.connect(postgresql.url(database)).execution_options(**{dialect.MODE: dialect.OWN})
    try:
        with engine.connect() as opened:
            ANY.metadata.create_all(opened)
            opened.commit()
            yield opened
    finally:
        engine.dispose()
        postgresql.drop(database)


def copied(connection: Connection, rows: list[tuple[Any, ...]], names: tuple[str, ...] = NAMES) -> list[Any]:
    connection.execute(delete(ANY))
    copy_rows(connection, ANY, names, rows)
    return [tuple(row) for row in connection.execute(select(*(ANY.c[name] for name in names)))]


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


VALUES = (integers(64), integers(32), integers(16), st.binary(max_size=6), TEXT)
MIXED = st.tuples(*(st.none() | value for value in VALUES))
ALIKE = st.tuples(*VALUES[:3], st.binary(min_size=5, max_size=5), st.none())


@given(st.lists(MIXED, max_size=20) | st.lists(ALIKE, max_size=20), st.integers(1, 6))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_value_comes_back(connection: Connection, rows: list[tuple[Any, ...]], together: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(copying, "TOGETHER", together)
        assert sorted(map(repr, copied(connection, rows))) == sorted(map(repr, rows))


@pytest.mark.parametrize(
    "last", [(7, None, 1, b"abc", None), (7, 2, None, b"abc", None), (7, 2, 1, b"ab", None), (7, 2, 1, None, "x")]
)
def test_one_row_that_differs_among_many_that_are_alike(connection: Connection, last: tuple[Any, ...]) -> None:
    rows = [(n, 2, 1, b"abc", None) for n in range(50)]
    assert copied(connection, [*rows, last]) == [*rows, last]
    assert copied(connection, [last, *rows]) == [last, *rows]


@pytest.mark.parametrize(
    "wrong", [(2**63, 2, 1, b"k", "w"), (1, 2**31, 1, b"k", "w"), (1, 2, 2**15, b"k", "w"), (1, 2, "1", b"k", "w")]
)
def test_a_number_that_does_not_fit_is_refused_and_never_cut(connection: Connection, wrong: tuple[Any, ...]) -> None:
    right = (1, 2, 3, b"k", "w")
    for row in (wrong, (*wrong[:4], None)):
        with pytest.raises(struct.error):
            copied(connection, [right, row])
        connection.rollback()


def test_a_duplicate_is_told_as_an_insert_tells_it(connection: Connection) -> None:
    connection.execute(delete(ANY))
    connection.execute(insert(ANY).values(other=b"here"))
    with pytest.raises(exc.IntegrityError) as refused:
        copy_rows(connection, ANY, ("other",), [(b"new",), (b"here",)])
    assert dialect.is_unique_violation(refused.value)
    connection.rollback()
