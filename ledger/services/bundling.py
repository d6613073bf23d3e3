"""Cutting bundles: everything that proves one record, from its segment, and on demand its state from the chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical
from ledger.core.accreditations import Accreditation
from ledger.core.bundles import Anchor, Bundle, Inclusion, StateProof, StatusEntry
from ledger.core.disclosures import disclose
from ledger.core.keys import RecordKey
from ledger.core.manifests import ChainIdentity, Manifest
from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.errors import ConflictError, NotFoundError
from ledger.ports import Chain, RecordRow, Segment, Segments, Spool, Store, Vault
from ledger.proofs import headers
from ledger.services import bodies
from ledger.services.anchoring import ACCREDITATION, CMS, MANIFEST, RECEIPT, read_validation
from ledger.services.indexing import Indexing

HEAD_AGE = 5
"""Seconds: the embedded engine seals a block for a stapled state when its head is older."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A record as its keeper can read it. ``values``: the claims' values."""

    row: RecordRow
    record: Record
    values: dict[str, Any]


class Bundling:
    def __init__(
        self, store: Store, segments: Segments, spool: Spool, vault: Vault, chain: Chain, indexing: Indexing
    ) -> None:
        self._store = store
        self._segments = segments
        self._spool = spool
        self._vault = vault
        self._chain = chain
        self._indexing = indexing

    @property
    def chain_identity(self) -> ChainIdentity:
        """The chain that states are asked of."""
        return self._chain.identity

    def open(self, row: RecordRow) -> Opened:
        """Decrypt a record's body.

        Raises:
            NotFoundError: RECORD_ERASED, when its key was erased. IntegrityError: BODY_OF_OTHER_LEAF, SEGMENT_….
        """
        secret = self._vault.get([row.vault]).get(row.vault)
        if secret is None:
            raise NotFoundError("RECORD_ERASED", leaf=row.leaf.hex())
        record, values = bodies.decrypt(secret, row.leaf, self._body(row))
        return Opened(row, record, values)

    def _body(self, row: RecordRow) -> bytes:
        if row.chunk is not None:
            return self._spool.read(row.chunk)[row.offset : row.offset + row.length]
        return self._segment(row).body(row.index or 0)

    def _segment(self, row: RecordRow) -> Segment:
        if row.batch is None:
            raise ConflictError("BUNDLE_NOT_ANCHORED", state="accepted")
        with self._store.read() as unit:
            return self._segments.open(unit.batches.get(row.batch).root)

    def bundle(self, row: RecordRow, names: Sequence[str] | None, state: bool) -> Bundle:
        """The bundle of a receipted record; ``names``: claims to disclose (``None``: all), ``state``: staple it.

        Raises:
            ConflictError: BUNDLE_NOT_ANCHORED while the batch has no receipt. UnavailableError: CHAIN_… for the state.
        """
        opened = self.open(row)
        segment = self._segment(row)
        manifest, cms, receipt = segment.get(MANIFEST), segment.get(CMS), segment.get(RECEIPT)
        if manifest is None or cms is None or receipt is None or row.index is None:
            raise ConflictError("BUNDLE_NOT_ANCHORED", state="batched")
        secret = self._vault.get([row.vault])[row.vault]
        chosen = opened.values.keys() if names is None else names
        return Bundle(
            record=opened.record,
            disclosures=disclose(RecordKey(secret), opened.values, chosen),
            inclusion=Inclusion(row.index, tuple(segment.path(row.index))),
            manifest=Manifest.from_bytes(manifest),
            signatures=(cms,),
            validation=read_validation(segment),
            anchor=_anchor(segment, receipt),
            state=self.state(row.issuer, row.leaf, segment.root()) if state else None,
        )

    def state(self, issuer: str, leaf: bytes, root: bytes) -> StateProof:
        """State of a leaf in its issuer's namespace as of the newest final block, with the statements this store has.

        ``root``: of the batch that holds the leaf.

        Raises:
            UnavailableError: CHAIN_…, when the engine does not answer or its proofs do not hold.
        """
        header, nodes = self._chain.status_proof(issuer, leaf, root, HEAD_AGE)
        sealed = headers.parse_header(header)
        self._indexing.run()  # the proof's block may be newer than what the index has read
        with self._store.read() as unit:
            entries = [e for e in unit.chain.entries(issuer, leaf) if e.block <= sealed.number]
        statements = [s for s in (self._statement(e.entry) for e in entries) if s is not None]
        return StateProof(header, tuple(nodes), tuple(e.entry for e in entries), tuple(statements))

    def _statement(self, entry: StatusEntry) -> Bundle | None:
        with self._store.read() as unit:
            row = unit.records.by_leaf(entry.statement)
        if row is None or row.kind is not Kind.STATUS:
            return None
        try:
            return self.bundle(row, None, state=False)
        except ConflictError:
            return None  # its receipt is not here yet: shown as "decision not shown", never as a fault


def _anchor(segment: Segment, receipt: bytes) -> Anchor:
    value = canonical.decode(receipt, canonical.BUNDLE_LIMITS)
    document = segment.get(ACCREDITATION)
    if document is not None:
        value["accreditation"] = Accreditation.from_json(canonical.decode(document)).to_json()
    return Anchor.from_json(value, RECEIPT)
