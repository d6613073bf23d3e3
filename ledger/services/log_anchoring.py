"""Once a day the head of the operations log is deposited as evidence, by the road of every other record: who later
rewrites the log, or cuts its end off, contradicts a record that is final on chain."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import cast

from ledger.core import canonical
from ledger.core.identifiers import new_urn
from ledger.core.records import FileDigest, Record
from ledger.core.registries import Kind
from ledger.core.typefiles import TypeDefinition
from ledger.crypto.blind_index import BlindIndex
from ledger.crypto.digests import digest_stream
from ledger.errors import ConflictError, IntegrityError
from ledger.ports import RecordRow, Unit
from ledger.ports.access import ServiceStore, ServiceUnit
from ledger.services.issuing import Issuing
from ledger.services.operations import ANCHORED, Act, LogProof, Operations, by, read_entry

HEAD_TAG = "zhengyin/operationsHead/1"
DAY = 86_400
_SHANGHAI = timezone(timedelta(hours=8))


def head_document(number: int, row: int, hash_: bytes) -> bytes:
    """Canonical bytes that the deposited record binds; anybody with the log can make them again."""
    return canonical.encode({"tag": HEAD_TAG, "number": number, "row": row, "hash": hash_.hex()})


def head_id(number: int) -> str:
    """Id of the record of head ``number``: known beforehand, so that a missing entry in the log hides none."""
    return new_urn(hashlib.sha256(f"{HEAD_TAG}/{number}".encode()).digest()[:16])


class LogAnchoring:
    """``depositor``: the organisation that may deposit evidence here, or ``None``."""

    def __init__(
        self,
        store: ServiceStore,
        operations: Operations,
        issuing: Issuing,
        index: BlindIndex,
        definition: TypeDefinition,
        depositor: Callable[[], str | None],
        opened: Callable[[RecordRow], Record],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._operations = operations
        self._issuing = issuing
        self._index = index
        self._definition = definition
        self._depositor = depositor
        self._opened = opened
        self._clock = clock

    def anchor_due(self) -> bytes | None:
        """Deposit the head if a day has passed and something was logged since; returns the record's leaf.

        The record, its entry and the entry that tells of the head are one transaction: a crash leaves all or none.
        """
        with self._store.read() as unit:
            row, hash_ = unit.access.operations_head()
            last, _ = unit.access.operations_anchor()
            told = unit.access.operations(last, 1) if last else []
        if row == last:
            return None
        number = 1
        if told:
            value = read_entry(last, told[0][1])
            number = value["after"]["number"] + 1
            if value["at"] + DAY > self._clock():
                return None
        depositor = self._depositor()
        return None if depositor is None else self._deposit(depositor, number, row, hash_)

    def _deposit(self, depositor: str, number: int, row: int, hash_: bytes) -> bytes | None:
        def tell(unit: Unit, leaf: bytes) -> None:
            after = {"number": number, "row": row, "hash": hash_.hex(), "leaf": leaf.hex()}
            self._operations.note(Act(ANCHORED, depositor, leaf.hex(), None, after))(unit)
            access = cast(ServiceUnit, unit).access
            access.set_operations_anchor(access.operations_head()[0], leaf)

        values = {
            "title": f"操作日志 {number}",
            "source": "系统",
            "submitter": depositor,
            "collectedAt": datetime.fromtimestamp(self._clock(), _SHANGHAI).date().isoformat(),
            "method": "操作日志链首摘要",
        }
        files = [self._digest(number, row, hash_)]
        try:
            with by("worker"):
                accepted = self._issuing.issue(
                    depositor, self._definition, values, id_=head_id(number), files=files, also=tell
                )
        except ConflictError:
            return None  # another worker was first
        return accepted.leaf

    def verify(self) -> LogProof:
        """The log, and every deposited head against it.

        Raises:
            IntegrityError: OPERATIONS_…; OPERATIONS_ANCHOR where a deposited head contradicts the log, or the log does
                not tell of one.
        """
        proof = self._operations.verify_chain()
        with self._store.read() as unit:
            for number, head in enumerate(proof.anchored, 1):
                record = unit.records.by_leaf(head.leaf)
                if head.number != number or record is None or record.kind is not Kind.EVIDENCE:
                    raise IntegrityError("OPERATIONS_ANCHOR", number=number)
                if self._opened(record).files != (self._digest(number, head.row, head.hash),):
                    raise IntegrityError("OPERATIONS_ANCHOR", number=number)
            beyond = len(proof.anchored) + 1
            if unit.records.find_ids(self._index.id(head_id(beyond))):
                raise IntegrityError("OPERATIONS_ANCHOR", number=beyond)
        return proof

    @staticmethod
    def _digest(number: int, row: int, hash_: bytes) -> FileDigest:
        return digest_stream(io.BytesIO(head_document(number, row, hash_)))
