"""Rows made again from chain and segments: what the index rebuild writes, in the order it finds the batches."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete

from ledger.core.manifests import BlockName
from ledger.core.registries import Kind
from ledger.ports import AcceptedRow
from ledger.store.queries import insert_many, insert_one
from ledger.store.tables import batches, intents, record_files, records, transactions

_RECORD = (
    *("issuer", "kind", "type", "id_hmac", "leaf", "vault", "batch", "position"),
    *("offset", "length", "approval", "line"),
)


def clear_rows(connection: Connection) -> None:
    """Delete records, their files, batches, transactions and intents. Jobs stay: they name no record."""
    for table in (record_files, records, intents, transactions, batches):
        connection.execute(delete(table))


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
    """A receipted batch and its records, in the order of their leaves."""
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
    values = [
        (issuer, int(kind), r.type, r.id_hmac, r.leaf, r.vault, batch, n, r.offset, r.length, r.approval, r.line)
        for n, r in enumerate(rows)
    ]
    insert_many(connection, records, _RECORD, values)
    files = [(file, r.leaf) for r in rows for file in dict.fromkeys(r.file_hmacs)]
    insert_many(connection, record_files, ("file_hmac", "leaf"), files)
