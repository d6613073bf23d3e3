"""Rows made again from chain and segments: what the index's rebuild deletes, and what it then writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, not_, or_, select, update

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.errors import IntegrityError
from ledger.ports import AcceptedRun
from ledger.store.queries import insert_one, slices, unique
from ledger.store.records import SqlRecords
from ledger.store.seal_uses import seal_uses
from ledger.store.tables import batches, intents, record_files, records, runs, transactions


def clear_rows(connection: Connection) -> None:
    """Delete records, their files and batches, settled intents, and transactions that nothing needs.

    Jobs stay: they name no record. So does what exists nowhere else: changes of status that the chain does
    not have yet, with their transactions, and signed transactions that may still have to be sent.

    Raises:
        IntegrityError: STORE_OPEN_WORK if a record is not on chain yet; seen in this very transaction, so
            that a record accepted a moment ago is not lost.
    """
    on_chain = select(batches.c.row).where(batches.c.state == "receipted")
    open_ = or_(runs.c.batch.is_(None), runs.c.batch.not_in(on_chain))
    waiting = connection.scalar(select(func.sum(runs.c.last - runs.c.first + 1)).where(open_))
    under_way = batches.c.state.not_in(("receipted", "refused"))
    if waiting or connection.execute(select(batches.c.row).where(under_way)).first():
        raise IntegrityError("STORE_OPEN_WORK", records=int(waiting or 0))
    for table in (record_files, seal_uses, records, runs):
        connection.execute(delete(table))
    connection.execute(delete(batches))
    connection.execute(delete(intents).where(intents.c.state.in_(("done", "refused"))))
    needed = select(intents.c.transaction).where(intents.c.transaction.is_not(None))
    sent = transactions.c.state.in_(("stored", "sent"))
    connection.execute(delete(transactions).where(not_(sent), transactions.c.row.not_in(needed)))


def drop_open(connection: Connection, root: bytes, found: Sequence[AcceptedRun]) -> None:
    """Rows of records on their way, and of the open batch with ``root``, which the chain tells to be further than these
    rows know. Records of any other batch stay, and stand in the way of ``restore_batch``."""
    open_ = select(batches.c.row).where(batches.c.root == root, batches.c.state.not_in(("receipted", "refused")))
    for row in list(connection.scalars(open_)):
        connection.execute(update(runs).where(runs.c.batch == row).values(batch=None, position=None))
        sent = (transactions.c.purpose == "anchor", transactions.c.subject == row)
        connection.execute(delete(transactions).where(*sent))
        connection.execute(delete(batches).where(batches.c.row == row))
    for run in found:
        first, last = run.first, run.first + len(run.leaves) - 1
        SqlRecords(connection).cut((first, last + 1))
        waits = (runs.c.batch.is_(None), runs.c.first.between(first, last))
        for start, end in connection.execute(select(runs.c.first, runs.c.last).where(*waits)).all():
            connection.execute(delete(record_files).where(record_files.c.record.between(start, end)))
            connection.execute(delete(seal_uses).where(seal_uses.c.record.between(start, end)))
            connection.execute(delete(records).where(records.c.row.between(start, end)))
            connection.execute(delete(runs).where(runs.c.first == start))


def restore_batch(
    connection: Connection,
    issuer: str,
    kind: Kind,
    root: bytes,
    manifest_sha256: bytes,
    accreditation: bytes,
    sequence: int,
    block: BlockName,
    found: Sequence[AcceptedRun],
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
            size=sum(len(run.leaves) for run in found),
            manifest_sha256=manifest_sha256,
            accreditation=accreditation,
            sequence=sequence,
            block=block.block,
            block_hash=block.hash,
            created=0,
        )
    rows = SqlRecords(connection)
    owner = rows.owner(issuer, kind)
    twins = _twins(connection, owner, [id_hmac for run in found for id_hmac in run.id_hmacs])
    rows.insert(owner, found, ((None, batch, run.ordinal, None) for run in found), iter(twins))


def _twins(connection: Connection, owner: int, ids: Sequence[bytes | None]) -> list[int]:
    """0 for an id seen for the first time, else one more than the newest of that id."""
    newest: dict[bytes, int] = {}
    own = (
        select(records.c.id_hmac, func.max(records.c.twin)).where(records.c.owner == owner).group_by(records.c.id_hmac)
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
