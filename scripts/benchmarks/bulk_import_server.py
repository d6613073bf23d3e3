"""Bulk import as in ``bulk_import``, with rows and keys on PostgreSQL.

The row counts the CPU of the ledger's process, with its children, as the row for SQLite does: there the database works
inside it. Here it works in the server, beside, on another core or another machine; what it takes is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from scripts.benchmarks.bulk_import import measured
from scripts.benchmarks.office import office, server
from scripts.benchmarks.pairs import Result, Sizes, spend

GOAL, SERVER_GOAL = 0.25, 1.0


def run(sizes: Sizes) -> Iterator[Result]:
    """No rows where PostgreSQL is not installed."""
    with server() as started:
        if started is None:
            return
        with office(started.url(started.create())) as place:
            yield measured("bulk import on PostgreSQL / the same yardstick", GOAL, place, sizes)
            place.new_table(sizes.records)
            before = started.cpu()
            client = spend(lambda: place.import_table(sizes.records)).cpu
            name = "CPU of the PostgreSQL server / of its client, bulk import"
            yield Result(name, (started.cpu() - before) / client, SERVER_GOAL, "lower", 1, 1.0)
