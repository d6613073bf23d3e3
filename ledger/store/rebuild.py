"""Rows made again from chain and segments: what the index's rebuild deletes, and what it then writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, not_, or_, select

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.errors import IntegrityError
from ledger.ports import AcceptedRow
from ledger.store.queries import insert_many, insert_one, slices, unique
from ledger.store.tables import batches, intents, record_files, records, transactions

_RECORD = (
    *("issuer", "kind", "type", "id_hmac", "leaf", "vault", "batch", "position"),
    *("offset", "length", "approval", "line", "twin"),
)


def clear_rows(connection: Connection) -> None:
    """Delete records, their files and batches, settled intents, and transactions that nothing needs.

    Jobs stay: they name no record. So does what exists nowhere else: changes of status that the chain does
    not have yet, with their transactions, and signed transactions that may still have to be sent.

    Raises:
        IntegrityError: STORE_OPEN_WORK if a record is not on chain yet; seen in this very transaction, so
            that a record accepted a moment ago is not lost.
    """
    on_chain = select(batches.c.row).where(batches.c.state == "receipted")
    open_ = or_(records.c.batch.is_(None), records.c.batch.not_in(on_chain))
    waiting = connection.execute(select(func.count()).select_from(records).where(open_)).scalar_one()
    under_way = batches.c.state.not_in(("receipted", "refused"))
    if waiting or connection.execute(select(batches.c.row).where(under_way)).first():
        raise IntegrityError("STORE_OPEN_WORK", records=waiting)
    connection.execute(delete(record_files))
    connection.execute(delete(records))
    connection.execute(delete(batches))
    connection.execute(delete(intents).where(intents.c.state.in_(("done", "refused"))))
    needed = select(intents.c.transaction).where(intents.c.transaction.is_not(None))
    sent = transactions.c.state.in_(("stored", "sent"))
    connection.execute(delete(transactions).where(not_(sent), transactions.c.row.not_in(needed)))


def restore_batch(
    connection: Connection,
    issuer: str,
    kind: Kind,
    root: bytes,
    manifest_sha256: bytes,
    accreditation: bytes,
    sequence: int,
    block: BlockName,
    rows: Sequence[AcceptedRow],
) -> None:
    """A receipted batch and its records, in the order of their leaves.

    Raises:
        ConflictError: STORE_DUPLICATE_ROOT if the batch is there already.
    """
    with unique(connection, "STORE_DUPLICATE_ROOT", root=root.hex()):
        batch = insert_one(
            connection,
            batches,
            issuer=issuer,
            kind=int(kind),
            state="receipted",
            root=root,
            size=len(rows),
            manifest_sha256=manifest_sha256,
            accreditation=accreditation,
            sequence=sequence,
            block=block.block,
            block_hash=block.hash,
            created=0,
        )
    number = int(kind)
    twins = _twins(connection, issuer, number, [r.id_hmac for r in rows])
    values = [
        (
            issuer,
            number,
            r.type,
            r.id_hmac,
            r.leaf,
            r.vault,
            batch,
            n,
            r.offset,
            r.length,
            r.approval,
            r.line,
            t,
        )
        for n, (r, t) in enumerate(zip(rows, twins, strict=True))
    ]
    insert_many(connection, records, _RECORD, values)
    files = [(file, r.leaf) for r in rows for file in dict.fromkeys(r.file_hmacs)]
    insert_many(connection, record_files, ("file_hmac", "leaf"), files)


def _twins(connection: Connection, issuer: str, kind: int, ids: Sequence[bytes | None]) -> list[int]:
    """0 for an id seen for the first time, else one more than the newest of that id."""
    newest: dict[bytes, int] = {}
    own = (
        select(records.c.id_hmac, func.max(records.c.twin))
        .where(records.c.issuer == issuer, records.c.kind == kind)
        .group_by(records.c.id_hmac)
    )
    for some in slices([id_hmac for id_hmac in ids if id_hmac is not None]):
        for id_hmac, twin in connection.execute(own.where(records.c.id_hmac.in_(some))):
            newest[id_hmac] = twin
    twins = []
    for id_hmac in ids:
        twin = 0 if id_hmac is None else newest.get(id_hmac, -1) + 1
        if id_hmac is not None:
            newest[id_hmac] = twin
        twins.append(twin)
    return twins
