"""Revocation data a second time, from after the signature: a theft of the key, or a revocation, that nobody had
reported when the batch was signed is in them. With them the verdict on its records is no longer provisional
(ETSI EN 319 122-1 clause 5.5, the grace period of EN 319 102-1).

Order of writes, for each receipted batch: the data are collected (nothing is stored yet), then written once as a part
of the segment. A crash before leaves the batch as it was; one between two media leaves the part on the first, and the
next pass completes it. The segment is what remembers: no row says that a batch is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ledger.core import canonical
from ledger.core.bundles import Anchor, ValidationData
from ledger.core.manifests import Manifest
from ledger.crypto.revocation_info import read_subject
from ledger.errors import IntegrityError, UnavailableError, ZhengyinError
from ledger.ports import BatchRow, RevocationSource, Segment, Segments, Store
from ledger.proofs.headers import parse_header
from ledger.services.anchoring import MANIFEST, OPEN_STATES, RECEIPT
from ledger.services.batch_signing import LATER_VALIDATION, VALIDATION, check_signatures, read_validation, stampers_of
from ledger.services.faultpoints import faultpoint

LEASE = "validation"
LEASE_SECONDS = 120.0
"""Longer than the authorities of one batch can keep silent; renewed before each."""
PAGE = 256


@dataclass
class Collected:
    """What one pass did. ``waiting``: batches whose data are not due or not to be had yet; ``problems``: why not."""

    written: int = 0
    waiting: int = 0
    problems: list[ZhengyinError] = field(default_factory=list)


class LateValidation:
    """``grace``: seconds from the block of a batch until its data are taken. One thread at a time."""

    def __init__(
        self,
        store: Store,
        segments: Segments,
        source: Callable[[], RevocationSource],
        grace: int,
        clock: Callable[[], float],
        holder: str,
    ) -> None:
        self._store = store
        self._segments = segments
        self._source = source
        self._grace = grace
        self._clock = clock
        self._holder = holder
        self._before = 0  # every batch up to this row is settled
        self._settled: set[int] = set()  # and these beyond it

    def run_due(self, going: Callable[[], bool] = lambda: True) -> Collected:
        """One pass over all batches that are not settled; ``going``: asked before each. Another process's pass is left
        alone. What is wrong with one batch (an authority that does not answer) holds back that batch only.

        Raises:
            UnavailableError: STORE_….
        """
        done = Collected()
        if not self._store.take_lease(LEASE, self._holder, self._clock(), LEASE_SECONDS):
            return done
        try:
            self._pass(done, going)
        finally:
            self._store.drop_lease(LEASE, self._holder)
        return done

    def _pass(self, done: Collected, going: Callable[[], bool]) -> None:
        with self._store.read() as unit:
            # a batch on its way may be receipted after later ones
            first_open = min((batch.row for batch in unit.batches.in_states(OPEN_STATES)), default=None)
        row, unbroken = self._before, True
        while True:
            with self._store.read() as unit:
                page = unit.batches.receipted_after(row, PAGE)
            if not page:
                return
            for batch in page:
                row = batch.row
                if not going() or not self._store.keep_lease(LEASE, self._holder, self._clock(), LEASE_SECONDS):
                    return
                settled = row in self._settled or self._settle(batch, done)
                unbroken = unbroken and settled and (first_open is None or row < first_open)
                if unbroken:
                    self._before = row
                    self._settled.discard(row)
                elif settled:
                    self._settled.add(row)

    def _settle(self, batch: BatchRow, done: Collected) -> bool:
        try:
            segment = self._segments.open(batch.root)
            if segment.durable(LATER_VALIDATION):
                return True
            data = segment.get(LATER_VALIDATION)
            if data is None:
                data = self._take(segment)
            if data is not None:
                segment.put(LATER_VALIDATION, data)
                done.written += 1
                return True
        except ZhengyinError as e:
            done.problems.append(e)
        done.waiting += 1
        return False

    def _take(self, segment: Segment) -> bytes | None:
        """The part's bytes; ``None`` before the grace period is over, and for ever once a certificate has expired of
        which nothing later was to be had: authorities may drop expired ones (RFC 5280 section 3.3)."""
        manifest, receipt = segment.get(MANIFEST), segment.get(RECEIPT)
        if manifest is None or receipt is None:
            raise IntegrityError("SEGMENT_PART_MISSING", root=segment.root().hex())
        now, anchored = int(self._clock()), _block_time(receipt)
        if now < anchored + self._grace:
            return None
        signatures = check_signatures(segment, Manifest.from_bytes(manifest))
        signers, stampers = [s.certificate for s in signatures], stampers_of(signatures)
        first = read_validation(segment, [VALIDATION])
        try:
            found = self._source().collect([*signers, *stampers], now, anchored, first.certificates)
        except UnavailableError:
            if min(read_subject(der).expires for der in (*signers, *stampers)) < now:
                return None
            raise
        if set(found.certificates) != set(first.certificates):
            # the bundles' path is fixed by what was signed with: data for another one would be surplus for ever
            raise UnavailableError("VALIDATION_OTHER_PATH", root=segment.root().hex())
        faultpoint("validation.collected")
        later = ValidationData(first.certificates, found.crls, found.ocsps)
        return canonical.encode(later.to_json(), canonical.BUNDLE_LIMITS)


def _block_time(receipt: bytes) -> int:
    anchor = Anchor.from_json(canonical.decode(receipt, canonical.BUNDLE_LIMITS), RECEIPT)
    return parse_header(anchor.header).timestamp
