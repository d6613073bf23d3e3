"""Verification codes for the office that prints them beside its numbers. Nothing is stored: they come from the keys."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.core.keys import RecordKey
from ledger.core.registries import Kind
from ledger.core.verification_code import print_code
from ledger.crypto.blind_index import BlindIndex
from ledger.ports import RecordRow, Store, Vault


class Codes:
    def __init__(self, store: Store, vault: Vault, index: BlindIndex) -> None:
        self._store = store
        self._vault = vault
        self._index = index

    def of(self, rows: Sequence[RecordRow]) -> list[str | None]:
        """Codes in the order of the rows; ``None`` where the key was erased."""
        secrets = self._vault.get([r.row for r in rows])
        return [print_code(RecordKey(secrets[r.row])) if r.row in secrets else None for r in rows]

    def of_ids(self, issuer: str, kind: Kind, ids: Sequence[str]) -> dict[str, str]:
        """Id → code, of those of the issuer's ids that are known here; one look-up each."""
        with self._store.read() as unit:
            found = {id_: unit.records.by_id(issuer, kind, self._index.id(id_)) for id_ in ids}
        rows = {id_: row for id_, row in found.items() if row is not None}
        codes = zip(rows, self.of(list(rows.values())), strict=True)
        return {id_: code for id_, code in codes if code is not None}
