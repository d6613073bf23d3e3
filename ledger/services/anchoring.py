"""The outbox: accepted → batched → signed → broadcast → mined → final → receipted.

One holder of the lease drives it. Each arrow is one database transaction or one idempotent outside act, and a restart
runs this same code: ``advance`` looks at what is stored and does the next thing for each batch.

* signed: the segment's parts are written before the row moves; parts that exist are used again, never remade.
* broadcast: the raw transaction is stored before it is sent, and re-sent byte for byte. Other bytes are made only
  after a final block shows the nonce used by another hash; the contract treats the identical batch as one.
  A crash leaves: before it is stored, a signed batch, as it was; after, bytes that the next pass sends; after they
  are sent, a batch that still counts as signed, and the next pass sends the same bytes again.
* receipted: the receipt proof is verified and written to the segment before anyone is told.

The chain is asked outside of database transactions: a slow node must not keep other writers waiting. What it said may
be old when it is written down; guarded moves and the nonce's own road (above) bear that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ledger.core import canonical
from ledger.core.bundles import Anchor
from ledger.core.manifests import Expects, Manifest
from ledger.core.registries import Permission, Suite
from ledger.errors import ConflictError, IntegrityError, ZhengyinError
from ledger.ports import (
    Account,
    AnchorCall,
    BatchRow,
    Chain,
    RevocationSource,
    Segment,
    Segments,
    Signer,
    Store,
    TimestampAuthority,
    TransactionRow,
)
from ledger.proofs import events, headers, receipts
from ledger.services.batch_signing import check_signatures, is_signed, sign_batch
from ledger.services.faultpoints import faultpoint

MANIFEST, ACCREDITATION, RECEIPT = "manifest", "accreditation", "receipt"
OPEN_STATES = ("batched", "signed", "broadcast", "mined", "final")


@dataclass
class Progress:
    """What one pass did. ``moved``: arrows taken; ``open``: batches not yet receipted; ``refused``: what waits for a
    batch that was refused, and so is not open; ``problems``: held back by."""

    moved: int = 0
    open: int = 0
    refused: int = 0
    problems: list[ZhengyinError] = field(default_factory=list)


class Anchoring:
    def __init__(
        self,
        store: Store,
        segments: Segments,
        chain: Chain,
        signers: Callable[[str, Suite], Sequence[Signer]],
        account: Callable[[str, Permission], Account],
        clock: Callable[[], float],
        timestamps: Callable[[str], TimestampAuthority | None],
        revocation: Callable[[], RevocationSource],
    ) -> None:
        self._store = store
        self._segments = segments
        self._chain = chain
        self._signers = signers
        self._timestamps = timestamps
        self._revocation = revocation
        self._account = account
        self._clock = clock

    def advance(self, beat: Callable[[], None] = lambda: None) -> Progress:
        """One pass over every open batch; ``beat`` before each.

        Whatever is wrong with one batch (an outside party that does not answer, a key that is not here, a record
        without approval) holds back that batch, not those of other offices.
        """
        progress = Progress()
        arrows = {
            "batched": self._sign,
            "signed": self._broadcast,
            "broadcast": self._await_block,
            "mined": self._await_finality,
            "final": self._receipt,
        }
        with self._store.read() as unit:
            batches = unit.batches.in_states(OPEN_STATES)
        for batch in batches:
            beat()
            try:
                while batch.state in arrows and arrows[batch.state](batch):
                    progress.moved += 1
                    batch = self._reload(batch)
            except ZhengyinError as e:
                progress.problems.append(e)
            progress.open += batch.state in OPEN_STATES
        return progress

    def _reload(self, batch: BatchRow) -> BatchRow:
        with self._store.read() as unit:
            return unit.batches.get(batch.row)

    def _sign(self, batch: BatchRow) -> bool:
        segment = self._segments.open(batch.root)
        manifest = self._manifest(batch, segment)
        if not is_signed(segment):
            with self._store.read() as unit:
                document = unit.chain.document(batch.accreditation)
            if document is not None:
                segment.put(ACCREDITATION, document)
            signers = self._signers(batch.issuer, manifest.suite)
            timestamps = self._timestamps(batch.issuer) if manifest.expects.token else None
            sign_batch(segment, manifest, signers, timestamps, self._revocation, int(self._clock()))
        check_signatures(segment, manifest)
        faultpoint("anchor.signed")
        with self._store.begin() as unit:
            unit.batches.move(batch.row, "batched", "signed", manifest_sha256=manifest.sha256())
        return True

    def _manifest(self, batch: BatchRow, segment: Segment) -> Manifest:
        stored = segment.get(MANIFEST)
        if stored is not None:
            return Manifest.from_bytes(stored)
        after, _ = self._chain.head()
        token = self._timestamps(batch.issuer) is not None
        sm3 = segment.sm3()
        suite = Suite.INTL if sm3 is None else sm3.suite
        manifest = Manifest(
            issuer=batch.issuer,
            kind=batch.kind,
            suite=suite,
            root=batch.root,
            size=batch.size,
            counts=segment.types(),
            closed=int(self._clock()),
            after=after,
            chain=self._chain.identity,
            expects=Expects(signatures=suite.signatures[0], token=token),
            root_sm3=sm3.root() if sm3 else None,
        )
        segment.put(MANIFEST, manifest.to_bytes())
        faultpoint("anchor.manifest")
        return manifest

    def _call(self, batch: BatchRow) -> AnchorCall:
        segment = self._segments.open(batch.root)
        data = segment.get(MANIFEST)
        if data is None or batch.manifest_sha256 is None:
            raise IntegrityError("SEGMENT_PART_MISSING", root=batch.root.hex())
        manifest = Manifest.from_bytes(data)
        return AnchorCall(
            batch.accreditation,
            batch.kind,
            int(manifest.suite),
            batch.size,
            batch.root,
            batch.manifest_sha256,
            tuple(signature.certificate_sha256 for signature in check_signatures(segment, manifest)),
            manifest.sm3(),
        )

    def _broadcast(self, batch: BatchRow) -> bool:
        transaction = self._live(batch)
        if transaction is None and (mined := self._chain.anchored(batch.issuer, batch.root)):
            # a transaction that this database does not remember did it already (restore, replaced nonce)
            with self._store.begin() as unit:
                unit.batches.move(batch.row, "signed", "mined", block=mined.block, block_hash=mined.block_hash)
            return True
        if transaction is None:
            call, account = self._call(batch), self._account(batch.issuer, Permission.ANCHOR)
            try:
                self._chain.check_anchor(account, call)
            except ConflictError as e:
                return self._refuse(batch, "signed", e)
            on_chain = self._chain.chain_nonce(account.address)
            with self._store.begin() as unit:
                # who lost the lease while the node was silent finds what its successor stored
                if unit.transactions.live("anchor", batch.row) is None:
                    nonce = unit.transactions.next_nonce(account.address, on_chain)
                    raw, hash_ = self._chain.sign_anchor(account, nonce, call)
                    unit.transactions.add("anchor", batch.row, account.address, nonce, raw, hash_)
            faultpoint("anchor.stored")
            transaction = self._live(batch)
        if transaction is None:
            raise IntegrityError("OUTBOX_TRANSACTION_MISSING", batch=batch.row)
        try:
            self._chain.send(transaction.raw)
        except ConflictError:
            if self._chain.chain_nonce(transaction.account) <= transaction.nonce:
                raise
            # the nonce went to another hash before these bytes were ever sent: the next arrow replaces them
        faultpoint("anchor.sent")
        with self._store.begin() as unit:
            if transaction.state == "stored":
                unit.transactions.move(transaction.row, "stored", "sent")
            unit.batches.move(batch.row, "signed", "broadcast")
        return True

    def _await_block(self, batch: BatchRow) -> bool:
        transaction = self._live(batch)
        if transaction is None:
            raise IntegrityError("OUTBOX_TRANSACTION_MISSING", batch=batch.row)
        mined = self._chain.mined(transaction.hash)
        if mined is None:
            if self._chain.chain_nonce(transaction.account) <= transaction.nonce:
                self._chain.send(transaction.raw)
                return False
            if not self._chain.spent(transaction.account, transaction.nonce, transaction.hash):
                return False  # ours came in just now: the next pass finds it
            # the nonce went to another hash (a shared key, a restored database): new bytes are safe,
            # because the contract takes the identical batch for one
            with self._store.begin() as unit:
                unit.transactions.move(transaction.row, transaction.state, "replaced")
                unit.batches.move(batch.row, "broadcast", "signed")
            return True
        with self._store.begin() as unit:
            after = "mined" if mined.succeeded else "failed"
            place = {"block": mined.block, "block_hash": mined.block_hash}
            unit.transactions.move(transaction.row, transaction.state, after, **place)
            if mined.succeeded:
                unit.batches.move(batch.row, "broadcast", "mined", **place)
            else:
                problem = str(ConflictError("OUTBOX_REVERTED", block=mined.block))
                unit.batches.move(batch.row, "broadcast", "refused", problem=problem)
        faultpoint("anchor.mined")
        return True

    def _await_finality(self, batch: BatchRow) -> bool:
        if batch.block is None:
            raise IntegrityError("OUTBOX_TRANSACTION_MISSING", batch=batch.row)
        on_chain = self._chain.canonical(batch.block)
        with self._store.begin() as unit:
            if on_chain == batch.block_hash:
                unit.batches.move(batch.row, "mined", "final")
            else:
                # the block was reorganised away: the same raw transaction goes out again
                transaction = unit.transactions.live("anchor", batch.row)
                if transaction is not None:
                    unit.transactions.move(transaction.row, transaction.state, "stored", block=None, block_hash=None)
                unit.batches.move(batch.row, "mined", "signed", block=None, block_hash=None)
        faultpoint("anchor.final")
        return True

    def _receipt(self, batch: BatchRow) -> bool:
        segment = self._segments.open(batch.root)
        manifest = Manifest.from_bytes(segment.get(MANIFEST) or b"")
        mined = self._chain.anchored(batch.issuer, batch.root)
        if mined is None:
            raise IntegrityError("OUTBOX_EVENT_MISSING", root=batch.root.hex())
        anchor = self._chain.anchor_proof(mined, manifest.after.block)
        event = anchored_event(anchor, self._chain.identity.records, batch.root)
        if event.manifest_sha256 != batch.manifest_sha256:
            # our manifest can never stand under this root: the records may go into another batch (`retry_refused`)
            problem = IntegrityError("OUTBOX_OTHER_MANIFEST", batch=batch.row)
            self._refuse(batch, "final", problem)
            raise problem
        segment.put(RECEIPT, canonical.encode(anchor.to_json(), canonical.BUNDLE_LIMITS))
        faultpoint("anchor.receipt")
        with self._store.begin() as unit:
            # the block of the first anchoring: ours may have been the repetition
            place = {"block": mined.block, "block_hash": mined.block_hash}
            unit.batches.move(batch.row, "final", "receipted", sequence=event.sequence, **place)
        faultpoint("anchor.receipted")
        return True

    def _live(self, batch: BatchRow) -> TransactionRow | None:
        with self._store.read() as unit:
            return unit.transactions.live("anchor", batch.row)

    def _refuse(self, batch: BatchRow, before: str, problem: ZhengyinError) -> bool:
        # the records stay in the refused batch until a person has mended the cause (`Outbox.retry_refused`)
        with self._store.begin() as unit:
            unit.batches.move(batch.row, before, "refused", problem=str(problem))
        return True


def anchored_event(anchor: Anchor, records: bytes, root: bytes) -> events.AnchoredEvent:
    """The BatchAnchored event for ``root`` that the anchor's receipt proves.

    Raises:
        InputError: RECEIPT_…, EVENT_…. IntegrityError: OUTBOX_EVENT_MISSING.
    """
    header = headers.parse_header(anchor.header)
    receipt = receipts.prove_receipt(header.receipts_root, anchor.index, anchor.receipt)
    for log in receipt.logs:
        if log.address == records and log.topics[0] == events.TOPIC_BATCH_ANCHORED:
            event = events.decode_anchored(log)
            if event.root == root:
                return event
    raise IntegrityError("OUTBOX_EVENT_MISSING", root=root.hex())
