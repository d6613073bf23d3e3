"""Rows of bulk imports."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select, update

from ledger.ports import JobRow
from ledger.store import queries
from ledger.store.tables import jobs

RUNNING, FINISHED = "running", "finished"

_QUERY: Select[*tuple[Any, ...]] = select(
    *(jobs.c.row, jobs.c.issuer, jobs.c.type, jobs.c.source_sha256, jobs.c.source_name, jobs.c.rows_done),
    *(jobs.c.new, jobs.c.existing, jobs.c.refused, jobs.c.state),
)


class SqlJobs:
    """``ports.Jobs`` in one transaction. States: running, finished."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def start(self, issuer: str, type_: str, source_sha256: bytes, source_name: str, now: int) -> JobRow:
        same = (jobs.c.issuer == issuer, jobs.c.type == type_, jobs.c.source_sha256 == source_sha256)
        found = self._connection.execute(_QUERY.where(*same)).first()
        if found is not None:
            return JobRow(*found)
        row = queries.insert_one(
            self._connection,
            jobs,
            issuer=issuer,
            type=type_,
            source_sha256=source_sha256,
            source_name=source_name,
            rows_done=0,
            new=0,
            existing=0,
            refused=0,
            state=RUNNING,
            created=now,
        )
        return JobRow(row, issuer, type_, source_sha256, source_name, 0, 0, 0, 0, RUNNING)

    def progress(self, row: int, rows_done: int, new: int, existing: int, refused: int) -> None:
        """Totals so far, stored in the unit that adds the records of those rows. Where another importer of the same
        table is further on, or has finished, its totals stay."""
        statement = (
            update(jobs)
            .where(jobs.c.row == row, jobs.c.state == RUNNING, jobs.c.rows_done <= rows_done)
            .values(rows_done=rows_done, new=new, existing=existing, refused=refused)
        )
        self._connection.execute(statement)

    def finish(self, row: int, now: int) -> None:
        """The first who comes to the end says when that was."""
        running = update(jobs).where(jobs.c.row == row, jobs.c.state == RUNNING)
        self._connection.execute(running.values(state=FINISHED, finished=now))

    def newest(self, limit: int) -> list[JobRow]:
        query = _QUERY.order_by(jobs.c.row.desc()).limit(limit)
        return [JobRow(*row) for row in self._connection.execute(query)]
