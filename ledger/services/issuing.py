"""Issuing one record at a time: a license, a deposit of evidence, the registration of an e-seal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.core.identifiers import new_urn, require_record_id
from ledger.core.records import FileDigest
from ledger.core.registries import Kind, Reason, State
from ledger.core.typefiles import TypeDefinition
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.digests import digest_path
from ledger.errors import ConflictError, InputError
from ledger.ports import Store, Unit
from ledger.services import bodies
from ledger.services.accepting import Acceptor, Draft
from ledger.services.importing import superseding
from ledger.services.operations import Act, Operations
from ledger.services.seals import Seals
from ledger.services.statuses import ChangeRequest, Statuses


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted record: its id and its leaf. It is anchored when the outbox has run."""

    id: str
    leaf: bytes


class Issuing:
    def __init__(
        self,
        store: Store,
        acceptor: Acceptor,
        statuses: Statuses,
        operations: Operations,
        index: BlindIndex,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        seals: Seals,
    ) -> None:
        self._store = store
        self._seals = seals
        self._operations = operations
        self._acceptor = acceptor
        self._statuses = statuses
        self._index = index
        self._clock = clock
        self._random = random

    def issue(
        self,
        issuer: str,
        definition: TypeDefinition,
        values: dict[str, Any],
        *,
        id_: str | None = None,
        valid: tuple[str | None, str | None] = (None, None),
        files: Sequence[FileDigest] = (),
        supersedes: str | None = None,
        also: Callable[[Unit, bytes], None] = lambda unit, leaf: None,
    ) -> Accepted:
        """Accept one record. ``values`` may leave out fields: they are claimed as null; ``also`` writes more in the
        same transaction, given the new leaf.

        Raises:
            InputError: ISSUE_FIELD_UNKNOWN, ISSUE_FIELD_MISSING, IDENTIFIER_…, CANONICAL_…, SHAPE_…,
                SUPERSEDES_UNKNOWN, SEAL_USE_….
            ConflictError: ISSUE_ID_TAKEN: the same id again only as a successor under a new version; SEAL_NOT_…: a use
                of a seal that is another's, or not in force.
            NotFoundError: SEAL_UNKNOWN.
        """
        unknown = sorted(values.keys() - {f.name for f in definition.fields})
        if unknown:
            raise InputError("ISSUE_FIELD_UNKNOWN", fields=unknown, type=definition.code)
        missing = [f.name for f in definition.fields if f.required and values.get(f.name) is None]
        if missing:
            raise InputError("ISSUE_FIELD_MISSING", fields=missing, type=definition.code)
        strict = definition.kind is Kind.LICENSE
        record_id = require_record_id(id_, strict=strict) if id_ else new_urn(self._random(16))
        complete = {f.name: values.get(f.name) for f in definition.fields}
        draft = Draft(definition.code, record_id, complete, *valid, files=tuple(files))
        if definition.kind is Kind.SEAL_USE:
            draft = self._seals.use(issuer, definition, draft)
        with self._store.read() as unit:
            if unit.records.by_id(issuer, definition.kind, self._index.id(record_id)):
                raise ConflictError("ISSUE_ID_TAKEN")
        now = int(self._clock())
        groups, intents = [], None
        old: bytes | None = None
        if supersedes is not None:
            draft, old = superseding(self._store, self._index, self._statuses, issuer, draft, supersedes)
        prepared = self._acceptor.prepare(issuer, definition.kind, [draft], now)
        # read back before it is accepted: dates, number of files and the like must be those of a record
        bodies.decrypt(prepared.secrets[0], prepared.leaves[0], prepared.bodies[0])
        groups.append(prepared)
        if old is not None:
            request = ChangeRequest(issuer, old, State.SUPERSEDED, now, Reason.RENEWED, None, prepared.leaves[0])
            statement, intents = self._statuses.prepare(issuer, [request])
            groups.append(statement)
        leaf = prepared.leaves[0]
        after = {"kind": definition.kind.word, "type": definition.code, "supersedes": old.hex() if old else None}
        logged = self._operations.note(Act("record.issue", issuer, leaf.hex(), None, after))

        def write(unit: Unit) -> None:
            if definition.kind is Kind.SEAL_USE:
                self._seals.require_still(unit, draft)
            if intents is not None:
                intents(unit)
            logged(unit)
            also(unit, leaf)

        self._acceptor.commit(groups, also=write)
        return Accepted(record_id, leaf)

    def deposit(
        self, depositor: str, definition: TypeDefinition, files: Sequence[Path], values: dict[str, Any]
    ) -> Accepted:
        """Accept judicial evidence: one record over the digests of one or more files.

        Raises:
            InputError: DEPOSIT_EMPTY, ISSUE_FIELD_…
        """
        if not files:
            raise InputError("DEPOSIT_EMPTY")
        return self.issue(depositor, definition, values, files=[digest_path(f) for f in files])
