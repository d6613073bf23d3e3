"""What the indexer read from the chain's events. Everything but documents can be deleted and read again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from ledger.core.bundles import StatusEntry
from ledger.core.manifests import BlockName
from ledger.core.registries import Kind, Reason, State
from ledger.ports import AccountRow, AccreditationRow, ChainEntry, SignerRow
from ledger.store import queries
from ledger.store.acts import chain_acts
from ledger.store.tables import (
    chain_accounts,
    chain_accreditations,
    chain_cursor,
    chain_entries,
    chain_organisations,
    chain_signers,
    documents,
)

_ENTRY = (
    "leaf",
    "issuer",
    "count",
    "actor",
    "state",
    "effective",
    "recorded",
    "reason",
    "statement",
    "block",
)


_CURSOR = queries.Prepared(select(chain_cursor.c.block, chain_cursor.c.hash))


class SqlChainIndex:
    """``ports.ChainIndex`` in one transaction: what an event says and the cursor past it commit together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cursor(self) -> BlockName | None:
        found = _CURSOR.fetch(self._connection)
        return BlockName(*found[0]) if found else None

    def set_cursor(self, cursor: BlockName) -> None:
        self._connection.execute(delete(chain_cursor))
        self._connection.execute(insert(chain_cursor).values(block=cursor.block, hash=cursor.hash))

    def add_entries(self, entries: Sequence[ChainEntry]) -> None:
        """Entries read again replace themselves."""
        again = delete(chain_entries).where(
            chain_entries.c.leaf == bindparam("l"),
            chain_entries.c.issuer == bindparam("i"),
            chain_entries.c.count == bindparam("n"),
        )
        keys = [(row.leaf, row.issuer, row.count) for row in entries]
        queries.execute_many(self._connection, again, ("l", "i", "n"), keys)
        queries.insert_many(self._connection, chain_entries, _ENTRY, [_entry_values(row) for row in entries])

    def entries(self, issuer: str, *leaves: bytes) -> list[ChainEntry]:
        table = chain_entries.c
        query = select(*table).where(table.leaf.in_(leaves), table.issuer == issuer).order_by(table.leaf, table.count)
        return [
            ChainEntry(
                row.issuer,
                row.leaf,
                StatusEntry(
                    row.actor,
                    State(row.state),
                    row.effective,
                    row.recorded,
                    Reason(row.reason),
                    row.statement,
                ),
                row._mapping["count"],  # ``row.count`` is a method of tuples
                row.block,
            )
            for row in self._connection.execute(query)
        ]

    def put_organisation(self, organisation: str, since: int, barred: bool) -> None:
        self._put(chain_organisations, organisation=organisation, since=since, barred=barred)

    def organisations(self) -> list[tuple[str, int, bool]]:
        table = chain_organisations
        query = select(table.c.organisation, table.c.since, table.c.barred).order_by(table.c.organisation)
        return [(name, since, barred) for name, since, barred in self._connection.execute(query)]

    def put_account(self, account: AccountRow) -> None:
        self._put(
            chain_accounts,
            account=account.account,
            organisation=account.organisation,
            permissions=account.permissions,
        )

    def accounts(self, organisation: str | None = None) -> list[AccountRow]:
        table = chain_accounts
        query = select(table.c.account, table.c.organisation, table.c.permissions).order_by(table.c.account)
        if organisation is not None:
            query = query.where(table.c.organisation == organisation)
        return [AccountRow(*row) for row in self._connection.execute(query)]

    def put_signer(self, signer: SignerRow) -> None:
        self._put(
            chain_signers,
            organisation=signer.organisation,
            certificate=signer.certificate,
            since=signer.since,
            until=signer.until,
            compromised_since=signer.compromised_since,
        )

    def signers(self, organisation: str | None = None) -> list[SignerRow]:
        table = chain_signers
        query = select(*table.c).order_by(table.c.organisation, table.c.since, table.c.certificate)
        if organisation is not None:
            query = query.where(table.c.organisation == organisation)
        return [SignerRow(*row) for row in self._connection.execute(query)]

    def put_accreditation(self, row: AccreditationRow) -> None:
        """A row without its document leaves a document that is already kept."""
        self._put(
            chain_accreditations,
            id=row.id,
            organisation=row.organisation,
            kind=int(row.kind),
            jurisdiction=row.jurisdiction,
            since=row.since,
            until=row.until,
        )
        if row.document is not None:
            self.put_document(row.id, row.document)

    def accreditations(self, organisation: str | None = None) -> list[AccreditationRow]:
        table = chain_accreditations
        query = (
            select(*table.c, documents.c.document)
            .outerjoin_from(table, documents, table.c.id == documents.c.id)
            .order_by(table.c.organisation, table.c.since, table.c.id)
        )
        if organisation is not None:
            query = query.where(table.c.organisation == organisation)
        return [
            AccreditationRow(id_, owner, Kind(kind), *rest)
            for id_, owner, kind, *rest in self._connection.execute(query)
        ]

    def put_document(self, id_: bytes, document: bytes) -> None:
        self._put(documents, id=id_, document=document)

    def document(self, id_: bytes) -> bytes | None:
        return self._connection.scalar(select(documents.c.document).where(documents.c.id == id_))

    def clear(self) -> None:
        """Forget what can be read again; documents stay, the chain does not hold them."""
        for table in (
            *(chain_cursor, chain_entries, chain_organisations),
            *(chain_accounts, chain_signers, chain_accreditations, chain_acts),
        ):
            self._connection.execute(delete(table))

    def _put(self, table: Table, **values: object) -> None:
        queries.put(self._connection, table, **values)


def _entry_values(row: ChainEntry) -> tuple[object, ...]:
    entry = row.entry
    return (
        *(row.leaf, row.issuer, row.count, entry.actor, int(entry.state), entry.effective),
        *(entry.recorded, int(entry.reason), entry.statement, row.block),
    )
