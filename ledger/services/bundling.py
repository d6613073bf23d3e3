"""Cutting bundles: everything that proves one record, from its segment, and on demand its state from the chain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ledger.core import canonical
from ledger.core.accreditations import Accreditation
from ledger.core.bundles import Anchor, Bundle, Inclusion, StateProof
from ledger.core.disclosures import Disclosure, disclose
from ledger.core.keys import RecordKey
from ledger.core.manifests import ChainIdentity, Manifest
from ledger.core.records import Record
from ledger.core.registries import Kind
from ledger.core.trust import Trust
from ledger.core.trust_services import TrustListProof
from ledger.crypto.cms import verify_detached
from ledger.errors import ConfigError, ConflictError, InputError, NotFoundError
from ledger.ports import Chain, RecordRow, Segment, Segments, Spool, Store, Vault
from ledger.proofs import headers
from ledger.services import bodies
from ledger.services.acting import standing
from ledger.services.anchoring import ACCREDITATION, MANIFEST, RECEIPT
from ledger.services.batch_signing import read_validation, signatures_of, stampers_of
from ledger.services.indexing import Indexing
from ledger.services.listed_now import list_proof

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

    def trust_list(self, state: StateProof, bundle: Bundle, trust: Trust) -> TrustListProof | None:
        """What the chain's trust list says as of this state, proved for all that the trust file, the bundle and the
        statements of the state name; ``None`` where the ledger has no list.

        Raises UnavailableError CHAIN_…, ENGINE_….
        """
        purposes = {kind.word for kind in (bundle.record.kind, Kind.SEAL, Kind.STATUS)}
        brought = [der for one in (bundle, *state.statements) for der in _certificates(one)]
        return list_proof(self._chain, state.header, trust, purposes, dict.fromkeys(brought))

    def open(self, row: RecordRow) -> Opened:
        """Decrypt a record's body.

        Raises:
            NotFoundError: RECORD_ERASED, when its key was erased. IntegrityError: BODY_OF_OTHER_LEAF, SEGMENT_….
        """
        return self._open(row, self._secret(row))

    def disclosed(self, row: RecordRow) -> tuple[Record, tuple[Disclosure, ...]]:
        """A record, anchored or not, with all of its values as everyone can check them. Raises as `open`."""
        secret = self._secret(row)
        opened = self._open(row, secret)
        return opened.record, _disclosed(opened, secret, list(opened.values))

    def _secret(self, row: RecordRow) -> bytes:
        secret = self._vault.get([row.vault]).get(row.vault)
        if secret is None:
            raise NotFoundError("RECORD_ERASED", leaf=row.leaf.hex())
        return secret

    def _open(self, row: RecordRow, secret: bytes) -> Opened:
        record, values = bodies.decrypt(secret, row.leaf, self._body(row))
        return Opened(row, record, values)

    def _body(self, row: RecordRow) -> bytes:
        if row.chunk is not None:
            return self._spool.body(row.chunk, row.ordinal)
        return self._segment(row).body(row.index or 0)

    def _segment(self, row: RecordRow) -> Segment:
        if row.batch is None:
            raise ConflictError("BUNDLE_NOT_ANCHORED", state="accepted")
        with self._store.read() as unit:
            return self._segments.open(unit.batches.get(row.batch).root)

    def bundle(self, row: RecordRow, names: Sequence[str] | None, state: bool, secret: bytes | None = None) -> Bundle:
        """The bundle of a receipted record; ``names``: claims to disclose, as far as it has them (``None``: all);
        ``state``: staple it; ``secret``: the record's key from whoever looked it up already.

        Raises:
            ConflictError: BUNDLE_NOT_ANCHORED while the batch has no receipt. UnavailableError: CHAIN_… for the state.
            NotFoundError: RECORD_ERASED.
        """
        secret = self._secret(row) if secret is None else secret
        opened = self._open(row, secret)
        segment = self._segment(row)
        data, receipt = segment.get(MANIFEST), segment.get(RECEIPT)
        manifest = None if data is None else Manifest.from_bytes(data)
        signatures = () if manifest is None else signatures_of(segment, manifest)
        if manifest is None or not signatures or receipt is None or row.index is None:
            raise ConflictError("BUNDLE_NOT_ANCHORED", state="batched")
        chosen = [name for name in opened.values if names is None or name in names]
        return Bundle(
            record=opened.record,
            disclosures=_disclosed(opened, secret, chosen),
            inclusion=inclusion_of(segment, row.index),
            manifest=manifest,
            signatures=signatures,
            validation=read_validation(segment),
            anchor=anchor_of(segment, receipt),
            state=self.state(row.issuer, row.leaf, segment.root()) if state else None,
        )

    def state(self, issuer: str, leaf: bytes, root: bytes, kept: Sequence[Bundle] = ()) -> StateProof:
        """State of a leaf in its issuer's namespace as of the newest final block, with the statements this store has:
        those behind its changes, behind a freeze that stands, and behind the disowning of its batch.

        ``root``: of the batch that holds the leaf; ``kept``: statements from elsewhere, for those that are not here.

        Raises:
            UnavailableError: CHAIN_…, when the engine does not answer or its proofs do not hold.
        """
        header = self._chain.state_header(HEAD_AGE)
        block = headers.parse_header(header).number
        self._indexing.run()  # the proof's block may be newer than what the index has read
        with self._store.read() as unit:
            entries = [e.entry for e in unit.chain.entries(issuer, leaf) if e.block <= block]
            acts = standing(unit, issuer, leaf, root, block)
        named = dict.fromkeys([e.statement for e in entries] + [a.statement for a in acts])
        elsewhere = {s.record.leaf(): s for s in kept}
        found = [self._statement(s) or elsewhere.get(s) for s in named]
        statements = [s for s in found if s is not None]
        batches = [(s.manifest.issuer, s.manifest.root) for s in statements]
        nodes = self._chain.state_proof(header, issuer, leaf, root, batches)
        return StateProof(header, tuple(nodes), tuple(entries), tuple(statements))

    def _statement(self, leaf: bytes) -> Bundle | None:
        with self._store.read() as unit:
            row = unit.records.by_leaf(leaf)
        if row is None or row.kind is not Kind.STATUS:
            return None
        try:
            return self.bundle(row, None, state=False)
        except (ConflictError, NotFoundError):
            return None  # not receipted yet, or erased with its record: "decision not shown", never a fault


def _certificates(bundle: Bundle) -> list[bytes]:
    """Those that its paths may be of: its validation data, and whoever stamped its signatures."""
    found = list(bundle.validation.certificates)
    with suppress(InputError, ConfigError):  # a signature that does not hold is the verifier's to judge
        found += stampers_of([verify_detached(cms, bundle.manifest.to_bytes()) for cms in bundle.signatures])
    return found


def _disclosed(opened: Opened, secret: bytes, names: Sequence[str]) -> tuple[Disclosure, ...]:
    return disclose(RecordKey(secret), opened.values, names, opened.record.suite)


def inclusion_of(segment: Segment, index: int) -> Inclusion:
    """The paths of record number ``index``, one for each tree of its batch."""
    second = segment.path_sm3(index)
    return Inclusion(index, tuple(segment.path(index)), None if second is None else tuple(second))


def anchor_of(segment: Segment, receipt: bytes) -> Anchor:
    """The anchor of a bundle, from the parts ``receipt`` and accreditation."""
    value = canonical.decode(receipt, canonical.BUNDLE_LIMITS)
    document = segment.get(ACCREDITATION)
    if document is not None:
        value["accreditation"] = Accreditation.from_json(canonical.decode(document)).to_json()
    return Anchor.from_json(value, RECEIPT)
