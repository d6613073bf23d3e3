"""Rows of the service: tokens, answered requests, uploads, and the pages of lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from ledger.core.registries import Kind
from ledger.ports.access import AnswerRow, Lag, ListedBatch, ListedRecord, OperationMaker, TokenRow, UploadRow
from ledger.store import operations_log, queries
from ledger.store.service_tables import answers, tokens, uploads
from ledger.store.tables import batches, intents, owners, records, runs

_TOKEN: Select[*tuple[Any, ...]] = select(*tokens.c)
_UPLOAD: Select[*tuple[Any, ...]] = select(*uploads.c)
_RECORD: Select[*tuple[Any, ...]] = select(
    *(records.c.row, records.c.leaf, owners.c.issuer, owners.c.kind, runs.c.type, batches.c.state),
).select_from(runs.join(owners).join(records, records.c.row.between(runs.c.first, runs.c.last)).outerjoin(batches))
_BATCH: Select[*tuple[Any, ...]] = select(
    *(batches.c.row, batches.c.root, batches.c.issuer, batches.c.kind, batches.c.state, batches.c.size),
    *(batches.c.manifest_sha256, batches.c.sequence, batches.c.block, batches.c.problem),
)
OPEN = ("waiting", "running")
_DONE_BATCHES = ("receipted", "refused")
_OPEN_CHANGES = ("accepted", "ready", "sent")


class SqlAccess:
    """``ports.access.Access`` in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ---- tokens ----------------------------------------------------------------------------------------------------

    def add_token(self, token: TokenRow) -> None:
        values = asdict(token) | {"organisations": " ".join(token.organisations), "actions": " ".join(token.actions)}
        self._connection.execute(insert(tokens).values(**values))

    def token(self, id_: str) -> TokenRow | None:
        found = queries.fetch_tuples(self._connection, _TOKEN.where(tokens.c.id == id_))
        return _token(found[0]) if found else None

    def tokens(self) -> list[TokenRow]:
        return [_token(row) for row in self._connection.execute(_TOKEN.order_by(tokens.c.created, tokens.c.id))]

    def revoke_token(self, id_: str, now: int) -> bool:
        living = update(tokens).where(tokens.c.id == id_, tokens.c.revoked.is_(None))
        return self._connection.execute(living.values(revoked=now)).rowcount == 1

    # ---- answered requests -----------------------------------------------------------------------------------------

    def add_answer(self, answer: AnswerRow) -> None:
        with queries.unique(self._connection, "ACCESS_KEY_TAKEN"):
            self._connection.execute(insert(answers).values(**asdict(answer)))

    def answer(self, token: str, key: bytes) -> AnswerRow | None:
        query = select(*answers.c).where(answers.c.token == token, answers.c.key == key)
        found = self._connection.execute(query).first()
        return None if found is None else AnswerRow(*found)

    def forget_answers(self, before: int) -> int:
        return self._connection.execute(delete(answers).where(answers.c.created < before)).rowcount

    # ---- uploads ---------------------------------------------------------------------------------------------------

    def add_upload(self, upload: UploadRow) -> int:
        values = asdict(upload) | {"check": int(upload.check)}
        del values["row"]
        return queries.insert_one(self._connection, uploads, **values)

    def upload(self, id_: bytes) -> UploadRow | None:
        found = self._uploads(_UPLOAD.where(uploads.c.id == id_))
        return found[0] if found else None

    def uploads(self, issuers: Sequence[str], before: int | None, limit: int) -> list[UploadRow]:
        query = _UPLOAD.where(uploads.c.issuer.in_(issuers)).order_by(uploads.c.row.desc()).limit(limit)
        return self._uploads(query if before is None else query.where(uploads.c.row < before))

    def open_uploads(self) -> list[UploadRow]:
        return self._uploads(_UPLOAD.where(uploads.c.state.in_(OPEN)).order_by(uploads.c.row))

    def finished_uploads(self, before: int) -> list[UploadRow]:
        return self._uploads(_UPLOAD.where(uploads.c.finished < before).order_by(uploads.c.row))

    def put_upload(self, upload: UploadRow) -> None:
        names = ("state", "job", "rows", "new", "existing", "refused", "problem", "finished")
        values = {name: getattr(upload, name) for name in names}
        self._connection.execute(update(uploads).where(uploads.c.row == upload.row).values(**values))

    def _uploads(self, query: Select[*tuple[Any, ...]]) -> list[UploadRow]:
        found = []
        for row in self._connection.execute(query):
            values = row._asdict()
            found.append(UploadRow(**(values | {"check": bool(values["check"])})))
        return found

    # ---- the log of operations -------------------------------------------------------------------------------------

    def append_operation(self, make: OperationMaker) -> int:
        return operations_log.append(self._connection, make)

    def operations(self, since: int, limit: int) -> list[tuple[int, bytes, bytes]]:
        return operations_log.page(self._connection, since, limit)

    def all_operations(self) -> Iterator[tuple[int, bytes, bytes]]:
        return operations_log.walk(self._connection)

    def operations_head(self) -> tuple[int, bytes]:
        return operations_log.head(self._connection)

    def operations_anchor(self) -> tuple[int, bytes]:
        return operations_log.head(self._connection, operations_log.ANCHOR)

    def set_operations_anchor(self, row: int, leaf: bytes) -> None:
        operations_log.set_anchor(self._connection, row, leaf)

    # ---- lists -----------------------------------------------------------------------------------------------------

    def records(self, issuer: str, after: int, limit: int) -> list[ListedRecord]:
        # the runs first: a page of records is looked for in the few that hold it, not among all of an office
        own = select(runs.c.first, runs.c.last).select_from(runs.join(owners))
        own = own.where(owners.c.issuer == issuer, runs.c.last > after).order_by(runs.c.first).limit(limit)
        firsts, size = [], 0
        for first, last in self._connection.execute(own):
            if size < limit:
                firsts.append(first)
                size += last - max(first, after + 1) + 1
        query = _RECORD.where(runs.c.first.in_(firsts), records.c.row > after).order_by(records.c.row).limit(limit)
        return [
            ListedRecord(row, leaf, of, Kind(kind), type_, state or "accepted")
            for row, leaf, of, kind, type_, state in self._connection.execute(query)
        ]

    def batches(self, issuers: Sequence[str], before: int | None, limit: int) -> list[ListedBatch]:
        query = _BATCH.where(batches.c.issuer.in_(issuers)).order_by(batches.c.row.desc()).limit(limit)
        if before is not None:
            query = query.where(batches.c.row < before)
        return [
            ListedBatch(row, root, issuer, Kind(kind), *rest)
            for row, root, issuer, kind, *rest in self._connection.execute(query)
        ]

    def lag(self) -> Lag:
        open_batches = select(func.count(), func.min(batches.c.created)).where(batches.c.state.not_in(_DONE_BATCHES))
        open_changes = select(func.count(), func.min(intents.c.created)).where(intents.c.state.in_(_OPEN_CHANGES))
        open_uploads = select(func.count(), func.min(uploads.c.created)).where(uploads.c.state.in_(OPEN))
        found = [self._connection.execute(q).one() for q in (open_batches, open_changes, open_uploads)]
        since = [oldest for _, oldest in found if oldest is not None]
        (in_batches, _), (in_changes, _), (in_uploads, _) = found
        return Lag(in_batches, in_changes, in_uploads, min(since) if since else None)


def _token(row: Sequence[Any]) -> TokenRow:
    id_, digest, label, organisations, actions, *rest = row
    return TokenRow(id_, digest, label, tuple(organisations.split()), tuple(actions.split()), *rest)
